import type { Answers } from './answer.ts';

/** The document of `--json`. */
export interface Repaired {
  /** Whether the repaired policy differs from the one that was read. */
  changed: boolean;
  /** Whether it was written to the role, and read back. */
  written: boolean;
  /** Why there is no repair, and what to do instead. */
  refused?: { why: string; remedy: string };
  /** The added statement. */
  statement?: Record<string, unknown>;
  /** The whole policy, repaired or unchanged. */
  policy: unknown;
  /** Its length in characters without white space, as IAM counts them. */
  length: number;
  before: Answers;
  /** Absent if the repair was refused. */
  after?: Answers;
}
