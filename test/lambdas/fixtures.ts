/** One migration of the EBS CSI driver: its request, facts, plan and record, with what a test changes. */
import { parseTrust } from '../../lambdas/domain/trust/policy.ts';
import {
  migrationRequest,
  type AddonRequest,
  type MigrationRequest,
  type MigrationRequestInput,
} from '../../lambdas/domain/request/request.ts';
import { newMigration, type Migration, type AddonSnapshot } from '../../lambdas/domain/record/migration.ts';
import type { Retirement } from '../../lambdas/domain/record/retirement.ts';
import type { Rollback } from '../../lambdas/domain/record/rollback.ts';
import type { Plan, Attempt } from '../../lambdas/domain/record/plan.ts';
import type { PodEvidence } from '../../lambdas/domain/terms/evidence.ts';
import { type Call, callKey } from '../../lambdas/domain/plan/calls.ts';
import type { AddonFacts, CallAnswer, Facts, RightsFact } from '../../lambdas/domain/plan/facts.ts';
import { hashOf } from '../../lambdas/domain/plan/hash.ts';
import { ASSOCIATE } from '../../lambdas/domain/plan/attempts.ts';
import { plannedAssociations } from '../../lambdas/domain/plan/plan.ts';
import { callsOf } from '../../lambdas/domain/plan/rights.ts';
import type { RoleGrant } from '../../lambdas/domain/settings/role-grants.ts';
import { ACTING_STEPS, type ActingStep } from '../../lambdas/domain/steps/work.ts';
import {
  aCluster,
  aConfiguration,
  agentDaemonSet,
  anAddon,
  anAgentAddon,
  anAgentPod,
  aNode,
  aNodePod,
  aNodeRole,
  aPod,
  offeredVersions,
  planned,
  podIdentityWebhook,
  someWorkloads,
} from './eks-fixtures.ts';
import { ACCOUNT, ADDON, NAMESPACE, ROLE, ROLES_OF_ACCOUNT, SERVICE_ACCOUNT, target } from './example.ts';
import { at, EXECUTION, executionArn, MIGRATION_ID, RECOVERY_EXECUTION } from './run-examples.ts';
import { bothWays } from './trust-examples.ts';

export * from './eks-fixtures.ts';
export * from './example.ts';
export * from './run-examples.ts';
export * from './trust-examples.ts';

export const anEvidence = (change: Partial<PodEvidence> = {}): PodEvidence => ({
  namespace: NAMESPACE,
  name: 'ebs-csi-controller-1',
  uid: 'uid-1',
  serviceAccount: SERVICE_ACCOUNT,
  identity: 'pod-identity',
  ready: true,
  createdAt: at(0),
  evidence: 'AWS_CONTAINER_CREDENTIALS_FULL_URI in all 2 containers',
  ...change,
});

export const aRequest = (change: Partial<MigrationRequestInput> = {}): AddonRequest => ({
  ...migrationRequest.parse({ target, addon: ADDON, ...change }),
  addon: change.addon ?? ADDON,
});

/** The roles of the steps that change something in EKS, as a deployment names them. */
export const STEP_ROLES = Object.fromEntries(
  ACTING_STEPS.map((step) => [step, `arn:aws:iam::${ACCOUNT}:role/${step}`]),
) as Record<ActingStep, string>;

/** What IAM says to all calls of these ways; of those that there could be by default. */
export const answeredRights = (
  facts: Facts,
  answerOf: (call: Call) => CallAnswer = () => ({ decision: 'allowed' }),
  ways: readonly Attempt[] = [IN_PLACE, RECREATE_PRESERVING, RECREATE, ASSOCIATE],
): RightsFact => ({
  roles: STEP_ROLES,
  answers: Object.fromEntries(
    callsOf(facts, plannedAssociations(facts), ways).map((call) => [callKey(call), answerOf(call)]),
  ),
});

/** The setting `roleGrants` that names every role and everybody: for tests of anything else than who may be given a role. */
export const GRANTED: RoleGrant[] = [{ roles: ['*'], clusters: ['cluster/*'], serviceAccounts: ['*/*'] }];

/** What IAM has of the role: that trust policy. */
export const trusting = (policy: string): Facts['roles'] => ({ [ROLE]: { trustPolicy: parseTrust(policy) } });

/** Facts from which a plan says `migrate`. */
export const someFacts = (change: Partial<AddonFacts> = {}): AddonFacts => {
  const facts = factsWithoutRights(change);
  return { ...facts, rights: change.rights ?? answeredRights(facts) };
};

