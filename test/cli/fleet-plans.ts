/** What generate-fleet says of add-ons, against the plans that the service itself makes of them. */
import { openSandboxBackend, type SandboxBackend } from '../../cli/backend.ts';
import { type Expectation, generateFleet } from '../../cli/fleet/generate.ts';
import { silentProgress } from '../../cli/progress.ts';
import { reportIn, startAndFollow } from '../../cli/run.ts';
import { migrationRequest, type MigrationReport } from '../../lambdas/domain/migration/model.ts';
import type { SweepClass } from '../../lambdas/domain/sweep/model.ts';
import { parseScenario } from '../../sandbox/world/load.ts';

// One account and its region: the sandbox's service plans there with its own roles.
const fleet = generateFleet({ clusters: 20, seed: 9, accounts: 1, regions: ['eu-west-1'], addons: 6 });

const blockersOf = ({ plan }: MigrationReport): string[] =>
  (plan?.checks ?? []).filter(({ status }) => status === 'fail' || status === 'unknown').map(({ id }) => id);

/** The class that follows from a plan; tags are not looked at by it. */
const planned = (report: MigrationReport): SweepClass => {
  if (report.outcome === 'already-migrated') return 'on-pod-identity';
  if (report.outcome === 'planned') return 'ready';
  const blockers = blockersOf(report);
  if (
    blockers.includes('cluster-exists') ||
    JSON.stringify([report.plan?.checks ?? [], report.failure]).includes('no answer within 10 seconds')
  )
    return 'unreachable';
  if (!blockers.includes('addon-uses-irsa')) return 'blocked';
  return blockers.includes('pod-identity-support') ? 'not-concerned' : 'node-role';
};

/** As the plan has it: it knows no tags, and where no API server answers only what EKS alone can tell. */
const asPlanned = ({ class: found, state, clusterState }: Expectation): SweepClass => {
  if (clusterState === 'unreachable' && state === 'not-concerned') return 'not-concerned';
  if (clusterState === 'unreachable' && state !== 'on-pod-identity') return 'unreachable';
  return found === 'not-concerned' && state !== 'not-concerned' ? 'ready' : found;
};

/** What has to stand in the way, by the state. */
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

/** One add-on for each class that a state leads to, and for each state of a cluster; or all. */
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
  return reportIn(await startAndFollow(backend, request, silentProgress));
};

/** What the plans found of each of them, what the fleet says, and the expected obstacles that no plan met. */
interface Plans {
  found: unknown[];
  asSaid: unknown[];
  notBlocking: unknown[];
}

/** Plans each of them in one sandbox. */
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
      const blocker = asPlanned(one) === 'blocked' ? (BLOCKERS[state] ?? BLOCKERS[clusterState]) : undefined;
      if (blocker !== undefined && !blockersOf(report).includes(blocker)) notBlocking.push({ ...names, blocker });
    }
    return { found, asSaid, notBlocking };
  } finally {
    await backend.close();
  }
};
