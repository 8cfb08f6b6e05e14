import type { Outcome } from '../lambdas/domain/terms/outcome.ts';
import type { SweepClass, SweepOutcome } from '../lambdas/domain/sweep/model.ts';
import type { SweepMode } from '../lambdas/domain/sweep/request.ts';
import type { Verdict } from '../lambdas/domain/policy/index.ts';

/** Exit codes of the program. Pipelines branch on them, so their meaning never changes. */
export const EXIT_CODES = {
  ok: 0,
  unexpected: 1,
  badInput: 2,
  blocked: 3,
  rolledBack: 4,
  needsHuman: 5,
  /** As shells report it: 128 plus the number of SIGINT. */
  interrupted: 130,
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

/** Number of a sweep's migrations by outcome; `none` counts those without one. */
type Ended = Readonly<Record<string, number>>;

/** Number of the add-ons of a sweep by class. */
type ByClass = Readonly<Partial<Record<SweepClass, number>>>;

/** Returns whether there is something to migrate, and none of it can be migrated: all is blocked or could not be read. */
const isAllBlocked = (mode: SweepMode, ended: Ended, byClass: ByClass): boolean => {
  const blocked = (byClass.blocked ?? 0) + (byClass.unreachable ?? 0) + (ended['blocked'] ?? 0);
  const possible =
    mode === 'inventory' ? (byClass.ready ?? 0) : (ended['planned'] ?? 0) + (ended['already-migrated'] ?? 0);
  return possible === 0 && blocked > 0;
};

/**
 * Returns the exit code of a sweep that has ended. An inventory or a sweep of plans succeeds unless everything that
 * needs a migration is blocked, or a cluster could not be inspected. A migration that was ready and then blocked changed nothing, but is
 * not a success.
 */
export const exitCodeOfSweep = ({
  mode,
  outcome,
  ended,
  byClass,
}: {
  mode: SweepMode;
  outcome: SweepOutcome;
  ended: Ended;
  byClass: ByClass;
}): ExitCode => {
  const has = (...outcomes: string[]): boolean => outcomes.some((one) => (ended[one] ?? 0) > 0);
  if (has('needs-human', 'none')) return EXIT_CODES.needsHuman;
  if (outcome === 'failed') return EXIT_CODES.unexpected;
  if (outcome === 'stopped' || has('rolled-back')) return EXIT_CODES.rolledBack;
  if (outcome === 'incomplete') return EXIT_CODES.blocked;
  if (mode === 'migrate') return has('blocked') ? EXIT_CODES.blocked : EXIT_CODES.ok;
  return isAllBlocked(mode, ended, byClass) ? EXIT_CODES.blocked : EXIT_CODES.ok;
};

/** For `--help`. */
export const SWEEP_EXIT_CODES_HELP = `Exit codes:
  0  completed: every cluster was inspected, every migration has ended, and none failed. With --mode inventory or plan,
     also if the report shows add-ons that are blocked, as long as another one can be migrated
  1  the sweep itself failed, the question was answered with no, or any other failure
  2  bad input: nothing was started
  3  --mode migrate: completed, but a migration was blocked; nothing was changed there. --mode inventory and plan:
     there are add-ons to migrate, but all of them are blocked or could not be read. Any mode: incomplete, not every
     cluster could be inspected
  4  stopped before every migration had begun, or a migration was rolled back
  5  a migration ended needs-human or without an outcome; takes precedence over the other codes
  130  interrupted before anything was started`;

/** For `--help`. */
export const EXIT_CODES_HELP = `Exit codes:
  0  migrated, already-migrated or planned
  1  any other failure, or the question was answered with no: nothing was started
  2  bad input: nothing was started
  3  blocked: nothing was changed
  4  rolled-back: the former state is restored
  5  needs-human: the report has the commands that restore it
  130  interrupted before anything was started: nothing was changed`;
