/**
 * What each step works on: a single table, from which its roles, its access to API servers, and what follows its failure
 * are derived. A step that is not listed works only with the ledger, or with other executions.
 */

/**
 * The capabilities of EKS and IAM. `read` reads EKS and IAM; `change` changes add-ons and associations, and passes roles;
 * `trust` changes trust policies.
 */
export const AWS_CAPABILITIES = ['read', 'change', 'trust'] as const;
export type AwsCapability = (typeof AWS_CAPABILITIES)[number];

/**
 * What a step does on API servers. `read`: reading pods and their owners. `restart`: rolling restarts, and the eviction of
 * a pod. `annotate`: changing the IRSA annotation of a service account, if requested. The service changes nothing else in
 * a cluster.
 */
export type Purpose = 'read' | 'restart' | 'annotate';

/** What has changed by the time that a step fails. */
export type Stage =
  /**
   * Nothing of the subject: at most the agent, a trust policy, or standalone associations next to the add-on's role.
   */
  | 'unchanged'
  /** The add-on is being deleted, or is gone. */
  | 'apart'
  /** The call that creates the associations was refused, or its effect is not known. */
  | 'changing'
  /** The associations exist, but do not have all settings of the previous ones yet. */
  | 'incomplete'
  /** The associations are as planned: new pods get EKS Pod Identity, and running pods are being replaced. */
  | 'associated'
  /** Every pod has the credentials configuration of EKS Pod Identity. Whether they stay ready is being observed. */
  | 'injected'
  /** Every pod is verified on EKS Pod Identity. */
  | 'verified';

interface StepWork {
  /** Its capabilities in EKS and IAM. If it has two, the first is for EKS and the second for IAM. */
  aws?: readonly [AwsCapability, AwsCapability?];
  /** What it does on API servers. */
  kubernetes?: readonly Purpose[];
  /** Its stage, if a rollback may be needed after its failure. */
  stage?: Stage;
  /**
   * If it changes something in EKS: the environment variable of the planning functions that has the ARN of its role. The
   * plan asks IAM in advance whether that role may make the step's calls.
   */
  role?: `${string}_ROLE_ARN`;
}

/** In the order of a migration, then of its rollback, then of a retirement. */
const STEPS = {
  plan: { aws: ['read'], kubernetes: ['read'] },
  begin: { aws: ['read'], kubernetes: ['read'] },
  'install-agent': { aws: ['change'], kubernetes: ['read'], stage: 'unchanged', role: 'INSTALL_AGENT_ROLE_ARN' },
  'repair-trust': { aws: ['read', 'trust'], stage: 'unchanged' },
  'delete-addon': { aws: ['change'], stage: 'apart', role: 'DELETE_ADDON_ROLE_ARN' },
  'await-deleted': { aws: ['read'], stage: 'apart' },
  'create-addon': { aws: ['change'], stage: 'changing', role: 'CREATE_ADDON_ROLE_ARN' },
  'update-addon': { aws: ['change'], stage: 'changing', role: 'UPDATE_ADDON_ROLE_ARN' },
  'create-association': {
    aws: ['change'],
    kubernetes: ['read'],
    stage: 'changing',
    role: 'CREATE_ASSOCIATION_ROLE_ARN',
  },
  'await-active': { aws: ['read'], stage: 'associated' },
  'carry-over': { aws: ['change'], stage: 'incomplete', role: 'CARRY_OVER_ROLE_ARN' },
  'verify-pods': { aws: ['read'], kubernetes: ['read'], stage: 'associated' },
  'restart-pods': { aws: ['read'], kubernetes: ['read', 'restart'], stage: 'associated' },
  /** The variant of `verify-pods` that observes whether pods stay ready. */
  'confirm-ready': { stage: 'injected' },
  'annotate-service-account': { aws: ['read'], kubernetes: ['read', 'annotate'], stage: 'verified' },
  'assess-rollback': { aws: ['read'] },
  'restore-addon': { aws: ['change'], role: 'RESTORE_ADDON_ROLE_ARN' },
  'restore-associations': { aws: ['change'], kubernetes: ['read'], role: 'RESTORE_ASSOCIATIONS_ROLE_ARN' },
  'take-over': { aws: ['read'], kubernetes: ['read'] },
  finish: { aws: ['read'], kubernetes: ['read'] },
  'retire-trust': { aws: ['read', 'trust'], kubernetes: ['read'] },
  api: { aws: ['read'], kubernetes: ['read'] },
  'take-inventory': { aws: ['read'], kubernetes: ['read'] },
} as const satisfies Record<string, StepWork>;

type Steps = typeof STEPS;
/** The steps that have a column of the table, with their values. */
type Column<Key extends keyof StepWork> = {
  [Name in keyof Steps as Steps[Name] extends Record<Key, unknown> ? Name : never]: Steps[Name] extends Record<
    Key,
    infer Value
  >
    ? Value
    : never;
};

/** Returns one column of the table: the values of the steps that have it. */
const column = <Key extends keyof StepWork>(key: Key): Column<Key> =>
  Object.fromEntries(
    Object.entries<StepWork>(STEPS).flatMap(([name, { [key]: value }]) => (value === undefined ? [] : [[name, value]])),
  ) as Column<Key>;

/** The capabilities in EKS and IAM of each step that works on a target. */
export const ROLE_OF_STEPS = column('aws');
/** What the Lambda of each step does on API servers. Steps that are not listed call none. */
export const ACCESS_OF_STEPS = column('kubernetes');
/** The stage of each step that changes something, and of the variants of steps that have another stage. */
export const STAGE_OF = column('stage');
/** A step, or variant of a step, after whose failure a rollback may be needed. */
export type StepOfChange = keyof typeof STAGE_OF;
/** The environment variable of the planning functions, by step, that has the ARN of the step's role. */
export const ROLE_VARIABLES = column('role');
/** A step whose calls change something in EKS. */
export type ActingStep = keyof typeof ROLE_VARIABLES;
export const ACTING_STEPS = Object.keys(ROLE_VARIABLES) as ActingStep[];
export type RoleVariable = (typeof ROLE_VARIABLES)[ActingStep];

/** Returns values by variable, from values by step. */
export const byVariable = <Value>(valueOf: (step: ActingStep) => Value): Record<RoleVariable, Value> =>
  Object.fromEntries(ACTING_STEPS.map((step) => [ROLE_VARIABLES[step], valueOf(step)])) as Record<RoleVariable, Value>;
