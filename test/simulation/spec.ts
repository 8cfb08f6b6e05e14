/** The spec of a simulated run. Everything follows from it, so its JSON is enough to run it again. */
import { createHash } from 'node:crypto';
import type { FaultInput, FaultKind } from '../../sandbox/calls/faults.ts';
import type { ActingStep } from '../../lambdas/domain/steps/work.ts';

/** A fault at the n-th call that the service's functions make; `step` and `operation` restrict which calls count. */
export interface FaultSpec {
  kind: FaultKind;
  call: number;
  step?: string;
  operation?: string;
  /** The fault also strikes every later matching call. */
  persists?: boolean;
  /**
   * An outage: it lasts this long and strikes every matching call. An outage of `eks-auth` begins once the n-th call of
   * the service's functions has been answered.
   */
  seconds?: number;
  service?: FaultInput['service'];
  region?: string;
  cluster?: string;
}

/** What takes time without failing. */
export interface TimeSpec {
  nodes?: number;
  /** Pods of each Deployment and StatefulSet that the requests are about. */
  replicas?: number;
  readySeconds?: number | { min: number; max: number };
  budget?: 'one-may-go' | 'none-may-go';
  /** Changes the number of these pods during the run. */
  autoscaler?: { minReplicas: number; maxReplicas: number; everySeconds: number };
  losses?: { afterSeconds: number; nodes?: number; goneAfterSeconds?: number; replacedAfterSeconds?: number }[];
}

/** What happens to the pods that the requests are about, besides the migration. */
export interface PodsSpec {
  /**
   * The SDK of one container of each workload is too old for EKS Pod Identity, which its image's tag does not show.
   * Without credentials, its software exits, as with `crashes` all software does, or continues and only logs it.
   */
  oldSdk?: { container: 'first' | 'last'; without: 'sdk-crashes' | 'crashes' | 'logs' };
  /** A container of these pods exits for another reason, so often from the first settling time on. */
  restarts?: { pods: 'one' | 'all'; afterSeconds: number; times: number; everySeconds: number };
  /** One pod of a workload is crash-looping before the migration. `replaced`: so is the pod that replaces it. */
  brokenBefore?: 'cured' | 'replaced';
  /** In the first settling time, a node joins, or is lost and replaced later. */
  node?: { does: 'joins' | 'is-lost'; afterSeconds: number };
  /** An outage of the API server that begins in the first settling time, or just before it. */
  unreachable?: { afterSeconds: number; seconds: number };
  /**
   * An admission webhook adds a variable that leaves open where pods get credentials, from the beginning of the change.
   */
  mutated?: true;
}

/**
 * When something of a cluster's ordinary life begins: once the plan has passed (`begun`), after the first change, after
 * the first read of the pods (`rollout`), when they settle, once all migrations have ended, or after the first call of a
 * rollback.
 */
export const MOMENTS = ['begun', 'changed', 'rollout', 'settling', 'ended', 'rollback'] as const;
export type Moment = (typeof MOMENTS)[number];

/** What people, controllers and instances do that have nothing to do with the migration. */
export type LifeAct =
  /** A pod of a planned service account that no workload owns; it ends after `seconds`, or never. */
  | { does: 'start-job'; seconds?: number }
  | { does: 'start-bare-pod'; seconds?: number }
  | { does: 'start-custom-pod'; seconds?: number }
  /** One node of the cluster stops reporting, and is removed and replaced later. */
  | { does: 'lose-node'; goneAfterSeconds: number }
  /** A node joins. On a tainted one, pods of the workload can run, but no pod of the agent. */
  | { does: 'join-node' }
  | { does: 'join-tainted-node' }
  /** A Fargate profile selects new pods of the planned service accounts' namespaces. */
  | { does: 'add-fargate-profile' }
  /** One pod is not ready for a while. Its containers keep running. */
  | { does: 'blink'; pod: 'old' | 'new'; seconds: number }
  /** New pods need longer to become ready. */
  | { does: 'slow-starts'; seconds: number }
  | { does: 'delete-agent'; by: 'add-on' | 'daemon-set' }
  /** IRSA stops working for the planned service accounts. */
  | { does: 'break-irsa'; what: 'provider' | 'client-id' | 'trust' }
  /** The workloads have no pods, for a while or permanently. */
  | { does: 'scale-to-zero'; seconds?: number }
  | { does: 'cancel' };
export type LifeEvent = { at: Moment; afterSeconds: number } & LifeAct;

/** An object by which software other than the service account's own pods uses its web identity. */
export interface ConsumerSpec {
  is: (typeof CONSUMERS)[number];
  name: string;
  /**
   * The service account that it uses: one that the first request is about, or one of the same name in another namespace,
   * which has a role of its own.
   */
  of: 'planned' | 'other';
  /** Who accepts it by its name: the requests, the retirements, or both. */
  accepted?: (typeof ACCEPTS)[number];
  /** It is created once this step has made its first call; by default it exists from the beginning. */
  appears?: (typeof APPEARS)[number];
}
export const CONSUMERS = [
  'SecretStore',
  'ClusterSecretStore',
  'ECRAuthorizationToken',
  'Issuer',
  'Bucket',
  'ProviderConfig',
  'SecretProviderClass',
] as const;
export const ACCEPTS = ['request', 'retirement', 'both'] as const;
export const APPEARS = ['plan', 'begin', 'verify-pods', 'annotate-service-account', 'finish', 'retire-trust'] as const;

/**
 * The role's trust policy allows all service accounts of the namespace whose names begin with that of the planned one.
 */
