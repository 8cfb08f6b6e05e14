/**
 * Reads what is there and decides whether, and how, the add-on can move. Changes nothing but the ledger.
 * Idempotency: repeatable at will; the record is put again while the migration runs, and a plan that has ended it (its
 * answer, or the step's line, was lost) is answered again as it stands.
 * Failure: any error here ends `blocked`, with nothing changed. RecoveryPending waits for Recover to put back what a
 * stopped execution left behind.
 */
import type { z } from 'zod';
import { AGENT_ADDON, isNetworking, knownAddon, ownedKinds } from '../../domain/addons.ts';
import { parseRoleArn } from '../../domain/arn.ts';
import { isMigrationError, MigrationError } from '../../domain/errors.ts';
import { collectEvidence } from '../../domain/identity.ts';
import type { Addon, Migration, MigrationRequest, Outcome, Plan, PlannedAssociation } from '../../domain/model.ts';
import { addedAssociations } from '../../domain/plan/association-checks.ts';
import type { CustomResourceFact, Facts, LockFact } from '../../domain/plan/facts.ts';
import { removesSoftware, waysFor } from '../../domain/plan/ladder.ts';
import { blockingChecks, isMigrated, planMigration, plannedAssociations } from '../../domain/plan/plan.ts';
import type { HandlerDependencies, TargetPorts } from '../../ports/index.ts';
import { listPlannedAssociations } from '../../runtime/associations.ts';
import { addonLock } from '../../runtime/lock.ts';
import { EVIDENCE_BEFORE } from '../../runtime/report.ts';
import { step, type StepRun } from '../../runtime/step.ts';
import { utcNow } from '../../runtime/utc.ts';
import { planSchema } from './schema.ts';

/** Who else holds the add-on's lock, if anybody does. */
async function readLock({ ledger, executions }: Pick<HandlerDependencies, 'ledger' | 'executions'>, { target, addon }: MigrationRequest, executionArn: string): Promise<LockFact | undefined> {
  const holder = (await ledger.readLock(addonLock(target, addon)))?.holder;
  if (!holder || holder.executionArn === executionArn) return undefined;
  const execution = await executions.describe(holder.executionArn);
  const record = await ledger.getMigration(holder.migrationId);
  // One that is being recovered still has the outcome of before.
  const outcome = record?.status === 'ended' ? record.outcome : undefined;
  const running = execution?.status === 'RUNNING';
  // An execution of MigrateAddon is called by its migration's id, one of Recover never.
  const recovering = running && !holder.executionArn.endsWith(`:${holder.migrationId}`);
  return { ...holder, running, recovering, ...(outcome ? { outcome } : {}) };
}

async function readSupport(eks: TargetPorts['eks'], addon: Addon, kubernetesVersion: string): Promise<Pick<Facts, 'offered' | 'podIdentity' | 'configurationSchema' | 'newerVersionWithPodIdentity'>> {
  const offered = await eks.listOfferedVersions(addon.name, kubernetesVersion);
  const configuration = (await eks.describeConfiguration(addon.name, addon.version)) ?? { podIdentity: [] };
  if (configuration.podIdentity.length > 0) return { offered, ...configuration };
  const best = offered.find((one) => one.default) ?? offered[0];
  if (!best || best.version === addon.version) return { offered, ...configuration };
  const newer = await eks.describeConfiguration(addon.name, best.version);
  return { offered, ...configuration, ...(newer && newer.podIdentity.length > 0 ? { newerVersionWithPodIdentity: best.version } : {}) };
}

async function readRoles(roles: TargetPorts['roles'], arns: string[], account: string): Promise<Facts['roles']> {
  const found: Facts['roles'] = {};
  for (const arn of arns) {
    // Another account's role can't be read with our rights, and its check does not need it.
    if (parseRoleArn(arn)?.account === account) found[arn] = await roles.getRole(arn);
  }
  return found;
}

const REFUSED = ['Unauthorised', 'AccessDenied', 'InvalidRequest'] as const;
/** What the API server will not let us read; anything else may be over in a moment. */
const refusal = (error: unknown): string | undefined => (REFUSED.some((name) => isMigrationError(error, name)) && error instanceof Error ? error.message : undefined);

/** Objects of the add-on's own kinds, where a way would delete their definitions. What can't be read is told as such. */
async function readCustomResources(kubernetes: TargetPorts['kubernetes'], request: MigrationRequest): Promise<CustomResourceFact[]> {
  const networking = isNetworking(request.addon);
  if (networking || !waysFor(request, networking).some(removesSoftware)) return [];
  const found: CustomResourceFact[] = [];
  for (const kind of ownedKinds(request.addon)) {
    try {
      found.push({ kind, instances: await kubernetes.listCustomResources(kind) });
    } catch (error) {
      const why = refusal(error);
      if (why === undefined) throw error;
      found.push({ kind, instances: [], error: why });
    }
  }
  return found;
}

