import type { Answers } from './answer.ts';

/** What `trust repair` has done: the document of `--json`. */
export interface Repaired {
  /** The repaired policy differs from the one that was read. */
  changed: boolean;
  /** It was written to the role, and read back. */
  written: boolean;
  /** Why there is no repair, and what to do instead. */
  refused?: { why: string; remedy: string };
  /** The statement that is added. */
  statement?: Record<string, unknown>;
  /** The whole policy: repaired, or as it was. */
  policy: unknown;
  /** Number of the policy's characters without white space, as IAM counts them. */
  length: number;
  before: Answers;
  /** Absent if the repair was refused. */
  after?: Answers;
}
