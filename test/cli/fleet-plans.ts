/** Compares the states that generate-fleet declares for add-ons with the service's own plans. */
import { openSandboxBackend, type SandboxBackend } from '../../cli/backend.ts';
import { type Expectation, generateFleet } from '../../cli/fleet/generate.ts';
import { migrationRequest } from '../../lambdas/domain/request/request.ts';
import type { MigrationReport } from '../../lambdas/domain/record/migration.ts';
import type { SweepClass } from '../../lambdas/domain/sweep/model.ts';
import { parseScenario } from '../../sandbox/build/load.ts';
import { migrateIn } from '../end-to-end/fixture.ts';

// One account and region, in which the sandbox's service plans with its own roles.
const fleet = generateFleet({ clusters: 20, seed: 9, accounts: 1, regions: ['eu-west-1'], addons: 6 });

const blockersOf = ({ plan }: MigrationReport): string[] =>
  (plan?.checks ?? []).filter(({ status }) => status === 'fail' || status === 'unknown').map(({ id }) => id);

/** Returns the class that follows from a plan, which ignores tags. */
const planned = (report: MigrationReport): SweepClass => {
  if (report.outcome === 'already-migrated') return 'on-pod-identity';
  if (report.outcome === 'planned') return 'ready';
  if (report.plan?.verdict === 'keep-irsa') return 'keep-irsa';
  const blockers = blockersOf(report);
  if (
    blockers.includes('cluster-exists') ||
    JSON.stringify([report.plan?.checks ?? [], report.failure]).includes('no answer within 10 seconds')
  )
    return 'unreachable';
  if (!blockers.includes('addon-uses-irsa')) return 'blocked';
  return blockers.includes('pod-identity-support') ? 'not-concerned' : 'node-role';
};

/** Returns the class as the plan sees it: without tags and, if no API server answers, only what EKS reports. */
const asPlanned = ({ class: found, state, clusterState }: Expectation): SweepClass => {
  if (clusterState === 'unreachable' && state === 'not-concerned') return 'not-concerned';
  if (clusterState === 'unreachable' && state !== 'on-pod-identity') return 'unreachable';
  return found === 'not-concerned' && state !== 'not-concerned' ? 'ready' : found;
};

/** The checks that must block, by state. */
const BLOCKERS: Partial<Record<Expectation['state'] | Expectation['clusterState'], string>> = {
  'no-trust': 'role-trust',
  'trust-denies': 'role-trust',
  'wrong-provider': 'role-trust',
  'too-old': 'pod-identity-support',
  unsupported: 'pod-identity-support',
  'foreign-association': 'associations',
  degraded: 'addon-installed',
  'no-agent': 'agent',
  'fargate-only': 'unsupported-compute',
  'no-access': 'kubernetes-access',
};

/** Returns one add-on for each class of each state, and for each state of a cluster; or all. */
const chosen = (which: 'sample' | 'all'): Expectation[] => {
  if (which === 'all') return fleet.expected;
  const seen = new Set<string>();
  return fleet.expected.filter((one) => {
    const kinds = [`${one.state}: ${asPlanned(one)}`, one.clusterState];
    const isNew = kinds.some((kind) => !seen.has(kind));
    for (const kind of kinds) seen.add(kind);
    return isNew;
  });
};

const planOf = async (
  backend: SandboxBackend,
  { account, region, cluster, addon }: Expectation,
): Promise<MigrationReport> => {
  const request = migrationRequest.parse({ target: { account, region, cluster }, addon, dryRun: true });
  return migrateIn(backend, request);
};

/** The result of each plan, the declared state, and the expected obstacles that no plan found. */
interface Plans {
  found: unknown[];
  asSaid: unknown[];
  notBlocking: unknown[];
}

/** Plans each add-on in one sandbox. */
export const plansOf = async (which: 'sample' | 'all'): Promise<Plans> => {
  const backend = await openSandboxBackend(parseScenario(fleet.scenario, 'fleet'), {});
  try {
    const found: unknown[] = [];
    const asSaid: unknown[] = [];
    const notBlocking: unknown[] = [];
    for (const one of chosen(which)) {
      const report = await backend.sandbox.clock.spawn(() => planOf(backend, one));
      const { cluster, addon, state, clusterState } = one;
      const names = { cluster, addon, state, clusterState };
      found.push({
        ...names,
        class: planned(report),
        ...(planned(report) === asPlanned(one)
          ? {}
          : { checks: report.plan?.checks.filter(({ status }) => status !== 'pass'), failure: report.failure }),
      });
      asSaid.push({ ...names, class: asPlanned(one) });
      const blocker = ['blocked', 'keep-irsa'].includes(asPlanned(one))
        ? (BLOCKERS[state] ?? BLOCKERS[clusterState])
        : undefined;
      if (blocker !== undefined && !blockersOf(report).includes(blocker)) notBlocking.push({ ...names, blocker });
    }
    return { found, asSaid, notBlocking };
  } finally {
    await backend.close();
  }
};
