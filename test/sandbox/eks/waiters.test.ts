import { waitUntilAddonActive, waitUntilAddonDeleted, waitUntilClusterActive } from '@aws-sdk/client-eks';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { CLUSTER, EBS, START, openFixture, type Fixture } from './fixture.ts';

const addon = { clusterName: CLUSTER, addonName: EBS };

beforeEach(() => vi.useFakeTimers({ now: START }));
afterEach(() => vi.useRealTimers());

/** Creates a world with a fake clock: it catches up before each call, as behind the gateway. */
const clocked = (options: Parameters<typeof openFixture>[0] = {}): Fixture => {
  const fixture = openFixture(options);
  fixture.eks.middlewareStack.add(
    (next) => (args) => {
      fixture.world.schedule.advanceTo(Date.now());
      return next(args);
    },
    { step: 'initialize' },
  );
  return fixture;
};

/** Returns how a waiter of the SDK ends, and after how many seconds. */
const outcomeOf = async (waiter: Promise<{ state: string }>): Promise<{ state: string; after: number }> => {
  const ending = waiter.then(
    ({ state }) => ({ state, after: (Date.now() - START) / 1000 }),
    (error: Error) => ({
      state: (JSON.parse(error.message) as { state: string }).state,
      after: (Date.now() - START) / 1000,
    }),
  );
  await vi.runAllTimersAsync();
  return ending;
};

const waiting = ({ eks }: Fixture) => ({ client: eks, maxWaitTime: 600, minDelay: 5, maxDelay: 5 });

describe('the waiters of the SDK', () => {
  it('succeed once an add-on is ACTIVE', async () => {
    const fixture = clocked({ knobs: { addonCreateSeconds: 25, podReadySeconds: 5 } });
    await fixture.eks.createAddon(addon);
    const { state, after } = await outcomeOf(waitUntilAddonActive(waiting(fixture), addon));
    expect(state).toBe('SUCCESS');
    expect(after).toBeGreaterThanOrEqual(25);
    expect(after).toBeLessThan(60);
  });

  it.each(['CREATE_FAILED', 'DEGRADED'] as const)('give up on an add-on that is %s', async (createEndsIn) => {
    const fixture = clocked({ knobs: { createEndsIn } });
    await fixture.eks.createAddon(addon);
    expect(await outcomeOf(waitUntilAddonActive(waiting(fixture), addon))).toMatchObject({ state: 'FAILURE' });
  });

  it('time out for an add-on that is UPDATE_FAILED, which they do not know', async () => {
    const fixture = clocked({ addons: [{ name: EBS }], knobs: { updateEndsIn: 'UPDATE_FAILED' } });
    await fixture.eks.updateAddon(addon);
    const { state, after } = await outcomeOf(waitUntilAddonActive(waiting(fixture), addon));
    expect(state).toBe('TIMEOUT');
    expect(after).toBeGreaterThanOrEqual(595);
  });

  it('succeed once an add-on is deleted, and do not fail because of the old status', async () => {
    const fixture = clocked({ addons: [{ name: EBS }], knobs: { addonDeleteSeconds: 40, deleteStaleSeconds: 12 } });
    await fixture.eks.deleteAddon(addon);
    const { state, after } = await outcomeOf(waitUntilAddonDeleted(waiting(fixture), addon));
    expect(state).toBe('SUCCESS');
    expect(after).toBeGreaterThanOrEqual(40);
  });

  it('give up on an add-on that is DELETE_FAILED, and time out for one that is stuck', async () => {
    const failing = clocked({ addons: [{ name: EBS }], knobs: { deleteEndsIn: 'DELETE_FAILED' } });
    await failing.eks.deleteAddon(addon);
    expect(await outcomeOf(waitUntilAddonDeleted(waiting(failing), addon))).toMatchObject({ state: 'FAILURE' });
    const stuck = clocked({ addons: [{ name: EBS }], knobs: { stuckDeleting: true } });
    await stuck.eks.deleteAddon(addon);
    expect(await outcomeOf(waitUntilAddonDeleted(waiting(stuck), addon))).toMatchObject({ state: 'TIMEOUT' });
  });

  it('distinguish a cluster that is ACTIVE, one that FAILED, and one that is being created', async () => {
    const fixture = clocked();
    const cluster = { name: CLUSTER };
    expect(await outcomeOf(waitUntilClusterActive(waiting(fixture), cluster))).toEqual({ state: 'SUCCESS', after: 0 });
    fixture.cluster.status = 'FAILED';
    expect(await outcomeOf(waitUntilClusterActive(waiting(fixture), cluster))).toMatchObject({ state: 'FAILURE' });
    fixture.cluster.status = 'CREATING';
    fixture.world.schedule.at(START + 60_000, () => void (fixture.cluster.status = 'ACTIVE'));
    expect(await outcomeOf(waitUntilClusterActive(waiting(fixture), cluster))).toMatchObject({
      state: 'SUCCESS',
      after: 60,
    });
  });
});
