import type { ApproverRules } from '../domain/approval/approval.ts';
import type { ChangeWindow } from '../domain/terms/change-window.ts';
import type { DenialSettings } from '../domain/events/denial.ts';
import type { Target } from '../domain/terms/subject.ts';
import type { Preview } from '../domain/plan/preview.ts';
import type { RoleGrant } from '../domain/settings/role-grants.ts';
import type { ActingStep } from '../domain/steps/work.ts';
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

/** What the steps need for a target: account, region and cluster. */
export interface TargetPorts {
  eks: Eks;
  roles: Roles;
  kubernetes: Kubernetes;
}

/** What a plan reads from a target. These methods cannot change anything. */
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
    | 'listCapabilities'
    | 'listFargateProfiles'
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
    | 'listApiGroups'
    | 'listObjects'
    | 'listServiceAccounts'
    | 'listAttributedServiceAccounts'
  >;
}

/** Settings of the deployment that a step has in addition to its table. */
export interface Settings {
  /**
   * ARN patterns (`*` matches any text) of the roles that the service may pass to EKS and to pods. Patterns that begin
   * with `role/` are for roles of each cluster's own account (`settingsFor`).
   */
  passableRoleArns: string[];
  /** Patterns of the roles whose trust policy the service may change; empty if that is not enabled. */
  repairableRoleArns: string[];
  /** Roles that may be given to service accounts even without other grounds; `role/` patterns as above. */
  roleGrants?: readonly RoleGrant[] | undefined;
  /** For how many days after a migration an association that it deleted counts as a ground to give it back. */
  rollbackClaimDays?: number | undefined;
  /** ARN of the role of each step that makes changes. The rights of a step that is not listed cannot be checked. */
  actingRoles: Partial<Record<ActingStep, string>>;
  /** Whether every change must be approved, and who may approve a request. */
  approvals: { required: boolean } & ApproverRules;
  /** How many migrations may wait at the same time; absent in steps that admit none. */
  waiting?: WaitingCaps | undefined;
  /** The least `soakDays` of a retirement; absent in steps that start none. */
  leastSoakDays?: number | undefined;
  /** The service's own account; absent in steps that do not access clusters. */
  account?: string | undefined;
  /** Accounts in addition to the service's own whose clusters a request may name; may include its own. `*`: any. */
  accounts?: readonly string[] | undefined;
  /** Regions of a sweep that names none; absent in steps that do not need them. */
  regions?: readonly string[] | undefined;
  /** Name of the bucket of sweeps, which `documents` uses. */
  bucket?: string | undefined;
  /** Whether the deployment has the state machine Retire; absent in steps that do not need it. */
  retires?: boolean | undefined;
  /** When changes may begin. If absent, at any time. A request's own window narrows it. */
  changeWindow?: ChangeWindow | undefined;
  /** What follows a denied UpdateAddon; absent in steps that do not need it. */
  denials?: DenialSettings | undefined;
  /** Whether AWS is simulated by the sandbox. */
  simulated?: boolean | undefined;
  /** Present if a plan is made without a deployed service: its settings and roles are not known then. */
  preview?: Preview | undefined;
}

/**
 * All dependencies of a handler. They are passed to it and never imported, so that AWS, the sandbox and the tests run
 * the same function.
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
  /** Returns the milliseconds until this invocation times out. */
  remainingTime: () => number;
}
