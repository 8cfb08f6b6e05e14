import { beforeAll, describe, expect, it } from 'vitest';
import type { ScenarioCluster } from '../../sandbox/scenario/scenario.ts';
import {
  ADDON,
  clusterOf,
  ebs,
  migrate,
  mutationsOf,
  RECREATE,
  ROLE,
  type Run,
  type RunOptions,
  scenarioWith,
} from './fixture.ts';
import { words } from '../words.ts';

const recreate = (options: RunOptions = {}) => migrate({ ...options, request: { ...RECREATE, ...options.request } });

describe('migrate with recreate', () => {
  let run: Run;
  let was: ScenarioCluster['addons'][number];
  beforeAll(async () => {
    const scenario = scenarioWith();
    was = structuredClone(ebs(scenario.accounts[0]!.clusters[0]!));
    run = await recreate({ scenario, clients: 'sdk' });
  });

  it('migrates the add-on and verifies every pod that counts', () => {
    const { report } = run;
    const asked = { strategy: 'recreate', preserve: false } as const;
    expect(report).toMatchObject({ outcome: 'migrated', verified: 'ready', ...asked, simulated: true, warnings: [] });
    expect(report.applied).toEqual({ ...asked, disruption: 'outage', resolveConflicts: 'NONE' });
    expect(report.migrationId).toMatch(/^[0-9A-Z]{26}$/);
    const { pods, before } = report.verification;
    const counted = pods.filter((pod) => pod.identity !== 'not-applicable');
    expect(counted.map((pod) => [pod.serviceAccount, pod.identity, pod.ready])).toEqual(
      Array.from({ length: 2 }, () => ['ebs-csi-controller-sa', 'pod-identity', true]),
    );
    const identitiesOf = (among: readonly { serviceAccount: string; identity: string }[], name: string): string[] =>
      among.filter(({ serviceAccount }) => serviceAccount === name).map(({ identity }) => identity);
    expect(identitiesOf(pods, 'ebs-csi-node-sa')).toEqual(Array(3).fill('not-applicable'));
    expect(identitiesOf(before, 'ebs-csi-controller-sa')).toEqual(['irsa', 'irsa']);
  });

  it('makes only the reported changes, in that order', () => {
    expect(mutationsOf(run)).toEqual(['eks:DeleteAddon', 'eks:DeletePodIdentityAssociation', 'eks:CreateAddon']);
    const { purged, created, restored } = run.report.associations;
    expect(purged.map((one) => [one.serviceAccount, one.ownerArn])).toEqual([['ebs-csi-controller-sa', undefined]]);
    expect(created.map((one) => [one.serviceAccount, one.roleArn])).toEqual([['ebs-csi-controller-sa', ROLE]]);
    expect(created[0]?.ownerArn).toContain(`:addon/reliability-dev/${ADDON}/`);
    expect(restored).toEqual([]);
  });

  it('keeps version, raw configuration and tags, and leaves no role', () => {
    const now = clusterOf(run).addons.get(ADDON)!;
    expect([now.version, now.configurationValues, now.tags]).toEqual([was.version, was.configurationValues, was.tags]);
    expect([now.serviceAccountRoleArn, now.status]).toEqual([undefined, 'ACTIVE']);
  });

  it('records when each step began and ended, in order', () => {
    const { report } = run;
    expect(report.steps.map((step) => step.name)).toEqual(words`
      plan begin delete-addon await-deleted create-addon await-active carry-over verify-pods confirm-ready finish
    `);
    expect(report.steps.filter((step) => step.endedAt < step.startedAt)).toEqual([]);
    const times = report.steps.map((step) => step.startedAt);
    expect([...times].sort()).toEqual(times);
    expect(report.steps.find((step) => step.name === 'await-deleted')!.tries).toBeGreaterThan(1);
  });

  it('releases the locks: of the add-on, and of its role', async () => {
    for (const key of [`111122223333#eu-west-1#reliability-dev#${ADDON}`, `ROLE#${ROLE}`]) {
      // The lock of a role is written again when one of its shares is released.
      const fence = key.startsWith('ROLE#') ? 2 : 1;
      expect(await run.backend.ledger.readLock(key)).toEqual({ key, fence });
      const next = { migrationId: 'next', executionArn: 'none', since: 'now' };
      expect(await run.backend.ledger.acquireLock(key, next)).toMatchObject({ acquired: true, fence: fence + 1 });
    }
  });
});