export interface PatternSpec {
  /**
   * Other service accounts that match. Each may have an association, be accepted by retirements, or name the role in its
   * annotation.
   */
  others: { associated?: true; accepted?: true; annotated?: true }[];
}

/** Who else uses the web identity of the service accounts, and what of it the service may read. */
export interface ConsumersSpec {
  objects: ConsumerSpec[];
  /** What requests about service accounts want of the annotation, other than in their scenario. */
  annotation?: 'keep' | 'remove';
  /** The service may not list these objects. */
  unread?: { is: ConsumerSpec['is']; accepted?: ConsumerSpec['accepted'] }[];
  pattern?: PatternSpec;
}

/**
 * What a third party does to the add-on or the service account: once the n-th call of the service's functions has been
 * answered, during the first restore commands (before the first of its commands, or before the rollback that is the last),
 * or before what is requested after the end.
 */
export interface ActorSpec {
  afterCall: number | Phase;
  does: (typeof ACTS)[number];
}
/** Phases of a person running the restore commands. */
export const PHASES = ['before-commands', 'before-rollback'] as const;
/** Phases after a migration has ended: before what is requested then. */
const LATER_PHASES = ['before-reinstatement', 'before-requested-rollback'] as const;
export type Phase = (typeof PHASES)[number] | (typeof LATER_PHASES)[number];
export const ACTS = [
  'update-version',
  'change-configuration',
  'delete',
  'recreate',
  'associate',
  'give-other-role',
  'change-trust',
  'annotate',
  'replace',
  'dissociate',
  'repoint',
  'delete-account',
  'recreate-account',
] as const;

/**
 * What a person does with restore commands. `as-written` pastes it, so that lines with a leading colon do nothing;
 * `optional-too` also runs these lines; `rollback-alone` runs only the rollback, the last line; `releases` leaves
 * everything as it is and releases the lock.
 */
export const PERSONS = ['as-written', 'optional-too', 'rollback-alone', 'releases'] as const;

export const APPROVALS = ['given', 'rejected', 'nobody', 'forged'] as const;

/** An action that the role of a step is denied, from before the plan until everything has ended. */
export interface DeniedSpec {
  step: ActingStep;
  action: string;
}
export const DENIED: readonly DeniedSpec[] = [
  { step: 'create-addon', action: 'eks:CreateAddon' },
  { step: 'create-addon', action: 'eks:TagResource' },
  { step: 'create-addon', action: 'eks:CreatePodIdentityAssociation' },
  { step: 'create-addon', action: 'iam:PassRole' },
  { step: 'delete-addon', action: 'eks:DeleteAddon' },
  { step: 'update-addon', action: 'eks:UpdateAddon' },
  { step: 'update-addon', action: 'iam:GetRole' },
  { step: 'update-addon', action: 'eks:DeletePodIdentityAssociation' },
  { step: 'carry-over', action: 'eks:UpdatePodIdentityAssociation' },
  { step: 'create-association', action: 'eks:TagResource' },
  { step: 'restore-addon', action: 'eks:CreateAddon' },
  { step: 'restore-addon', action: 'eks:UpdateAddon' },
  { step: 'restore-addon', action: 'iam:PassRole' },
  { step: 'restore-associations', action: 'eks:CreatePodIdentityAssociation' },
  { step: 'restore-associations', action: 'eks:DeletePodIdentityAssociation' },
];

export interface RunSpec {
  /** Name of one of the simulation's scenarios. */
  scenario: string;
  seed: number;
  faults: FaultSpec[];
  actor?: ActorSpec;
  time?: TimeSpec;
  pods?: PodsSpec;
  consumers?: ConsumersSpec;
  /** The ordinary life of the cluster during the run. */
  life?: LifeEvent[];
  /** The level of evidence that the requests ask for, except those that can have only `api`; by default their own. */
  verification?: 'injected' | 'ready' | 'api';
  /** Knobs other than the scenario's. */
  knobs?: Record<string, number | string | boolean>;
  /** How often each request of the scenario is sent at the same time; default 1. */
  copies?: number;
  /**
   * The roles' trust does not allow EKS Auth, or this cannot be decided. `other-cluster`: it has the form that EKS
   * checks for, under a condition that no pod of this cluster meets.
   */
  trust?: 'denied' | 'undecided' | 'other-cluster';
  /** The first service account of the add-on already has a third-party association. */
  stranger?: 'other-tool' | 'other-addon';
  denied?: DeniedSpec;
  /** How the approvals that the scenario's requests need are decided; by default they are approved. */
  approval?: (typeof APPROVALS)[number];
  /** The migration is cancelled as soon as the n-th call has been answered. */
  cancelAfterCall?: number;
  /** Requests another migration of the same add-on once all have ended. */
  again?: boolean;
  /** How a person reacts to an end that needs one; default `as-written`. */
  person?: (typeof PERSONS)[number];
  /** Requests a rollback on demand once all have ended. */
  rollBack?: boolean;
  /** Retires the OIDC trust of the migrated subjects once all have ended; `undone` also reinstates it. */
  retire?: 'kept' | 'undone';
  /** The deployment requires an approval of every change. Nobody approves a retirement. */
  held?: true;
}

export const describeSpec = (spec: RunSpec): string => JSON.stringify(spec);

/** One of this many runs uses SDK clients, as in AWS; the others do the same in less time. */
const BY_SDK = 20;

/** Determined by the spec alone, so that a replay uses the same clients. */
export const clientsOf = (spec: RunSpec): 'direct' | 'sdk' =>
  createHash('sha256').update(describeSpec(spec)).digest().readUInt32BE() % BY_SDK === 0 ? 'sdk' : 'direct';
