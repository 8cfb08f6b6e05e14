/** Fleets as a sweep finds them, made by arithmetic: the same each time. */
import { buildReport, type ReportInput } from '../../../lambdas/domain/sweep/build-report.ts';
import {
  type BlockingCheck,
  type ClusterInventory,
  type LocationInventory,
  type SweepFinding,
  type SweepItem,
  type SweepLocation,
  clusterInventory,
  sweep,
  sweepItem,
} from '../../../lambdas/domain/sweep/model.ts';
import type { SweepReport } from '../../../lambdas/domain/sweep/report.ts';

export const SWEEP = '01KF0E44M047C4FEZDQK8YZG0M';
export const BEFORE = '01KEEC2MZ0QG9W7X4T7Z5V1N3A';
export const AT = '2026-01-15T10:05:00.000Z';
const STARTED = Date.parse('2026-01-15T09:00:00.000Z');
const after = (seconds: number): string => new Date(STARTED + seconds * 1000).toISOString();

export const ACCOUNTS = ['111122223333', '222233334444', '333344445555'];
export const REGIONS = ['eu-west-1', 'us-east-1'];
const ADDONS = [
  ['vpc-cni', 'aws-ebs-csi-driver', 'coredns', 'kube-proxy', 'amazon-cloudwatch-observability', 'aws-efs-csi-driver'],
  ['adot', 'external-dns'],
].flat();
const NEEDS_NO_IAM = new Set(['coredns', 'kube-proxy']);
const TEAMS = ['payments', 'search', 'reliability', 'data-platform', 'checkout'];

const role = (account: string, cluster: string, addon: string) => `arn:aws:iam::${account}:role/${cluster}-${addon}`;

export const TRUST: BlockingCheck = {
  id: 'role-trust',
  message:
    'The trust policy of role payments-prod-1-aws-ebs-csi-driver does not let pods.eks.amazonaws.com in for kube-system/ebs-csi-controller-sa. No statement allows sts:TagSession to pods.eks.amazonaws.com.',
  remedy:
    'Add this statement to the role\'s trust policy and keep the others: {"Sid":"PodIdentity","Effect":"Allow","Principal":{"Service":"pods.eks.amazonaws.com"},"Action":["sts:AssumeRole","sts:TagSession"]}. --trust repair does that.',
};
export const AGENT: BlockingCheck = {
  id: 'agent',
  message: 'The cluster has no Pod Identity agent.',
  remedy: 'Install the add-on eks-pod-identity-agent, or ask with agent: install.',
};

function findingOf(account: string, cluster: string, addon: string, n: number): SweepFinding {
  const found = { addon, version: `v1.${n % 40}.1-eksbuild.${1 + (n % 3)}`, checks: [], roles: [] };
  if (NEEDS_NO_IAM.has(addon)) return { ...found, class: 'not-concerned', reason: 'It needs no IAM role.' };
  const roles = [role(account, cluster, addon)];
  switch (n % 7) {
    case 0:
      return { ...found, class: 'on-pod-identity', roles };
    case 1:
      return { ...found, class: 'blocked', checks: n % 2 === 0 ? [TRUST, AGENT] : [TRUST], roles };
    case 2:
      return { ...found, class: 'node-role' };
    default:
      return { ...found, class: 'ready', roles };
  }
}

const STATES: Omit<SweepItem, 'migrationId' | 'account' | 'region' | 'cluster' | 'addon' | 'roles'>[] = [
  { state: 'ended', outcome: 'migrated', verified: 'ready' },
  { state: 'ended', outcome: 'migrated', verified: 'injected' },
  { state: 'ended', outcome: 'migrated', verified: 'api' },
  {
    state: 'ended',
    outcome: 'rolled-back',
    verified: 'injected',
    failure: {
      name: 'PodsOnWrongIdentity',
      message: '2 pods kept the old identity after two restarts: kube-system/ebs-csi-controller-a and -b.',
    },
  },
  { state: 'ended', outcome: 'migrated', verified: 'ready' },
  {
    state: 'ended',
    outcome: 'needs-human',
    failure: { name: 'AddonStillThere', message: 'The add-on is DELETING for 30 minutes.' },
  },
  { state: 'in-flight' },
  { state: 'queued' },
];

const ALPHABET = '0123456789ABCDEFGHJKMNPQRSTVWXYZ';
const idOf = (n: number): string =>
  `01KF0E44M1${Array.from({ length: 16 }, (_, location) => ALPHABET[Math.floor(n / 32 ** (15 - location)) % 32]).join('')}`;

