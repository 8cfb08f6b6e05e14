/**
 * The names of the lines that a record has for its steps, and of the step that a migration is in: a closed set, which
 * docs/failures.md explains. A step that does different things depending on its input has a line for each.
 */

/** In the order of a migration, then of its rollback, then of a retirement. */
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
  'confirm-ready',
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
  'request-approval-retirement',
  'await-window-retirement',
  'retire-trust-retire',
  'retire-trust-reinstate',
] as const;
export type StepLine = (typeof STEP_LINES)[number];

export interface LineParts {
  base: string;
  /** 1 for the first attempt. */
  attempt: number;
  round: number;
}

/** Parses the name of a line: `verify-pods.2-3` is the third round of `verify-pods` in the second attempt. */
export function partsOf(name: string): LineParts {
  const [, base = name, attempt = '1', round = '1'] = /^(.*?)(?:\.(\d+))?(?:-(\d+))?$/.exec(name) ?? [];
  return { base, attempt: Number(attempt), round: Number(round) };
}

/** Returns a name without its attempt and round. */
export const baseOf = (name: string): string => partsOf(name).base;
