import { partsOf } from '../lambdas/domain/step-lines.ts';
import { type StepName, stepSchemas } from '../lambdas/steps/schemas.ts';

const TITLES: Record<StepName, string> = {
  plan: 'Run the checks and create the plan',
  'request-approval': 'Request an approval of the plan',
  'await-window': 'Wait for the change window',
  begin: 'Take the locks and store the snapshot',
  'install-agent': 'Install the Pod Identity agent and wait until it is ready',
  'repair-trust': "Allow EKS Pod Identity in the roles' trust policies",
  'delete-addon': 'Delete the add-on',
  'await-deleted': 'Wait until the add-on is gone',
  'create-addon': 'Create the add-on with its Pod Identity associations',
  'update-addon': 'Update the add-on in place with its Pod Identity associations',
  'create-association': 'Create the standalone associations',
  'await-active': 'Wait until the add-on is ACTIVE',
  'carry-over': 'Carry over the other settings of the associations',
  'verify-pods': 'Verify the pods: where do their credentials come from?',
  'restart-pods': 'Restart the pods that kept their old identity',
  'annotate-service-account': 'Remove the IRSA annotation of the service account',
  'assess-rollback': 'Compare the present state with the snapshot',
  'restore-addon': 'Restore the add-on',
  'restore-associations': 'Restore the associations',
  'retire-trust': "Change this cluster's OIDC statement in the roles' trust policies",
  pause: 'Wait until a failing service has recovered',
  'take-over': 'Take over the migration',
  'find-stranded': 'Find stranded migrations',
  finish: 'Record the outcome and release the locks',
  api: 'Answer an API request',
  'publish-events': 'Publish events',
  'diagnose-denial': 'Diagnose a denied UpdateAddon',
  'start-sweep': 'Start a scheduled sweep',
  'begin-sweep': 'Begin the sweep',
  'take-inventory': 'Take the inventory of an account and region',
  'dispatch-sweep': 'Begin the migrations that may begin',
  'report-sweep': 'Write the report of the sweep',
};

/**
 * Variants of steps that do different things by their input, by the names of their lines in the ledger. A wait after a
 * step, which has no line, is a variant too.
 */
const VARIANTS = {
  'plan-again': { step: 'plan', title: 'Plan again and compare with the approved plan' },
  'verify-restored': { step: 'verify-pods', title: 'Verify the pods: do they have their old identity again?' },
  'await-webhook': { step: 'create-association', title: "Wait until EKS's webhook knows the associations" },
  'await-former-identity': {
    step: 'restore-associations',
    title: "Wait until EKS's webhook knows that the associations are deleted",
  },
  'restore-associations-purged': {
    step: 'restore-associations',
    title: 'Restore the associations that were deleted for the change',
  },
  'restore-associations-own': {
    step: 'restore-associations',
    title: 'Recreate the associations that the pods still need',
  },
  'restore-associations-deferred': {
    step: 'restore-associations',
    title: 'Restore the associations that had to wait for the pods',
  },
  'restore-annotation': {
    step: 'annotate-service-account',
    title: 'Restore the IRSA annotation of the service account',
  },
  'restart-restored': { step: 'restart-pods', title: 'Restart the pods that do not have their old identity again' },
  'restore-addon-update': { step: 'restore-addon', title: 'Restore the add-on by an update' },
  'restore-addon-delete': { step: 'restore-addon', title: 'Delete the failed copy of the add-on' },
  'restore-addon-create': { step: 'restore-addon', title: 'Restore the add-on by creating it again' },
  'await-trust': { step: 'repair-trust', title: 'Wait until the new trust policies have propagated in IAM' },
  'restore-trust': { step: 'repair-trust', title: "Restore the roles' trust policies" },
  'retire-trust-retire': {
    step: 'retire-trust',
    title: "Remove this cluster's OIDC statement from the roles' trust policies",
  },
  'retire-trust-reinstate': {
    step: 'retire-trust',
    title: "Restore this cluster's OIDC statement in the roles' trust policies",
  },
  'finish-rolled-back': { step: 'finish', title: 'Record the end of the rollback and release the locks' },
  'finish-needs-human': { step: 'finish', title: 'Record what is left to do and keep the locks' },
} as const satisfies Record<string, { step: StepName; title: string }>;
type Variant = keyof typeof VARIANTS;

/** Name of a step in the ledger's lines, without its attempt and round. */
export type LineName = StepName | Variant;

const isStepName = (name: string): name is StepName => Object.hasOwn(stepSchemas, name);
const isVariant = (name: string): name is Variant => Object.hasOwn(VARIANTS, name);

export const lineName = (base: LineName, { way, round }: { way: number; round: number }): string =>
  `${base}${way > 1 ? `.${way}` : ''}${round > 1 ? `-${round}` : ''}`;

/** Returns whether the step runs once for each attempt; the other steps belong to the migration as a whole. */
export const isOfWay = (name: LineName): boolean => {
  const { input } = isVariant(name) ? { input: undefined } : stepSchemas[name];
  return input !== undefined && 'shape' in input && 'rung' in input.shape;
};

/** Returns the title of a step of the ledger. */
export const stepTitle = (name: string): string => {
  const { base, way, round } = partsOf(name);
  const title = isStepName(base) ? TITLES[base] : isVariant(base) ? VARIANTS[base].title : undefined;
  if (title === undefined) return name;
  const which = [...(way > 1 ? [`attempt ${way}`] : []), ...(round > 1 ? [`round ${round}`] : [])];
  return which.length > 0 ? `${title} (${which.join(', ')})` : title;
};

const WORKFLOW = Object.keys(stepSchemas);

/** Returns the position of a step in the workflow, to order steps that began at the same time. */
export const stepOrder = (name: string): number => {
  const { base } = partsOf(name);
  return WORKFLOW.indexOf(isVariant(base) ? VARIANTS[base].step : base);
};

const pascalCase = (name: string): string =>
  name.replaceAll(/(^|-)([a-z])/g, (_match, _dash, letter: string) => letter.toUpperCase());

/**
 * Steps by the names of the states that `lib/migration` and `lib/sweep` define: of each step, its variants and ends, and
 * the waits before polls.
 */
const BY_STATE = new Map<string, LineName>([
  ...(Object.keys(stepSchemas) as StepName[]).map((name) => [pascalCase(name), name] as const),
  ['PlanAgain', 'plan-again'],
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
  ['RestoreByUpdate', 'restore-addon-update'],
  ['RemoveFailedCopy', 'restore-addon-delete'],
  ['RestoreByCreate', 'restore-addon-create'],
  ['WaitForRestore', 'assess-rollback'],
  ['VerifyRestored', 'verify-restored'],
  ['RestartRestored', 'restart-restored'],
  ['WaitForRestoredRollout', 'verify-restored'],
  ['WaitForNextLook', 'dispatch-sweep'],
  ['ReportFailure', 'report-sweep'],
]);

/** Returns the step that a state belongs to; undefined for a choice or an end. */
export const stepOfState = (state: string): LineName | undefined => BY_STATE.get(state);

/** The state that the workflow passes before each further attempt. */
export const NEXT_WAY = 'NextWay';