const factsWithoutRights = (change: Partial<AddonFacts>): AddonFacts => ({
  request: aRequest(),
  cluster: aCluster(),
  addon: anAddon(),
  agentAddon: anAgentAddon(),
  offered: offeredVersions(),
  ...aConfiguration(),
  namespace: NAMESPACE,
  roles: { [ROLE]: { trustPolicy: parseTrust(bothWays) } },
  oidcProvider: { seen: true },
  passableRoleArns: [ROLES_OF_ACCOUNT],
  repairableRoleArns: [],
  roleUsers: { addons: [], associations: [], more: false },
  rolePolicies: { [ROLE]: { policies: [] } },
  rights: { roles: {}, answers: {} },
  associations: [],
  associationCount: 0,
  customResources: [],
  bystanderAssociations: [],
  annotated: { seen: [] },
  pods: [aPod('irsa'), aNodePod()],
  consumers: { objects: {}, unread: [] },
  workloads: someWorkloads(),
  agentWorkload: agentDaemonSet(),
  nodes: { seen: [aNode(), aNode({ name: 'node-2' })] },
  agentPods: { seen: [anAgentPod('node-1'), anAgentPod('node-2')] },
  webhooks: { seen: [podIdentityWebhook()] },
  nodeRoles: { roles: [aNodeRole()] },
  ...change,
});

/** The ways to make the change, least disturbing first. */
export const IN_PLACE: Attempt = {
  strategy: 'in-place',
  preserve: false,
  disruption: 'rolling',
  resolveConflicts: 'PRESERVE',
};

export const RECREATE_PRESERVING: Attempt = {
  strategy: 'recreate',
  preserve: true,
  disruption: 'rolling',
  resolveConflicts: 'NONE',
};

export const RECREATE: Attempt = {
  strategy: 'recreate',
  preserve: false,
  disruption: 'outage',
  resolveConflicts: 'NONE',
};

/** With the hash that its content and that request give, unless it has one. */
const sealed = (plan: Plan, request: MigrationRequest = aRequest()): Plan => ({
  ...plan,
  hash: plan.hash === '' ? hashOf(plan, request) : plan.hash,
});

/** A plan that allows the change, as the default request gets it. */
export const aPlan = (change: Partial<Plan> = {}): Plan =>
  sealed({
    verdict: 'migrate',
    strategy: 'auto',
    preserve: false,
    attempts: [IN_PLACE, RECREATE_PRESERVING],
    checks: [{ id: 'cluster-exists', status: 'pass', message: 'Cluster dev is ACTIVE.' }],
    steps: [],
    addon: anAddon(),
    namespace: NAMESPACE,
    associations: [planned],
    identityLosses: [],
    existing: [],
    purge: [],
    carryOver: [],
    trustRepairs: [],
    owners: [],
    found: 'f'.repeat(64),
    hash: '',
    ...change,
  });

export const aSnapshot = (change: Partial<AddonSnapshot> = {}): AddonSnapshot => ({
  takenAt: at(0),
  addon: anAddon(),
  namespace: NAMESPACE,
  planned: [planned],
  identityLosses: [],
  bystanders: [],
  associations: [],
  trustPolicies: { [ROLE]: bothWays },
  ...change,
});

/** One that a person asked for after `needs-human`, and that Recover carries out. */
export const aRollback = (change: Partial<Rollback> = {}): Rollback => ({
  id: `${MIGRATION_ID}-1767603600`,
  state: 'running',
  cause: 'requested',
  after: 'needs-human',
  startedAt: at(0),
  executionArn: RECOVERY_EXECUTION,
  ...change,
});

export const aRetirement = (change: Partial<Retirement> = {}): Retirement => ({
  id: `${MIGRATION_ID}-01JD8Z5Q6R7S8T9V0W1X2Y3Z4C`,
  state: 'running',
  action: 'retire',
  dryRun: false,
  soakDays: 7,
  startedAt: at(0),
  executionArn: executionArn(`${MIGRATION_ID}-01JD8Z5Q6R7S8T9V0W1X2Y3Z4C`, 'Retire'),
  ...change,
});

/** Its plan has the hash that it has with its request. */
export const aMigration = (change: Partial<Migration> = {}): Migration => {
  const record = aRecord(change);
  return record.plan ? { ...record, plan: sealed({ ...record.plan, hash: '' }, record.request) } : record;
};

const aRecord = (change: Partial<Migration>): Migration => ({
  ...newMigration({ migrationId: MIGRATION_ID, request: aRequest(), executionArn: EXECUTION, startedAt: at(0) }),
  plan: aPlan(),
  ...change,
});
