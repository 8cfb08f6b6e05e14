import { beforeEach, describe, expect, it } from 'vitest';
import { MigrationError } from '../../../lambdas/domain/failures/errors.ts';
import { clusterKey, locationKey, progressKey } from '../../../lambdas/domain/sweep/keys.ts';
import {
  clusterInventory,
  locationInventory,
  type ClusterInventory,
  type LocationInventory,
} from '../../../lambdas/domain/sweep/model.ts';
import { sweepRequest, type SweepRequestInput } from '../../../lambdas/domain/sweep/request.ts';
import { newSweep } from '../../../lambdas/use-cases/sweep/commanding.ts';
import { AT_ONCE, MOST_BROKEN_OFF } from '../../../lambdas/use-cases/sweep/inspections.ts';
import { MOST_ATTEMPTS } from '../../../lambdas/runtime/retry.ts';
import { takeInventoryStep } from '../../../lambdas/steps/take-inventory/handler.ts';
import { type Fakes, invoke, newFakes } from '../fakes.ts';
import { ACCOUNT, aConfiguration, ADDON, aCluster, ROLE } from '../fixtures.ts';
import { containing, expectError, matching } from '../matchers.ts';
import { words } from '../../words.ts';

const SWEEP_ID = '01KF0E44M047C4FEZDQK8YZG0M';
const LOCATION = { account: ACCOUNT, region: 'eu-west-1' };
const input = { sweepId: SWEEP_ID, ...LOCATION };

let fakes: Fakes;
/** Clusters of the fleet, all of them the fixtures' one but for their names. */
const begin = async (request: Partial<SweepRequestInput> = {}, clusters: string[] = ['dev']): Promise<void> => {
  fakes.fleet.clusters = clusters;
  await fakes.sweeps.create(
    newSweep({
      sweepId: SWEEP_ID,
      request: sweepRequest.parse({ mode: 'inventory', ...request }),
      startedAt: '2026-01-15T09:00:00.000Z',
    }),
  );
};
const read = (key: string): unknown => JSON.parse(fakes.documents.objects.get(key)?.text ?? 'null');
const found = (cluster = 'dev'): ClusterInventory =>
  clusterInventory.parse(read(clusterKey(SWEEP_ID, LOCATION, cluster)));
const location = (): LocationInventory => locationInventory.parse(read(locationKey(SWEEP_ID, LOCATION)));
const take = (more: object = {}): Promise<unknown> => invoke(takeInventoryStep, { ...input, ...more }, fakes);
/** Findings of the two add-ons. */
const AGENT = { addon: 'eks-pod-identity-agent', class: 'not-concerned' };
const unreachable = (reason: string, addon = ADDON): object => ({ addon, class: 'unreachable', reason });
/** Fails all calls of that name from now on. */
const failAlways = (port: object, name: string, error: Error): void =>
  void Object.assign(port, { [name]: () => Promise.reject(error) });
const throttled = () => new MigrationError('Throttled', 'eks:DescribeCluster: ThrottlingException: Rate exceeded');

beforeEach(() => {
  fakes = newFakes();
  fakes.invocation.remaining = 900_000;
});

