import { partsOf } from '../lambdas/domain/migration/step-lines.ts';
import { type StepName, STEP_NAMES, stepSchemas } from '../lambdas/steps/schemas.ts';

type VariantOf<Name extends StepName> = keyof (typeof stepSchemas)[Name]['variants'] & string;
type Variant = { [Name in StepName]: VariantOf<Name> }[StepName];

/** Each variant of a step by its name, with its title. */
const VARIANTS = new Map(
  STEP_NAMES.flatMap((step) =>
    Object.entries<string>(stepSchemas[step].variants).map(([name, title]) => [name, { step, title }] as const),
  ),
);

/** Name of a step in the ledger's lines, without its attempt and round. */
export type LineName = StepName | Variant;

const isStepName = (name: string): name is StepName => Object.hasOwn(stepSchemas, name);
const isVariant = (name: string): name is Variant => VARIANTS.has(name);

export const lineName = (base: LineName, { attempt, round }: { attempt: number; round: number }): string =>
  `${base}${attempt > 1 ? `.${attempt}` : ''}${round > 1 ? `-${round}` : ''}`;

/** Returns whether the step runs once for each attempt; the other steps belong to the migration as a whole. */
export const isPerAttempt = (name: LineName): boolean => {
  // Other variants run once, or in a rollback.
  const step = isVariant(name) ? (name === stepSchemas['verify-pods'].readyVariant ? 'verify-pods' : undefined) : name;
  const input = step && stepSchemas[step].input;
  return input !== undefined && 'shape' in input && 'attempt' in input.shape;
};

/** Returns the title of a step of the ledger. */
export const stepTitle = (name: string): string => {
  const { base, attempt, round } = partsOf(name);
  const title = isStepName(base) ? stepSchemas[base].title : VARIANTS.get(base)?.title;
  if (title === undefined) return name;
  const which = [...(attempt > 1 ? [`attempt ${attempt}`] : []), ...(round > 1 ? [`round ${round}`] : [])];
  return which.length > 0 ? `${title} (${which.join(', ')})` : title;
};

/** Returns the position of a step in the workflow, to order steps that began at the same time. */
export const stepOrder = (name: string): number => {
  const { base } = partsOf(name);
  return STEP_NAMES.findIndex((step) => step === (VARIANTS.get(base)?.step ?? base));
};

const pascalCase = (name: string): string =>
  name.replaceAll(/(^|-)([a-z])/g, (_match, _dash, letter: string) => letter.toUpperCase());

/**
 * Steps by the names of the states that `lib/migration` and `lib/sweep` define: of each step, its variants and ends, and
 * the waits before polls.
 */
const BY_STATE = new Map<string, LineName>([
  ...STEP_NAMES.map((name) => [pascalCase(name), name] as const),
  ['PlanAgain', 'plan-again'],
  ['PlanRetirement', 'retire-trust'],
  ['RecordRefusal', 'retire-trust'],
  ['WaitForTrust', 'await-trust'],
  ['WaitForWebhook', 'await-webhook'],
  ['CreateStandaloneAssociations', 'create-association'],
  ['WaitForStandaloneAssociations', 'await-webhook'],
  ['WaitForFormerIdentity', 'await-former-identity'],
  ['RestorePurged', 'restore-associations-purged'],
  ['RestoreDeferred', 'restore-associations-deferred'],
  ['ReturnAssociations', 'restore-associations-own'],
  ['RestoreAnnotation', 'restore-annotation'],
  ['RestoreTrust', 'restore-trust'],
  ['RecordMigrated', 'finish'],
  ['RecordBlocked', 'finish'],
  ['RecordRolledBack', 'finish-rolled-back'],
  ['RecordNeedsHuman', 'finish-needs-human'],
  ['WaitForDeletion', 'await-deleted'],
  ['WaitForCreation', 'await-active'],
  ['WaitForUpdate', 'await-active'],
  ['WaitForRollout', 'verify-pods'],
  ['WaitForStability', 'confirm-ready'],
  ['ConfirmReady', 'confirm-ready'],
  ['RestoreByUpdate', 'restore-addon-update'],
  ['RemoveFailedCopy', 'restore-addon-delete'],
  ['RestoreByCreate', 'restore-addon-create'],
  ['WaitForRestore', 'assess-rollback'],
  ['VerifyRestored', 'verify-restored'],
  ['RestartRestored', 'restart-restored'],
  ['WaitForRestoredRollout', 'verify-restored'],
  ['WaitForNextPoll', 'dispatch-sweep'],
  ['ReportFailure', 'report-sweep'],
]);

/** Returns the step that a state belongs to; undefined for a choice or an end. */
export const stepOfState = (state: string): LineName | undefined => BY_STATE.get(state);

/** The state that the workflow passes before each further attempt. */
export const NEXT_ATTEMPT = 'NextAttempt';
