/** Differences between the sandbox and a real control plane that are accepted in runs. */
import type { Reason } from '../../reasons.ts';

/** `where` is the name of the run, a comma, and what an act does, as `titleOf` writes it. */
export const REASONS: readonly Reason[] = [];
