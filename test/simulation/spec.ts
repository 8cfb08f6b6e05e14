/** What one simulated run is: everything follows from it, so that its JSON is enough to run it again. */
import { createHash } from 'node:crypto';
import type { ActingStep } from '../../lambdas/domain/plan/acting.ts';
import type { FaultInput, FaultKind } from '../../sandbox/world/faults.ts';

/** A fault at the n-th call that the service's functions make; `step` and `operation` narrow it to those calls. */
export interface FaultSpec {
  kind: FaultKind;
  call: number;
  step?: string;
  operation?: string;
  /** Also every matching call after it. */
  persists?: boolean;
  /**
   * An outage: it lasts so long, and strikes every matching call. Of `eks-auth` it begins once the n-th call of the
   * service's functions has been answered.
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
  /** Changes the number of these pods meanwhile. */
  autoscaler?: { minReplicas: number; maxReplicas: number; everySeconds: number };
  losses?: { afterSeconds: number; nodes?: number; goneAfterSeconds?: number; replacedAfterSeconds?: number }[];
}

/**
 * What somebody else does to the add-on, or the service account: as soon as the n-th call of the service's functions
 * has been answered, or in the way of the first person who runs the commands of a hand-off, before the first of them or
 * before the rollback that is the last of them.
 */
export interface ActorSpec {
  afterCall: number | (typeof PHASES)[number];
  does: (typeof ACTS)[number];
}
/** Of somebody who runs the commands of a hand-off. */
export const PHASES = ['before-commands', 'before-rollback'] as const;
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
 * What a person does with a hand-off. `as-written`: pastes it, so that lines which begin with a colon do nothing;
 * `optional-too`: runs these too; `rollback-alone`: only the rollback that is its last line; `releases`: leaves
 * everything as it is and lets the lock go.
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
  /** Knobs other than the scenario's. */
  knobs?: Record<string, number | string | boolean>;
  /** Each of the scenario's requests so many times at once; 1 where it is left out. */
  copies?: number;
  /**
   * The roles' trust does not let EKS Auth in, or it can't be known whether it does; `other-cluster`: it has the form that
   * EKS looks for, under a condition that no pod of this cluster meets.
   */
  trust?: 'denied' | 'undecided' | 'other-cluster';
  /** The first service account of the add-on has an association already that is somebody else's. */
  stranger?: 'other-tool' | 'other-addon';
  denied?: DeniedSpec;
  /** What becomes of the approvals that the scenario's requests want; default: they are given. */
  approval?: (typeof APPROVALS)[number];
  /** Somebody cancels the migration as soon as the n-th call has been answered. */
  cancelAfterCall?: number;
  /** Another migration of the same add-on once all have ended. */
  again?: boolean;
  /** What is done about an end that needs a person; `as-written` where it is left out. */
  person?: (typeof PERSONS)[number];
  /** A rollback on demand once all have ended. */
  rollBack?: boolean;
  /** Once all have ended, the OIDC trust of those that are migrated is retired; `undone`: and put back then. */
  retire?: 'kept' | 'undone';
}

export const describeSpec = (spec: RunSpec): string => JSON.stringify(spec);

/** One run in so many has its clients call by the SDK, as in AWS; the others do the same in less time. */
const BY_SDK = 20;

/** Follows from the spec alone, so that it is the same when the run is replayed. */
export const clientsOf = (spec: RunSpec): 'direct' | 'sdk' =>
  createHash('sha256').update(describeSpec(spec)).digest().readUInt32BE() % BY_SDK === 0 ? 'sdk' : 'direct';
