/** Accepted differences between what eksctl prints and the state of the world, each with its reason. */
import type { Reason } from '../../reasons.ts';

export const REASONS: readonly Reason[] = [];