const STOPPED = { name: 'SweepStopped', message: '3 of 40 migrations failed, which is the limit (stopAfterFailures).' };

export interface FleetOptions {
  /** In each region of each account. */
  clusters?: number;
  accounts?: string[];
  mode?: 'inventory' | 'plan' | 'migrate';
}

/**
 * A fleet with every class and, in mode `migrate`, every kind of end; one cluster without add-ons, one that is deleted,
 * one region that is disabled, and one whose look did not end.
 */
export function fleetInput({
  clusters: each = 4,
  accounts = ACCOUNTS,
  mode = 'migrate',
}: FleetOptions = {}): ReportInput {
  const locationsRequested: SweepLocation[] = accounts.flatMap((account) =>
    REGIONS.map((region) => ({ account, region })),
  );
  const clusters: ClusterInventory[] = [];
  const items: SweepItem[] = [];
  let n = 0;
  for (const { account, region } of locationsRequested.slice(0, -1)) {
    for (let index = 1; index <= each; index += 1) {
      const cluster = `${TEAMS[index % TEAMS.length]}-${index % 2 === 0 ? 'dev' : 'prod'}-${index}`;
      const made = { account, region, cluster, observedAt: after(n), calls: { eks: 14, iam: 3, kubernetes: 5 } };
      n += 1;
      if (clusters.length === 2)
        clusters.push({
          ...made,
          findings: [
            { class: 'unreachable', reason: 'The cluster is being deleted (status DELETING).', checks: [], roles: [] },
          ],
        });
      else if (clusters.length === 5) clusters.push({ ...made, version: '1.31', findings: [] });
      else
        clusters.push({
          ...made,
          version: `1.${30 + (index % 4)}`,
          findings: ADDONS.slice(0, 4 + (n % 5)).map((addon, location) =>
            findingOf(account, cluster, addon, n + location),
          ),
        });
    }
  }
  for (const { account, region, cluster, findings } of mode === 'inventory' ? [] : clusters) {
    for (const { addon, class: found, roles } of findings) {
      if (found !== 'ready' || addon === undefined) continue;
      const location = items.length;
      const state =
        mode === 'plan'
          ? ({ state: 'ended', outcome: 'planned' } as const)
          : (STATES[location % STATES.length] ?? { state: 'queued' as const });
      const begun =
        state.state === 'queued' ? {} : { begunAt: after(600 + location * 20), wave: 1 + Math.floor(location / 8) };
      items.push({
        migrationId: idOf(location),
        account,
        region,
        cluster,
        addon,
        roles,
        ...state,
        ...begun,
        ...(state.state === 'ended' ? { endedAt: after(656 + location * 21) } : {}),
      });
    }
  }
  const locations = locationsRequested
    .slice(0, -2)
    .map((location): LocationInventory => ({ ...location, clusters: each, notSelected: 1, calls: { eks: 1, sts: 1 } }));
  const disabled = locationsRequested.at(-1);
  if (disabled)
    locations.push({
      ...disabled,
      clusters: 0,
      notSelected: 0,
      calls: { sts: 1 },
      unreachable: `Region ${disabled.region} is not enabled in account ${disabled.account}.`,
    });
  return {
    sweep: sweep.parse({
      sweepId: SWEEP,
      request: {
        mode,
        selection: { accounts, regions: REGIONS },
        requestedBy: 'arn:aws:iam::111122223333:role/platform',
        reason: 'The first sweep of the quarter',
      },
      status: 'ended',
      phase: 'report',
      startedAt: after(0),
      endedAt: after(3900),
      outcome: mode === 'migrate' ? 'stopped' : 'completed',
      ...(mode === 'migrate' ? { cause: STOPPED } : {}),
    }),
    locations,
    locationsRequested,
    clusters: clusters.map((one) => clusterInventory.parse(one)),
    items: items.map((one) => sweepItem.parse(one)),
    at: AT,
    simulated: true,
  };
}

/** With a trend against the fleet as it was. */
export function fleetReport(options: FleetOptions = {}): SweepReport {
  const input = fleetInput(options);
  const before = buildReport({
    ...fleetInput({ ...options, clusters: (options.clusters ?? 4) - 1, mode: 'inventory' }),
    at: '2026-01-08T09:30:00.000Z',
  });
  return buildReport({ ...input, previous: { ...before, sweepId: BEFORE } });
}
