/** Accepted differences between what eksctl prints and the state of the world, each with its reason. */
import type { Reason } from '../../reasons.ts';

export const REASONS: readonly Reason[] = [
  {
    where: /./,
    what: /^get addon: \S+ Issues \S+ Message, read by the service$/,
    values: /\n|\\n/,
    reason:
      'The service writes line breaks and other control characters of texts that it reads as escapes, eksctl as they are.',
  },
  {
    where: /^efs-csi-irsa, /,
    what: /^get addon as table: /,
    reason: "eksctl prints configuration values into its table with their line breaks, which split the add-on's row.",
  },
];