/** Without access to the API server the plan says `unknown`, which blocks; it does not fall over. */
async function readKubernetes(kubernetes: TargetPorts['kubernetes'], request: MigrationRequest, namespace: string): Promise<Pick<Facts, 'pods' | 'workloads' | 'agentWorkload' | 'customResources' | 'kubernetesError'>> {
  try {
    const pods = await kubernetes.listPods(namespace);
    const workloads = await kubernetes.listWorkloads(namespace);
    const agent = { kind: 'DaemonSet' as const, namespace: 'kube-system', name: AGENT_ADDON };
    const agentWorkload = namespace === agent.namespace ? workloads.find((one) => one.kind === agent.kind && one.name === agent.name) : await kubernetes.getWorkload(agent);
    return { pods, workloads, ...(agentWorkload ? { agentWorkload } : {}), customResources: await readCustomResources(kubernetes, request) };
  } catch (error) {
    if (isMigrationError(error, 'Unauthorised') || isMigrationError(error, 'AccessDenied')) return { kubernetesError: error.message, customResources: [] };
    throw error;
  }
}

async function readAssociations(eks: TargetPorts['eks'], planned: PlannedAssociation[]): Promise<Pick<Facts, 'associations' | 'associationCount'>> {
  const associations = await listPlannedAssociations(eks, planned);
  return { associations, ...(addedAssociations(associations, planned) > 0 ? { associationCount: await eks.countAssociations() } : {}) };
}

/** Stops where what was read decides the plan already: each call costs some of the account's request rate. */
async function readFacts(empty: Facts, { eks, roles, kubernetes }: TargetPorts): Promise<Facts> {
  const { request } = empty;
  const cluster = await eks.describeCluster();
  if (!cluster) return empty;
  const addon = await eks.describeAddon(request.addon);
  if (!addon) return { ...empty, cluster };
  const namespace = addon.namespace ?? knownAddon(addon.name)?.namespace ?? 'kube-system';
  if (isMigrated(addon)) return { ...empty, cluster, addon, namespace };
  const agentAddon = cluster.autoMode ? undefined : await eks.describeAddon(AGENT_ADDON);
  const support = await readSupport(eks, addon, cluster.version);
  const planned = plannedAssociations({ request, addon, namespace, podIdentity: support.podIdentity });
  const arns = [...new Set([...(addon.serviceAccountRoleArn ? [addon.serviceAccountRoleArn] : []), ...planned.map((one) => one.roleArn)])];
  return {
    ...empty,
    cluster,
    addon,
    namespace,
    ...(agentAddon ? { agentAddon } : {}),
    ...support,
    ...(await readAssociations(eks, planned)),
    roles: await readRoles(roles, arns, request.target.account),
    ...(await readKubernetes(kubernetes, request, namespace)),
  };
}

type Verdict = 'migrate' | 'already-migrated' | 'planned' | 'blocked';
const outcomes: Partial<Record<Verdict, Outcome>> = { blocked: 'blocked', 'already-migrated': 'already-migrated', planned: 'planned' };

type Answer = z.input<typeof planSchema.output>;

function answer(request: MigrationRequest, plan: Plan): Answer {
  const verdict: Verdict = plan.verdict === 'migrate' && request.dryRun ? 'planned' : plan.verdict;
  const ladder = plan.ladder.map(({ strategy, preserve }) => ({ strategy, preserve }));
  return { verdict, target: request.target, addon: request.addon, ladder, blockedBy: blockingChecks(plan) };
}

const newRecord = (base: Pick<Migration, 'migrationId' | 'request' | 'executionArn' | 'startedAt'>): Migration => ({
  ...base,
  status: 'running',
  verified: 'none',
  locks: [],
  removed: [],
  made: [],
  warnings: [],
  associations: { purged: [], created: [], restored: [] },
  handOff: [],
});

const run: StepRun<typeof planSchema> = async ({ migrationId, executionArn, request }, dependencies) => {
  const { portsFor, ledger, settings, clock } = dependencies;
  // First of all, so that a plan that fails leaves a record too.
  const before = await ledger.getMigration(migrationId);
  if (before?.status === 'ended' && before.executionArn === executionArn && before.plan) return answer(before.request, before.plan);
  await ledger.putMigration(newRecord({ migrationId, request, executionArn, startedAt: before?.status === 'running' ? before.startedAt : utcNow(clock) }));

  const empty: Facts = { request, offered: [], podIdentity: [], namespace: 'kube-system', roles: {}, passableRoleArns: settings.passableRoleArns, associations: [], customResources: [] };
  const lock = await readLock(dependencies, request, executionArn);
  // What needs a person does not go away by waiting; anything else that has stopped is Recover's to put back, or to let go.
  if (lock && (lock.recovering || (!lock.running && lock.outcome !== 'needs-human')) && !request.dryRun) {
    const why = lock.recovering ? `and ${lock.executionArn} is putting back what it changed: waiting until that is done` : `but its execution ${lock.executionArn} has stopped: waiting until what it left behind is put back`;
    throw new MigrationError('RecoveryPending', `Migration ${lock.migrationId} holds the lock on ${request.addon} of cluster ${request.target.cluster} since ${lock.since}, ${why}.`);
  }
  const lookedAt = utcNow(clock);
  const facts = lock ? { ...empty, lock } : await readFacts(empty, portsFor(request.target));
  const plan = planMigration(facts);
  const accounts = new Set((plan.associations.length > 0 ? plan.associations : facts.podIdentity).map((one) => one.serviceAccount));
  if (facts.pods) await ledger.putEvidence(migrationId, EVIDENCE_BEFORE, collectEvidence(facts.pods, accounts), lookedAt);

  const decided = answer(request, plan);
  const outcome = outcomes[decided.verdict];
  await ledger.recordPlan(migrationId, plan, outcome ? { outcome, endedAt: utcNow(clock) } : undefined);
  return decided;
};

export const planStep = step(planSchema, run);
