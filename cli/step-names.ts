import { partsOf } from '../lambdas/domain/step-lines.ts';
import { type StepName, stepSchemas } from '../lambdas/steps/schemas.ts';

const TITLES: Record<StepName, string> = {
  plan: 'Check everything and make the plan',
  'request-approval': 'Ask for an approval of the plan',
  'await-window': 'Wait for the change window',
  begin: 'Take the locks and store the snapshot',
  'install-agent': 'Install the Pod Identity agent and wait until it is ready',
  'repair-trust': "Let EKS Pod Identity in by the roles' trust policies",
  'delete-addon': 'Delete the add-on',
  'await-deleted': 'Wait until the add-on is gone',
  'create-addon': 'Create the add-on with its Pod Identity associations',
  'update-addon': 'Give the add-on its Pod Identity associations, in place',
  'create-association': 'Create the standalone association of each service account that needs one',
  'await-active': 'Wait until the add-on is ACTIVE',
  'carry-over': 'Carry over what the associations had beside their role',
  'verify-pods': 'Look at the pods: how do they get their credentials?',
  'restart-pods': 'Restart the pods that kept their old identity',
  'annotate-service-account': 'Take the IRSA annotation off the service account',
  'assess-rollback': 'Compare what is there with what was there before',
  'restore-addon': 'Put the add-on back',
  'restore-associations': 'Put the associations back',
  'retire-trust': "Change the OIDC statement of this cluster in the roles' trust policies",
  pause: 'Wait until a failure of a service is over',
  'take-over': 'Take the migration over',
  'find-stranded': 'Look for migrations that were left behind',
  finish: 'Write the report and release the locks',
  api: 'Answer a request of the API',
  'publish-events': 'Tell others what has happened',
  'diagnose-denial': 'Look into a denied UpdateAddon',
  'start-sweep': 'Start a scheduled sweep',
  'begin-sweep': 'Begin the sweep',
  'take-inventory': 'Look at the clusters of an account and region',
  'dispatch-sweep': 'Begin what may be begun',
  'report-sweep': 'Write the report of the sweep',
};

/**
 * Steps that do different things by their input have a name for each: the ledger's lines are called so. A wait after a
 * step, which no line tells, has one too.
 */
const VARIANTS = {
  'plan-again': { step: 'plan', title: 'Plan again: is everything as it was?' },
  'verify-restored': { step: 'verify-pods', title: 'Look at the pods: do they have their old identity again?' },
  'await-webhook': { step: 'create-association', title: "Wait until EKS's webhook knows the association" },
  'await-former-identity': {
    step: 'restore-associations',
    title: "Wait until EKS's webhook knows that the association is gone",
  },
  'restore-associations-purged': {
    step: 'restore-associations',
    title: 'Put back the associations that were deleted for the change',
  },
  'restore-associations-own': {
    step: 'restore-associations',
    title: 'Create the associations again that the pods still need',
  },
  'restore-associations-deferred': {
    step: 'restore-associations',
    title: 'Put back the associations that waited for the pods',
  },
  'restore-annotation': {
    step: 'annotate-service-account',
    title: 'Put the IRSA annotation of the service account back',
  },
  'restart-restored': { step: 'restart-pods', title: 'Restart the pods that have not got their old identity back' },
  'restore-addon-update': { step: 'restore-addon', title: 'Put the add-on back by an update' },
  'restore-addon-delete': { step: 'restore-addon', title: 'Remove the copy of the add-on that failed' },
  'restore-addon-create': { step: 'restore-addon', title: 'Put the add-on back by creating it again' },
  'await-trust': { step: 'repair-trust', title: 'Wait until IAM has the new trust policies everywhere' },
  'restore-trust': { step: 'repair-trust', title: "Put the roles' trust policies back" },
  'retire-trust-retire': {
    step: 'retire-trust',
    title: "Take this cluster's OIDC statement out of the roles' trust policies",
  },
  'retire-trust-reinstate': {
    step: 'retire-trust',
    title: "Put this cluster's OIDC statement back into the roles' trust policies",
  },
  'finish-rolled-back': { step: 'finish', title: 'Write the report of the rollback and release the locks' },
  'finish-needs-human': { step: 'finish', title: 'Write the report with what is left to do and keep the locks' },
} as const satisfies Record<string, { step: StepName; title: string }>;
type Variant = keyof typeof VARIANTS;

/** What a step is called in the ledger's lines, without its way and round. */
export type LineName = StepName | Variant;

const isStepName = (name: string): name is StepName => Object.hasOwn(stepSchemas, name);
const isVariant = (name: string): name is Variant => Object.hasOwn(VARIANTS, name);

export const lineName = (base: LineName, { way, round }: { way: number; round: number }): string =>
  `${base}${way > 1 ? `.${way}` : ''}${round > 1 ? `-${round}` : ''}`;

/**
 * Whether the step is taken once for each way of the ladder that is tried; the others are of the migration as a whole.
 */
export const isOfWay = (name: LineName): boolean => {
  const { input } = isVariant(name) ? { input: undefined } : stepSchemas[name];
  return input !== undefined && 'shape' in input && 'rung' in input.shape;
};

/** The name under which a person reads a step of the ledger. */
export const stepTitle = (name: string): string => {
  const { base, way, round } = partsOf(name);
  const title = isStepName(base) ? TITLES[base] : isVariant(base) ? VARIANTS[base].title : undefined;
  if (title === undefined) return name;
  const which = [...(way > 1 ? [`way ${way}`] : []), ...(round > 1 ? [`round ${round}`] : [])];
  return which.length > 0 ? `${title} (${which.join(', ')})` : title;
};

const ROAD = Object.keys(stepSchemas);

/** Its place on the road, for steps that began in the same instant. */
export const stepOrder = (name: string): number => {
  const { base } = partsOf(name);
  return ROAD.indexOf(isVariant(base) ? VARIANTS[base].step : base);
};

const pascalCase = (name: string): string =>
  name.replaceAll(/(^|-)([a-z])/g, (_match, _dash, letter: string) => letter.toUpperCase());

/**
 * Names of the states that `lib/migration` and `lib/sweep` make: a step's own, those of its variants and ends, and the
 * waits in front of polls.
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

/** The step that a state belongs to; none for a choice or an end. */
export const stepOfState = (state: string): LineName | undefined => BY_STATE.get(state);

/** Passed each time that the machine goes on to the next way of the ladder. */
export const NEXT_WAY = 'NextWay';
