/**
 * Time is not failure: a migration that an outage delays continues once the outage is over. All of it runs in virtual
 * time.
 */
import { describe, expect, it } from 'vitest';
import type { SandboxBackend } from '../../cli/backend.ts';
import { serviceEvent } from '../../lambdas/domain/events/service-event.ts';
import type { FaultInput } from '../../sandbox/calls/faults.ts';
import { ADDON, clusterOf, migrate, RECREATE, ROLE, type Run } from './fixture.ts';
import { matching } from '../lambdas/matchers.ts';
import { inWorld } from './world.ts';

const MINUTE = 60;
const HOUR = 60 * MINUTE;
const IN_PLACE = { strategy: 'in-place' } as const;

const minutesOf = ({ report }: Pick<Run, 'report'>): number =>
  (Date.parse(report.endedAt) - Date.parse(report.startedAt)) / 60_000;

/** From the first call of that operation on, every call that the fault applies to is struck for this long. */
const outageAfter =
  (operation: string, ...faults: FaultInput[]) =>
  (backend: SandboxBackend): void => {
    let begun = false;
    backend.sandbox.world.log.onCall((call) => {
      if (begun || call.operation !== operation) return;
      begun = true;
      for (const fault of faults) backend.sandbox.world.faults.add(fault);
    });
  };

const publishedOf = ({ backend }: Pick<Run, 'backend'>): string[] =>
  backend.sandbox.world.events.map(({ detail }) => serviceEvent.parse(detail).type);

/** Cancels as `pod-identity cancel` does, this many seconds after the start. */
const cancelAfter = (backend: SandboxBackend, seconds: number): void => {
  const { ledger, clock, sandbox } = backend;
  let begun = false;
  sandbox.world.log.onCall(({ operation, input }) => {
    if (begun || operation !== 'StartExecution') return;
    begun = true;
    const { name } = input as { name: string };
    void clock.spawn(async () => {
      await clock.sleep(seconds * 1000);
      await ledger.requestCancel(name, { requestedAt: new Date(clock.now()).toISOString() });
    });
  });
};

const underOutage = (faults: FaultInput[], operation = 'DeleteAddon', request: object = RECREATE): Promise<Run> =>
  migrate({ request, prepare: outageAfter(operation, ...faults) });

it.each<[string, object, ...unknown[]]>([
  ['is waited for in place', IN_PLACE, 'migrated', 15, undefined],
  [
    'is given up after five minutes while the software is gone',
    RECREATE,
    'rolled-back',
    5,
    matching(/ebs-csi-driver$/),
  ],
])('a repaired trust policy that EKS sees after 15 minutes %s', (_, request, outcome, minutes, role) =>
  inWorld({ scenario: 'trust-repair', knobs: { trustLagSeconds: 15 * MINUTE } }, async (world) => {
    const report = await world.migrate({ addon: ADDON, ...request, trust: 'repair' });
    expect([report.outcome, world.cluster.addons.get(ADDON)!.serviceAccountRoleArn]).toEqual([outcome, role]);
    expect(Math.floor(minutesOf({ report }) / 5) * 5).toBe(minutes);
  }),
);

describe('an outage of EKS, directly after the add-on was deleted', () => {
  it.each<[number, string[]]>([
    [5, []],
    [2 * MINUTE, ['waiting', 'resumed']],
    [3 * HOUR, ['waiting', 'resumed']],
  ])('of %d seconds is waited out, and published as %j', (seconds, published) =>
    inWorld({ scenario: 'ebs-csi-irsa' }, async (world) => {
      outageAfter('DeleteAddon', { service: 'eks', kind: 'server-error', seconds })(world.backend);
      const report = await world.migrate({ addon: ADDON, ...RECREATE });
      expect(report).toMatchObject({ outcome: 'migrated', verified: 'ready' });
      expect(report.failure).toBeUndefined();
      expect(minutesOf({ report })).toBeGreaterThan(seconds / 60);
      // After the outage, the migration takes at most half of the outage and its own duration.
      expect(minutesOf({ report })).toBeLessThan((1.6 * seconds) / 60 + 10);
      expect(world.cluster.addons.get(ADDON)!.serviceAccountRoleArn).toBeUndefined();
      await world.later(3 * MINUTE * 1000);
      expect(publishedOf(world)).toEqual(['started', ...published, 'migrated']);
    }),
  );

  it('by throttling is handled in the same way', async () =>
    expect((await underOutage([{ service: 'eks', kind: 'throttled', seconds: HOUR }])).report).toMatchObject({
      outcome: 'migrated',
      verified: 'ready',
    }));

  it('is ended by a cancel, and the original state is restored once EKS is back', async () => {
    const run = await migrate({
      request: RECREATE,
      prepare: (backend) => {
        outageAfter('DeleteAddon', { service: 'eks', kind: 'server-error', seconds: 2 * HOUR })(backend);
        cancelAfter(backend, 30 * MINUTE);
      },
    });
    expect(run.report).toMatchObject({ outcome: 'rolled-back', verified: 'injected', failure: { name: 'Cancelled' } });
    expect(clusterOf(run).addons.get(ADDON)!.serviceAccountRoleArn).toBe(ROLE);
    expect(minutesOf(run)).toBeLessThan(2 * 60 * 1.6 + 10);
  });
});

describe('an outage of the API server during verification', () => {
  it.each([3 * MINUTE, 2 * HOUR])('of %d seconds is waited out', async (seconds) =>
    expect(
      (await underOutage([{ service: 'kubernetes', kind: 'lost-before', seconds }], 'UpdateAddon', IN_PLACE)).report,
    ).toMatchObject({ outcome: 'migrated', verified: 'ready' }),
  );

  it.each([1, 2, 20])('that refuses %d calls is waited out', async (times) => {
    const run = await underOutage([{ service: 'kubernetes', kind: 'access-denied', times }], 'UpdateAddon', IN_PLACE);
    expect(run.report).toMatchObject({ outcome: 'migrated', verified: 'ready' });
    expect(run.report.failure).toBeUndefined();
  });
});

it('an outage of the ledger in the middle of the change is waited out, although nothing can be recorded', async () => {
  const run = await underOutage([{ service: 'dynamodb', kind: 'server-error', seconds: 10 * MINUTE }]);
  expect(run.report).toMatchObject({ outcome: 'migrated', verified: 'ready' });
  expect(minutesOf(run)).toBeLessThan(30);
});

describe('an outage before anything has changed', () => {
  it('of a connection to the API server is retried at once, and blocks if it persists', async () => {
    const lost = (times: number | 'all') => (backend: SandboxBackend) =>
      backend.sandbox.world.faults.add({ service: 'kubernetes', step: 'plan', kind: 'lost-before', times });
    expect((await migrate({ request: IN_PLACE, prepare: lost(2) })).report).toMatchObject({ outcome: 'migrated' });
    const { report } = await migrate({ request: IN_PLACE, prepare: lost('all') });
    expect(report).toMatchObject({ outcome: 'blocked' });
    expect(report.plan!.checks.filter(({ status }) => status === 'unknown').length).toBeGreaterThan(0);
    expect(Date.parse(report.endedAt) - Date.parse(report.startedAt)).toBeLessThan(60_000);
  });

  it('is waited out by the plan: throttling does not block', async () => {
    const run = await migrate({
      request: RECREATE,
      prepare: ({ sandbox }) => sandbox.world.faults.add({ service: 'eks', kind: 'throttled', seconds: 20 * MINUTE }),
    });
    expect(run.report).toMatchObject({ outcome: 'migrated' });
  });
});