describe('migrate with preserve', () => {
  it('restarts the pods that kept the old identity, one first, and is never without another', async () => {
    const run = await recreate({ request: { preserve: true } });
    expect(run.report).toMatchObject({ outcome: 'migrated', verified: 'ready', preserve: true });
    expect(mutationsOf(run)).toEqual([
      'eks:DeleteAddon',
      'eks:DeletePodIdentityAssociation',
      'eks:CreateAddon',
      'kubernetes:create pods/eviction',
      'kubernetes:patch deployments',
    ]);
    expect(run.report.steps.map((step) => step.name)).toContain('restart-pods');
    const history = clusterOf(run).kube.readyHistory.filter(({ workload }) => workload === 'ebs-csi-controller');
    expect(Math.min(...history.map(({ ready }) => ready))).toBeGreaterThanOrEqual(1);
  });

  it('needs no restart where EKS restarts the pods itself', async () => {
    const scenario = scenarioWith((changed) => void (changed.knobs.restartOnCreate = true));
    const run = await recreate({ scenario, request: { preserve: true } });
    expect(run.report.outcome).toBe('migrated');
    expect(mutationsOf(run)).not.toContain('kubernetes:patch deployments');
  });
});

describe('unknown behaviour of AWS', () => {
  const knobs: [string, Partial<ReturnType<typeof scenarioWith>['knobs']>][] = [
    ['the webhook learns late of an association', { webhookLagSeconds: 8 }],
    ['a deleted association keeps its key for a while', { associationDeleteLagSeconds: 12 }],
    ['the add-on is DEGRADED for a while after its create', { degradedAfterCreateSeconds: 45 }],
    ['DescribeAddon still returns ACTIVE after the delete', { deleteStaleSeconds: 25 }],
    [
      'everything is fast',
      {
        addonCreateSeconds: 1,
        addonUpdateSeconds: 1,
        addonDeleteSeconds: 1,
        podReadySeconds: 1,
        associationDeleteLagSeconds: 0,
        deleteStaleSeconds: 0,
      },
    ],
    [
      'everything is slow',
      { addonCreateSeconds: 300, addonUpdateSeconds: 300, addonDeleteSeconds: 300, podReadySeconds: 90 },
    ],
    ['a delete is accepted while the add-on is busy', { deleteWhileBusy: 'accept' }],
  ];
  describe.each([
    ['in place', {}],
    ['by deletion', RECREATE],
  ] as const)('%s', (_attempt, request) => {
    it.each(knobs)('migrates when %s', async (_, change) => {
      const scenario = scenarioWith((changed) => Object.assign(changed.knobs, change));
      expect((await migrate({ scenario, request })).report.outcome).toBe('migrated');
    });
  });

  it.each(['keep', 'clear'] as const)(
    'with preserve: associations that outlive their add-on %s their owner',
    async (ownerArnAfterPreserve) => {
      const scenario = scenarioWith((changed, cluster) => {
        changed.knobs.ownerArnAfterPreserve = ownerArnAfterPreserve;
        cluster.associations[0]!.owner = ADDON;
      });
      const run = await recreate({ scenario, request: { preserve: true } });
      expect(run.report.outcome).toBe('migrated');
      expect(run.report.associations.purged).toHaveLength(1);
    },
  );

  it.each(['remove', 'keep'] as const)(
    'with preserve: the annotation after the create is %s',
    async (annotationAfterRecreate) => {
      const scenario = scenarioWith(({ knobs: of }) => Object.assign(of, { annotationAfterRecreate }));
      expect((await recreate({ scenario, request: { preserve: true } })).report.outcome).toBe('migrated');
    },
  );
});

it('determinism produces the same call log for the same scenario and seed, and a different one for another seed', async () => {
  const log = async (seed: number): Promise<string> =>
    (await migrate({ seed })).backend.sandbox.world.log.toJsonLines();
  const first = await log(7);
  expect(await log(7)).toBe(first);
  expect(await log(8)).not.toBe(first);
  expect(first.split('\n').length).toBeGreaterThan(50);
});