describe('take-inventory', () => {
  it('keeps what it finds of each cluster, then of the place', async () => {
    await begin();
    expect(await take()).toEqual({ done: true, after: 'dev', clusters: 1 });
    expect(found()).toMatchObject({
      ...LOCATION,
      cluster: 'dev',
      version: '1.31',
      findings: [{ addon: ADDON, class: 'ready', roles: [ROLE] }, AGENT],
    });
    expect(location()).toEqual({ ...LOCATION, clusters: 1, notSelected: 0, calls: { eks: 1 } });
    expect(fakes.journal.mutations()).toEqual([]);
  });

  it('goes in the order of names, begins the next one while an API server is asked, and tells of the place at last', async () => {
    await begin({ mode: 'migrate' }, ['c', 'a', 'b']);
    expect(await take({ after: 'a' })).toEqual({ done: true, after: 'c', clusters: 2 });
    const shown: Record<string, string> = { 'sweeps.enqueue': 'queued', 'eks.describeCluster': 'looks' };
    const order = fakes.journal.calls.flatMap(({ call, args }) =>
      call === 'documents.put' ? [args[0]] : (shown[call] ?? []),
    );
    expect(order).toEqual([
      'looks',
      'looks',
      clusterKey(SWEEP_ID, LOCATION, 'b'),
      'queued',
      clusterKey(SWEEP_ID, LOCATION, 'c'),
      'queued',
      locationKey(SWEEP_ID, LOCATION),
    ]);
  });

  it('has so many clusters under way at most, and none that waits for an API server holds up the others', async () => {
    const names = Array.from({ length: 3 * AT_ONCE }, (_, index) => `c-${String(index).padStart(2, '0')}`);
    await begin({}, names);
    const answer = fakes.kubernetes.listPods.bind(fakes.kubernetes);
    const waiting: (() => void)[] = [];
    fakes.kubernetes.listPods = async (...given) => {
      await new Promise<void>((resolve) => waiting.push(resolve));
      return answer(...given);
    };
    const taken = take();
    const looks = (): number => fakes.journal.names().filter((name) => name === 'eks.describeCluster').length;
    const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
    for (let over = 0; over < names.length; over += 1) {
      await settled();
      expect(waiting.length).toBe(Math.min(AT_ONCE, names.length - over));
      expect(looks()).toBe(Math.min(names.length, AT_ONCE + over));
      // The one that began last comes back first.
      waiting.pop()?.();
    }
    expect(await taken).toEqual({ done: true, after: names.at(-1), clusters: names.length });
    for (const name of names) expect(found(name).findings[0]?.class).toBe('ready');
  });

  it('says the same when it is said again, and queues nothing twice', async () => {
    await begin({ mode: 'plan' }, ['a', 'b']);
    await take();
    const [first, items] = [[...fakes.documents.objects], [...fakes.sweeps.items.get(SWEEP_ID)!.values()]];
    const [one] = items;
    await fakes.sweeps.toFlight(SWEEP_ID, one!.migrationId, { begunAt: '2026-01-15T09:10:00.000Z', wave: 1 });
    await take();
    const timeless = (objects: typeof first): unknown =>
      objects.map(([key, { text }]) => [key, text.replace(/"observedAt":"[^"]*"/, '')]);
    expect(timeless([...fakes.documents.objects])).toEqual(timeless(first));
    expect([...fakes.sweeps.items.get(SWEEP_ID)!.values()].map(({ state }) => state)).toEqual(['in-flight', 'queued']);
  });

  it('asks nothing of clusters whose names are not selected, and one call of those whose tags are not', async () => {
    const clusters = ['prod-*'];
    await begin({ selection: { clusters, clusterTags: { env: 'prod' } } }, ['dev', 'prod-1', 'prod-2', 'test']);
    fakes.eks.cluster = aCluster({ tags: { env: 'staging' } });
    expect(await take()).toEqual({ done: true, after: 'test', clusters: 0 });
    expect(location()).toEqual({ ...LOCATION, clusters: 0, notSelected: 4, calls: { eks: 3 } });
    expect(fakes.journal.names().filter((name) => name.startsWith('eks.'))).toEqual([
      'eks.describeCluster',
      'eks.describeCluster',
    ]);
  });

  it('asks nothing about add-ons that are not selected', async () => {
    await begin({ selection: { addons: ['vpc-cni'] } });
    await take();
    expect(found().findings).toMatchObject([
      { addon: ADDON, class: 'not-concerned', reason: 'The sweep selects other add-ons: vpc-cni.' },
      { class: 'not-concerned' },
    ]);
    expect(fakes.journal.names().filter((name) => /^(eks|roles|kubernetes)\./.test(name))).toEqual([
      'eks.describeCluster',
      'eks.listAddons',
    ]);
  });

  it('asks for associations where a version takes some alone', async () => {
    const addon = fakes.eks.addons.get(ADDON)!;
    for (const podIdentity of [[], aConfiguration().podIdentity]) {
      fakes = newFakes();
      fakes.invocation.remaining = 900_000;
      fakes.eks.addons.set(ADDON, { ...addon, serviceAccountRoleArn: undefined });
      fakes.eks.configurations.set(`${ADDON} ${addon.version}`, { podIdentity });
      await begin({ selection: { addons: [ADDON] } });
      await take();
      expect(fakes.journal.of('eks.listAssociationRefs')).toHaveLength(podIdentity.length === 0 ? 0 : 1);
    }
  });

  it('refuses a sweep that it does not know', () => expectError(take(), 'BadInput', SWEEP_ID));
});

describe("what can't be looked at", () => {
  it("is told of the place, where its clusters can't be listed", async () => {
    await begin();
    fakes.journal.refuseNext(
      'fleet.listClusters',
      'AccessDenied',
      'Role pod-identity-migrator-read of account 111122223333 may not be assumed.',
    );
    expect(await take()).toEqual({ done: true, clusters: 0 });
    expect(location()).toEqual({
      ...LOCATION,
      clusters: 0,
      notSelected: 0,
      calls: { eks: 1 },
      unreachable: 'Role pod-identity-migrator-read of account 111122223333 may not be assumed.',
    });
  });

  it('is told of a cluster that has gone', async () => {
    await begin({}, ['a', 'b']);
    fakes.eks.cluster = undefined;
    await take();
    expect(found('a').findings).toEqual([
      { class: 'unreachable', reason: matching(/just deleted/), checks: [], roles: [] },
    ]);
    expect(location()).toMatchObject({ clusters: 2 });
  });

  describe.each([['DELETING'], ['CREATING'], ['FAILED']] as const)('is told of a cluster that is %s', (status) => {
    const reason = `Cluster a is ${status}.`;
    beforeEach(async () => {
      await begin({ selection: { addons: [ADDON] } }, ['a', 'b']);
      fakes.eks.cluster = aCluster({ status });
    });

    it('for each add-on that EKS still names, by one more call', async () => {
      await take();
      expect(found('a')).toMatchObject({ version: '1.31', calls: { eks: 2 }, findings: [unreachable(reason), AGENT] });
      expect(fakes.journal.names().filter((name) => /^(eks|roles|kubernetes)\./.test(name))).toEqual(words`
        eks.describeCluster eks.listAddons eks.describeCluster eks.listAddons
      `);
    });

    it('as a whole where EKS names none, or knows it no longer', async () => {
      fakes.journal.refuseNext('eks.listAddons', 'NotFound', 'No cluster found for name: a.');
      fakes.eks.addons.clear();
      await take();
      for (const name of ['a', 'b'])
        expect(found(name).findings).toEqual([
          { class: 'unreachable', reason: `Cluster ${name} is ${status}.`, checks: [], roles: [] },
        ]);
      expect(location().unreachable).toBeUndefined();
    });
  });

  it('is told of a cluster that nobody may look at, and the next one is looked at', async () => {
    await begin({}, ['a', 'b']);
    fakes.journal.refuseNext('eks.listAddons', 'AccessDenied', 'eks:ListAddons: not authorized');
    await take();
    expect(found('a')).toMatchObject({
      version: '1.31',
      findings: [{ class: 'unreachable', reason: 'eks:ListAddons: not authorized' }],
    });
    expect(found('b').findings[0]?.class).toBe('ready');
  });

  it('is told of an add-on alone, where no other one is concerned', async () => {
    await begin();
    fakes.journal.refuseNext('eks.describeAddon', 'AccessDenied', 'eks:DescribeAddon: not authorized');
    await take();
    expect(found().findings).toMatchObject([unreachable('eks:DescribeAddon: not authorized'), AGENT]);
  });
  it('is told of all add-ons once EKS has given no answer about one of them, and nothing more is asked', async () => {
    for (const name of ['Throttled', 'ServiceUnavailable', 'ConnectionLost'] as const) {
      fakes = newFakes();
      await begin();
      fakes.invocation.remaining = 900_000;
      failAlways(fakes.eks, 'describeAddon', new MigrationError(name, `eks:DescribeAddon: ${name}`));
      await take();
      expect(found().findings).toMatchObject(
        [ADDON, AGENT.addon].map((addon) => unreachable(`eks:DescribeAddon: ${name}`, addon)),
      );
      const { length } = fakes.journal.names().filter((call) => call === 'eks.describeAddon');
      expect([name, length]).toEqual([name, MOST_ATTEMPTS]);
    }
  });
  it('is told of an add-on that goes away in between', async () => {
    await begin();
    fakes.eks.misses = 1;
    await take();
    expect(found().findings[0]).toMatchObject(unreachable(containing('just deleted')));
  });

  it.each([
    ['AccessDenied', 'blocked'],
    ['ConnectionLost', 'unreachable'],
    // Not the cluster's certificate.
    ['InvalidRequest', 'unreachable'],
  ] as const)('of an API server that answers %s is %s', async (name, expected) => {
    await begin();
    failAlways(fakes.kubernetes, 'listPods', new MigrationError(name, `The API server: ${name}.`));
    await take();
    const why = `The API server: ${name}.`;
    const access = { id: 'kubernetes-access', message: containing(why) };
    expect(found().findings[0]).toMatchObject(
      expected === 'blocked'
        ? { class: 'blocked', checks: [access] }
        : { class: 'unreachable', reason: why, checks: [] },
    );
  });

  it('is thrown where it is a defect', async () => {
    await begin();
    failAlways(fakes.eks, 'listAddons', new TypeError('x is not a function'));
    await expect(take()).rejects.toThrow(TypeError);
    await expect(take()).rejects.toThrow('x is not a function');
  });
  it('is thrown where it could not be kept', async () => {
    await begin();
    fakes.journal.failNext('documents.put');
    await expectError(take(), 'ConnectionLost');
    expect(fakes.documents.objects.size).toBe(0);
  });
});

/** Whatever is asked about one cluster is answered meanwhile. */
const longerThanACluster = async (): Promise<void> => {
  for (let turns = 0; turns < 2000; turns += 1) await Promise.resolve();
};

describe('throttling', () => {
  it('is waited for, and each try is counted', async () => {
    await begin();
    for (let times = 0; times < 3; times += 1) fakes.journal.failNext('eks.describeCluster', 'before', throttled());
    await take();
    expect(found().findings[0]?.class).toBe('ready');
    const calls = fakes.journal.names().filter((name) => name.startsWith('eks.')).length;
    expect(found().calls['eks']).toBe(calls);
  });

  it('that does not end gives the place up after some clusters, and names all of them', async () => {
    await begin({}, ['a', 'b', 'c', 'd', 'e']);
    failAlways(fakes.eks, 'describeCluster', throttled());
    const began = fakes.clock.now();
    expect(await take()).toEqual({ done: true, after: 'e', clusters: 5 });
    for (const cluster of ['a', 'b', 'c'])
      expect(found(cluster)).toMatchObject({
        findings: [{ class: 'unreachable', reason: throttled().message }],
        calls: { eks: MOST_ATTEMPTS },
      });
    expect(found('e')).toMatchObject({
      findings: [{ class: 'unreachable', reason: location().unreachable }],
      calls: {},
    });
    expect(location()).toMatchObject({ clusters: 5, unreachable: matching(/^3 clusters in a row .*Rate exceeded/) });
    expect(fakes.journal.of('eks.describeCluster')).toHaveLength(MOST_BROKEN_OFF * MOST_ATTEMPTS);
    // Minutes, however many clusters there are.
    expect(fakes.clock.now() - began).toBeLessThan(MOST_BROKEN_OFF * 75_000);
  });

  it('of some clusters, with others in between, gives nothing up', async () => {
    await begin({}, ['a', 'b', 'c', 'd', 'e', 'f']);
    let cluster = 0;
    const answer = fakes.eks.describeCluster.bind(fakes.eks);
    let tries = 0;
    fakes.eks.describeCluster = async () => {
      const throttles = cluster % 3 !== 2;
      // The clusters in between end before those after them.
      await longerThanACluster();
      if (throttles && tries < MOST_ATTEMPTS - 1) {
        tries += 1;
        throw throttled();
      }
      tries = 0;
      cluster += 1;
      if (throttles) throw throttled();
      return answer();
    };
    await take();
    expect(['a', 'b', 'c', 'd', 'e', 'f'].map((name) => found(name).findings[0]?.class)).toEqual(
      'unreachable unreachable ready unreachable unreachable ready'.split(' '),
    );
    expect(location().unreachable).toBeUndefined();
  });

  it('in the middle of a cluster keeps what was read, and tells the rest', async () => {
    await begin();
    failAlways(fakes.eks, 'listNodeCandidates', throttled());
    await take();
    expect(found().findings).toMatchObject([unreachable(throttled().message), AGENT]);
    expect(fakes.journal.of('eks.listNodeCandidates')).toHaveLength(MOST_ATTEMPTS);
  });
});

describe('an invocation whose time is up', () => {
  /** The invocation's time is the clock's. */
  const invocation = (milliseconds: number): void => {
    const end = fakes.clock.now() + milliseconds;
    Object.defineProperty(fakes.invocation, 'remaining', { configurable: true, get: () => end - fakes.clock.now() });
  };

  it('says where the next one goes on, which counts on', async () => {
    const names = ['dev', 'prod-a', 'prod-b', 'prod-c'];
    await begin({ callsPerSecond: 0.5, mode: 'migrate', selection: { clusters: ['prod-*'] } }, names);
    invocation(70_000);
    expect(await take()).toMatchObject({ done: false, after: 'prod-a', clusters: 1 });
    expect(read(locationKey(SWEEP_ID, LOCATION))).toBeNull();
    expect(read(progressKey(SWEEP_ID, LOCATION))).toMatchObject({ clusters: 1, notSelected: 1, calls: { eks: 1 } });
    invocation(900_000);
    expect(await take({ after: 'prod-a' })).toEqual({ done: true, after: 'prod-c', clusters: 2 });
    expect(location()).toEqual({ ...LOCATION, clusters: 3, notSelected: 1, calls: { eks: 2 } });
    expect(fakes.sweeps.items.get(SWEEP_ID)?.size).toBe(3);
  });

  it('leaves a cluster in the middle of it to the next one', async () => {
    await begin({ callsPerSecond: 0.2 }, ['a', 'b']);
    fakes.eks.describeCluster = async () => {
      // The second one is slow, and the first one at its end by then.
      if (fakes.journal.of('eks.describeCluster').length > 1) await longerThanACluster();
      if (fakes.journal.of('eks.describeCluster').length > 1) fakes.clock.advance(60_000);
      return aCluster();
    };
    invocation(130_000);
    expect(await take()).toEqual({ done: false, after: 'a', clusters: 1 });
    expect(fakes.documents.objects.has(clusterKey(SWEEP_ID, LOCATION, 'b'))).toBe(false);
    invocation(900_000);
    expect([await take({ after: 'a' }), location().clusters]).toMatchObject([{ done: true, clusters: 1 }, 2]);
  });

  it('is never one that comes to nothing: a cluster that takes longer than any is told as such', async () => {
    await begin({ callsPerSecond: 0.1 }, ['a', 'b']);
    invocation(60_000);
    expect(await take()).toEqual({ done: false, tooShortFor: 'a', clusters: 0 });
    expect(fakes.documents.objects.has(clusterKey(SWEEP_ID, LOCATION, 'a'))).toBe(false);
    invocation(60_000);
    expect(await take({ tooShortFor: 'a' })).toEqual({ done: false, after: 'a', clusters: 1 });
    expect(found('a').findings).toMatchObject([
      { class: 'unreachable', reason: matching(/^The time of two invocations in a row was too short/) },
    ]);
  });

  it('looks again at a cluster that one invocation was too short for, as where a call of it hung', async () => {
    await begin({ callsPerSecond: 0.1 }, ['a']);
    invocation(60_000);
    expect(await take()).toEqual({ done: false, tooShortFor: 'a', clusters: 0 });
    invocation(900_000);
    expect(await take({ tooShortFor: 'a' })).toEqual({ done: true, after: 'a', clusters: 1 });
    expect(found('a').findings).not.toMatchObject([{ class: 'unreachable' }]);
  });

  it('refuses what it did not write of the ones before', async () => {
    await begin({}, ['a', 'b']);
    await fakes.documents.put(progressKey(SWEEP_ID, LOCATION), '{"clusters":"many"}', 'application/json');
    await expectError(take({ after: 'a' }), 'BadInput');
  });
});
