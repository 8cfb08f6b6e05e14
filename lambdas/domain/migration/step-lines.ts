/**
 * Names of the lines that a record has of its steps, and of the one that a migration is at: a closed set, each explained
 * in docs/failures.md. A step that does different things by its input has a line for each.
 */

/** In the order of a migration, then of the way back, then of what comes later. */
export const STEP_LINES = [
  'plan',
  'request-approval',
  'await-window',
  'plan-again',
  'begin',
  'install-agent',
  'repair-trust',
  'create-association',
  'delete-addon',
  'await-deleted',
  'create-addon',
  'update-addon',
  'await-active',
  'carry-over',
  'verify-pods',
  'restart-pods',
  'annotate-service-account',
  'finish',
  'take-over',
  'restore-associations-purged',
  'assess-rollback',
  'restore-addon-update',
  'restore-addon-delete',
  'restore-addon-create',
  'restore-annotation',
  'restore-associations',
  'verify-restored',
  'restart-restored',
  'restore-associations-deferred',
  'restore-associations-own',
  'restore-trust',
  'finish-rolled-back',
  'finish-needs-human',
  'retire-trust-retire',
  'retire-trust-reinstate',
] as const;
export type StepLine = (typeof STEP_LINES)[number];

export interface LineParts {
  base: string;
  /** 1 for the first way of the ladder. */
  attempt: number;
  round: number;
}

/** `verify-pods.2-3` is the third round of `verify-pods` on the second way. */
export function partsOf(name: string): LineParts {
  const [, base = name, attempt = '1', round = '1'] = /^(.*?)(?:\.(\d+))?(?:-(\d+))?$/.exec(name) ?? [];
  return { base, attempt: Number(attempt), round: Number(round) };
}

/** A name without its way and round. */
export const baseOf = (name: string): string => partsOf(name).base;
