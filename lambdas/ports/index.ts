import type { ApproverRules } from '../domain/approval/approval.ts';
import type { ChangeWindow } from '../domain/waiting/change-window.ts';
import type { DenialSettings } from '../domain/events/denial.ts';
import type { Target } from '../domain/migration/model.ts';
import type { ActingStep } from '../domain/plan/acting.ts';
import type { RoleGrant } from '../domain/settings/role-grants.ts';
import type { SweepLocation } from '../domain/sweep/model.ts';
import type { WaitingCaps } from '../domain/waiting/waiting.ts';
import type { AroundCalls } from './calls.ts';
import type { Documents } from './documents.ts';
import type { Eks } from './eks.ts';
import type { Events } from './events.ts';
import type { Executions } from './executions.ts';
import type { Fleet } from './fleet.ts';
import type { Kubernetes } from './kubernetes.ts';
import type { Ledger } from './ledger.ts';
import type { Pace } from './pace.ts';
import type { Roles } from './roles.ts';
import type { Clock, Ids, Telemetry } from './runtime.ts';
import type { Sweeps } from './sweeps.ts';

export type * from './calls.ts';
export type * from './documents.ts';
export type * from './eks.ts';
export type * from './events.ts';
export type * from './executions.ts';
export type * from './fleet.ts';
export type * from './kubernetes.ts';
export type * from './ledger.ts';
export type * from './pace.ts';
export type * from './roles.ts';
export type * from './runtime.ts';
export type * from './sweeps.ts';

/** What the steps need of one target: account, region and cluster. */
export interface TargetPorts {
  eks: Eks;
  roles: Roles;
  kubernetes: Kubernetes;
}

/** What a plan reads of one target: with these nothing can be changed. */
export interface ReadingPorts {
  eks: Pick<
    Eks,
    | 'describeCluster'
    | 'describeAddon'
    | 'listOfferedVersions'
    | 'describeConfiguration'
    | 'listAddons'
    | 'listAssociations'
    | 'countAssociations'
    | 'describeAssociation'
    | 'listAllAssociations'
    | 'listNodeCandidates'
    | 'describeAccessEntry'
  >;
  roles: Pick<Roles, 'getRole' | 'getOidcProvider' | 'listPolicies' | 'getBoundary' | 'simulate'>;
  kubernetes: Pick<
    Kubernetes,
    | 'listPods'
    | 'listWorkloads'
    | 'getWorkload'
    | 'listNodes'
    | 'listMutatingWebhooks'
    | 'listCustomResources'
    | 'listAttributedServiceAccounts'
  >;
}

/** What the deployment tells a step beside its table. */
export interface Settings {
  /**
   * ARN patterns (`*` stands for any text) of the roles that the service may hand to EKS and to pods; those that begin
   * with `role/` are of each cluster's own account (`settingsFor`).
   */
  passableRoleArns: string[];
  /** The same of the roles whose trust policy the service may change; empty where that was not enabled. */
  repairableRoleArns: string[];
  /** Which roles may be given to which service accounts, whatever else says so; their `role/` patterns as above. */
  roleGrants?: readonly RoleGrant[] | undefined;
  /** By step, the ARN of the role that it acts with; a step that the deployment does not name can't be asked about. */
  actingRoles: Partial<Record<ActingStep, string>>;
  /** Whether every change has to be approved, and who may approve what somebody requested. */
  approvals: { required: boolean } & ApproverRules;
  /** How many migrations may wait at once; absent in steps that admit none. */
  waiting?: WaitingCaps | undefined;
  /** The service's own account; absent in steps that have nothing to do with clusters. */
  account?: string | undefined;
  /** Other accounts than the service's own whose clusters a request may name; its own may be among them. `*`: any. */
  accounts?: readonly string[] | undefined;
  /** Regions that a sweep looks at where it names none; absent in steps that have nothing to do with it. */
  regions?: readonly string[] | undefined;
  /** Name of the bucket of sweeps, as `documents` uses it. */
  bucket?: string | undefined;
  /** Whether the deployment has the state machine Retire; absent in steps that have nothing to do with it. */
  retires?: boolean | undefined;
  /** When any change may begin; absent: at any time. A request's own window narrows it. */
  changeWindow?: ChangeWindow | undefined;
  /** What follows an UpdateAddon that was denied; absent in steps that have nothing to do with it. */
  denials?: DenialSettings | undefined;
  /** AWS is played by the sandbox. */
  simulated?: boolean | undefined;
}

/**
 * Everything a handler is given; never reached for at import, so that AWS, the sandbox and the tests run the same
 * function.
 */
export interface HandlerDependencies {
  portsFor: (target: Target, around?: AroundCalls) => TargetPorts;
  fleetOf: (location: SweepLocation, around?: AroundCalls) => Fleet;
  ledger: Ledger;
  executions: Executions;
  events: Events;
  sweeps: Sweeps;
  pace: Pace;
  documents: Documents;
  settings: Settings;
  clock: Clock;
  ids: Ids;
  telemetry: Telemetry;
  /** Milliseconds until this invocation is cut off. */
  remainingTime: () => number;
}
