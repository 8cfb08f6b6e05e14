/**
 * Reads what is there and decides whether, and how, the add-on can move. Changes nothing but the ledger.
 * Idempotency: repeatable at will; the record is put again while the migration runs, and a plan that has ended it (its
 * answer, or the step's line, was lost) is answered again as it stands.
 * Failure: any error here ends `blocked`, with nothing changed.
 */
import type { z } from 'zod';
import { AGENT_ADDON, knownAddon } from '../../domain/addons.ts';
import { parseRoleArn } from '../../domain/arn.ts';
import { isMigrationError } from '../../domain/errors.ts';
import { collectEvidence } from '../../domain/identity.ts';
import type { Addon, MigrationRequest, Outcome, Plan } from '../../domain/model.ts';
import { blockingChecks, planMigration, plannedAssociations } from '../../domain/plan/plan.ts';
import type { Facts } from '../../domain/plan/facts.ts';
import type { HandlerDependencies, TargetPorts } from '../../ports/index.ts';
import { listPlannedAssociations } from '../../runtime/associations.ts';
import { EVIDENCE_BEFORE } from '../../runtime/report.ts';
import { step, type StepRun } from '../../runtime/step.ts';
import { utcNow } from '../../runtime/utc.ts';
import { planSchema } from './schema.ts';

async function readSupport(eks: TargetPorts['eks'], addon: Addon, kubernetesVersion: string): Promise<Pick<Facts, 'offered' | 'podIdentity' | 'newerVersionWithPodIdentity'>> {
  const offered = await eks.listOfferedVersions(addon.name, kubernetesVersion);
  const podIdentity = await eks.describePodIdentityConfiguration(addon.name, addon.version);
  if (podIdentity.length > 0) return { offered, podIdentity };
  const best = offered.find((one) => one.default) ?? offered[0];
  if (!best || best.version === addon.version) return { offered, podIdentity };
  const newer = await eks.describePodIdentityConfiguration(addon.name, best.version);
  return { offered, podIdentity, ...(newer.length > 0 ? { newerVersionWithPodIdentity: best.version } : {}) };
}

async function readRoles(roles: TargetPorts['roles'], arns: string[], account: string): Promise<Facts['roles']> {
  const found: Facts['roles'] = {};
  for (const arn of arns) {
    // Another account's role can't be read with our rights, and its check does not need it.
    if (parseRoleArn(arn)?.account === account) found[arn] = await roles.getRole(arn);
  }
  return found;
}

/** Without access to the API server the plan says `unknown`, which blocks; it does not fall over. */
async function readKubernetes(kubernetes: TargetPorts['kubernetes'], namespace: string): Promise<Pick<Facts, 'pods' | 'agentWorkload' | 'kubernetesError'>> {
  try {
    const pods = await kubernetes.listPods(namespace);
    const agentWorkload = await kubernetes.getWorkload({ kind: 'DaemonSet', namespace: 'kube-system', name: AGENT_ADDON });
    return { pods, ...(agentWorkload ? { agentWorkload } : {}) };
  } catch (error) {
    if (isMigrationError(error, 'Unauthorised') || isMigrationError(error, 'AccessDenied')) return { kubernetesError: error.message };
    throw error;
  }
}

async function readFacts(request: MigrationRequest, { eks, roles, kubernetes }: TargetPorts): Promise<Facts> {
  const empty: Facts = { request, offered: [], podIdentity: [], namespace: 'kube-system', roles: {}, associations: [] };
  const cluster = await eks.describeCluster();
  if (!cluster) return empty;
  const addon = await eks.describeAddon(request.addon);
  if (!addon) return { ...empty, cluster };
  const namespace = addon.namespace ?? knownAddon(addon.name)?.namespace ?? 'kube-system';
  const agentAddon = await eks.describeAddon(AGENT_ADDON);
  const support = await readSupport(eks, addon, cluster.version);
  const planned = plannedAssociations({ request, addon, namespace, podIdentity: support.podIdentity });
  const associations = await listPlannedAssociations(eks, planned);
  const arns = [...new Set([...(addon.serviceAccountRoleArn ? [addon.serviceAccountRoleArn] : []), ...planned.map((one) => one.roleArn)])];
  return {
    request,
    cluster,
    addon,
    namespace,
    associations,
    ...(agentAddon ? { agentAddon } : {}),
    ...support,
    roles: await readRoles(roles, arns, request.target.account),
    ...(await readKubernetes(kubernetes, namespace)),
  };
}

type Verdict = 'migrate' | 'already-migrated' | 'planned' | 'blocked';
const outcomes: Partial<Record<Verdict, Outcome>> = { blocked: 'blocked', 'already-migrated': 'already-migrated', planned: 'planned' };

type Answer = z.input<typeof planSchema.output>;

function answer(request: MigrationRequest, plan: Plan): Answer {
  const verdict: Verdict = plan.verdict === 'migrate' && request.dryRun ? 'planned' : plan.verdict;
  return { verdict, target: request.target, addon: request.addon, preserve: request.preserve, blockedBy: blockingChecks(plan) };
}

const run: StepRun<typeof planSchema> = async ({ migrationId, executionArn, request }, { portsFor, ledger, clock }: HandlerDependencies) => {
  const startedAt = utcNow(clock);
  const record = { migrationId, request, executionArn, startedAt, status: 'running' as const, verified: 'none' as const, handOff: [], associations: { purged: [], created: [], restored: [] } };
  // First of all, so that a plan that fails leaves a record too.
  const before = await ledger.getMigration(migrationId);
  if (before?.status === 'ended' && before.executionArn === executionArn && before.plan) return answer(before.request, before.plan);
  await ledger.putMigration(before?.status === 'running' ? { ...record, startedAt: before.startedAt } : record);

  const facts = await readFacts(request, portsFor(request.target));
  const plan = planMigration(facts);
  const accounts = new Set(facts.podIdentity.map((one) => one.serviceAccount));
  if (facts.pods) await ledger.putEvidence(migrationId, EVIDENCE_BEFORE, collectEvidence(facts.pods, accounts));

  const decided = answer(request, plan);
  const outcome = outcomes[decided.verdict];
  await ledger.updateMigration(migrationId, { plan, ...(outcome ? { outcome, status: 'ended' as const, endedAt: utcNow(clock) } : {}) });
  return decided;
};

export const planStep = step(planSchema, run);
