import type { Outcome } from '../lambdas/domain/model.ts';
import type { Verdict } from '../lambdas/domain/policy/request.ts';

/** What the shell gets: a pipeline branches on these, so they never change their meaning. */
export const EXIT_CODES = {
  ok: 0,
  unexpected: 1,
  badInput: 2,
  blocked: 3,
  rolledBack: 4,
  needsHuman: 5,
} as const;
export type ExitCode = (typeof EXIT_CODES)[keyof typeof EXIT_CODES];

const BY_OUTCOME: Record<Outcome, ExitCode> = {
  migrated: EXIT_CODES.ok,
  'already-migrated': EXIT_CODES.ok,
  planned: EXIT_CODES.ok,
  blocked: EXIT_CODES.blocked,
  'rolled-back': EXIT_CODES.rolledBack,
  'needs-human': EXIT_CODES.needsHuman,
};

export const exitCodeOf = (outcome: Outcome): ExitCode => BY_OUTCOME[outcome];

const BY_VERDICT: Record<Verdict, ExitCode> = {
  allowed: EXIT_CODES.ok,
  denied: EXIT_CODES.blocked,
  unknown: EXIT_CODES.blocked,
  invalid: EXIT_CODES.badInput,
};

export const exitCodeOfVerdict = (verdict: Verdict): ExitCode => BY_VERDICT[verdict];

/** For `--help`. */
export const EXIT_CODES_HELP = `Exit codes:
  0  migrated, already-migrated or planned
  1  anything else
  2  bad input: nothing was started
  3  blocked: nothing was changed
  4  rolled-back: all is as it was
  5  needs-human: the report has the commands that finish it`;
