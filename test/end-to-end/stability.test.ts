/** Pods that are observed after they are verified: what keeps a migration from `ready`, and what rolls it back. */
import { describe, expect, it } from 'vitest';
import type { MigrationReport } from '../../lambdas/domain/record/migration.ts';
import { addNodes, conditionsOf, nodesChanged } from '../../sandbox/world/nodes.ts';
import type { KubeObject, Pod } from '../../sandbox/objects/objects.ts';
import { deletePod, workloadChanged } from '../../sandbox/kubernetes/controllers.ts';
import { containerStatusesOf, setContainerStatus } from '../../sandbox/kubernetes/pod-status.ts';
import { listObjects, touch } from '../../sandbox/objects/store.ts';
import type { ScenarioCluster } from '../../sandbox/scenario/scenario.ts';
import { hasWaited } from './waits.ts';
import { MOST_DAYS_WAITING } from '../../lambdas/domain/waiting/pause.ts';
import { ADDON } from './fixture.ts';
import { inWorld, type OpenWorld, type WorldOptions } from './world.ts';
import { matching } from '../lambdas/matchers.ts';

const ACCOUNT = { namespace: 'payments', name: 'api' };
const CONTROLLER = 'ebs-csi-controller';
const IN_PLACE = { addon: ADDON, strategy: 'in-place' } as const;
/** The image's SDK is older than EKS Pod Identity. */
const OLD_SDK = { name: 'go-v1', version: '1.44.0' } as const;

const names = ({ steps }: MigrationReport): string[] =>
  steps.map(({ name }) => name).filter((name) => /^(verify-pods|confirm-ready|restart-pods)/.test(name));
const warned = ({ warnings }: MigrationReport): string[] => warnings.map(({ id }) => id);
const levelsOf = ({ verification }: MigrationReport): Record<string, number> => {
  const counted: Record<string, number> = {};
  for (const { identity, level } of verification.pods)
    if (identity !== 'not-applicable') counted[level ?? 'none'] = (counted[level ?? 'none'] ?? 0) + 1;
  return counted;
};
const ofCluster =
  (change: (cluster: ScenarioCluster) => void): WorldOptions['change'] =>
  (scenario) =>
    change(scenario.accounts[0]!.clusters[0]!);
type Software = NonNullable<ScenarioCluster['addons'][number]['software']>[number];
/** The add-on's controller runs software like this. */
const running = (software: Partial<Software>): WorldOptions['change'] =>
  ofCluster(({ addons }) => {
    addons.find(({ name }) => name === ADDON)!.software = [{ workload: CONTROLLER, ...software }];
  });
const podsOf = ({ cluster }: OpenWorld, prefix: string): Pod[] =>
  listObjects(cluster.kube, 'Pod').filter(
    ({ metadata }) => metadata.name.startsWith(prefix) && metadata.deletionTimestamp === undefined,
  );

/** A container restarts, and is ready again at once. */
function restartOnce(world: OpenWorld, pod: Pod): void {
  const [first] = containerStatusesOf(pod);
  const now = world.backend.clock.now();
  setContainerStatus(pod, first!.name, now, { restartCount: first!.restartCount + 1 });
  touch(world.cluster.kube, pod);
}
/** A pod is not ready for that long; no container restarts. */
function beUnready({ backend, cluster }: OpenWorld, pod: Pod, seconds: number): void {
  const [first] = containerStatusesOf(pod);
  const turn = (ready: boolean) => (at: number) => {
    setContainerStatus(pod, first!.name, at, { ready });
    touch(cluster.kube, pod);
  };
  const { schedule } = backend.sandbox.world;
  turn(false)(schedule.now());
  schedule.at(schedule.now() + seconds * 1000, turn(true));
}
const remove = ({ backend, cluster }: OpenWorld, { metadata: { namespace = '', name } }: Pod): void =>
  deletePod(backend.sandbox.world, cluster, { namespace, name });
function addNode({ backend: { sandbox, clock }, cluster }: OpenWorld): void {
  addNodes(cluster, { count: 1, os: 'linux', ready: true, agentReady: true }, clock.now());
  nodesChanged(cluster.kube);
  for (const daemonSet of listObjects(cluster.kube, 'DaemonSet')) workloadChanged(sandbox.world, cluster, daemonSet);
}
function loseNodeOf({ cluster, backend }: OpenWorld, pod: Pod): void {
  const node = listObjects(cluster.kube, 'Node').find(({ metadata }) => metadata.name === pod.spec.nodeName)!;
  node.status = { ...node.status, conditions: conditionsOf(false, backend.clock.now()) };
  const turn = (object: KubeObject | Pod): void => {
    const conditions = object.status?.['conditions'] as { type: string; status: string }[];
    for (const one of conditions) if (one.type === 'Ready') one.status = 'False';
    touch(cluster.kube, object);
  };
  turn(node);
  turn(pod);
}

/** Runs a migration; `during` runs ten seconds after each settling time has begun, with its number. */
async function migrateWhile(
  world: OpenWorld,
  asked: Parameters<OpenWorld['migrate']>[0],
  during: (settling: number) => void,
): Promise<MigrationReport> {
  const execution = await world.start(asked);
  const { clock } = world.backend;
  let settling = 0;
  const entered = (): number =>
    execution.history.events.filter((event) => JSON.stringify(event).includes('"name":"WaitForStability"')).length;
  while (execution.status === 'RUNNING') {
    // The entry and the exit of a state both contain its name.
    const now = Math.ceil(entered() / 2);
    if (now > settling) {
      settling = now;
      await clock.sleep(10_000);
      during(settling);
    }
    await clock.sleep(1000);
  }
  return world.settled(execution.name);
}

const inPlace = (work: (world: OpenWorld) => Promise<void>): Promise<void> => inWorld({ scenario: 'in-place' }, work);
const READY = { outcome: 'migrated', verified: 'ready' };

describe('pods that stay ready', () => {
  it('are `ready` after the settling time, of which the plan says how long it is', () =>
    inPlace(async (world) => {
      const report = await world.migrate(IN_PLACE);
      expect(report).toMatchObject({ ...READY, warnings: [] });
      expect([names(report), levelsOf(report)]).toEqual([['verify-pods', 'confirm-ready'], { ready: 2 }]);
      expect(report.plan!.forecast!.settleSeconds).toBe(60);
      const [confirmed] = report.steps.filter(({ name }) => name === 'confirm-ready');
      const seconds = (Date.parse(confirmed!.endedAt) - Date.parse(confirmed!.startedAt)) / 1000;
      expect(seconds).toBeGreaterThanOrEqual(60);
      expect(seconds).toBeLessThan(70);
    }));

  const livenessProbe = { periodSeconds: 40, failureThreshold: 5 };
  it('are observed for longer if a liveness probe takes longer to notice', () =>
    inWorld({ scenario: 'in-place', change: running({ livenessProbe }) }, async (world) => {
      const report = await world.migrate(IN_PLACE);
      expect(report).toMatchObject(READY);
      expect(report.plan!.forecast!.settleSeconds).toBe(200);
    }));

  it('are not observed if the request asks for less, nor in a rollback', () =>
    inPlace(async (world) => {
      const report = await world.migrate({ ...IN_PLACE, verification: 'injected' });
      expect(report).toMatchObject({ outcome: 'migrated', verified: 'injected', warnings: [] });
      expect([names(report), levelsOf(report)]).toEqual([['verify-pods'], { injected: 2 }]);
      const back = await world.rollBack({ migrationId: report.migrationId });
      expect(back).toMatchObject({ outcome: 'rolled-back', verified: 'injected', warnings: [] });
      expect(levelsOf(back)).toEqual({ none: 2 });
    }));

  it('are so for a service account with several workloads, before its annotation is removed', () =>
    inWorld({ scenario: 'service-account-irsa' }, async (world) => {
      const report = await world.migrate({ serviceAccount: ACCOUNT, annotation: 'remove' });
      expect(report).toMatchObject(READY);
      const at = (step: string): number => report.steps.findIndex(({ name }) => name === step);
      expect(at('confirm-ready')).toBeGreaterThan(at('restart-pods'));
      expect(at('annotate-service-account')).toBeGreaterThan(at('confirm-ready'));
    }));
});

describe('a container that restarts while its pods are observed', () => {
  it('once, keeps nothing from ending `ready`, after a second observation', () =>
    inPlace(async (world) => {
      const report = await migrateWhile(world, IN_PLACE, (settling) => {
        if (settling === 1) restartOnce(world, podsOf(world, CONTROLLER)[0]!);
      });
      expect(report).toMatchObject({ ...READY, warnings: [] });
      expect(names(report)).toEqual(['verify-pods', 'confirm-ready', 'verify-pods-2', 'confirm-ready-2']);
    }));

  it('each time, rolls the migration back, and names pods, restarts and the logs to read', () =>
    inPlace(async (world) => {
      const before = world.readAddon(ADDON, 'ebs-csi-controller-sa');
      const report = await migrateWhile(world, IN_PLACE, (settling) => {
        restartOnce(world, podsOf(world, CONTROLLER)[settling % 2]!);
      });
      expect(report).toMatchObject({
        outcome: 'rolled-back',
        verified: 'injected',
        warnings: [],
        failure: {
          name: 'PodsFailing',
          message: matching(
            /restarted each time that the pods were observed.*\(1 restart\).*logs ebs-csi-controller-\S+ --all-containers --previous --ignore-errors$/,
          ),
        },
      });
      expect(world.readAddon(ADDON, 'ebs-csi-controller-sa')).toEqual(before);
    }));

  it('of another workload each time, and pods that are not ready, end at the level injected, with the reason', () =>
    inWorld({ scenario: 'service-account-irsa' }, async (world) => {
      const report = await migrateWhile(world, { serviceAccount: ACCOUNT }, (settling) => {
        const [pod] = podsOf(world, settling === 2 ? 'outbox-' : 'api-');
        if (settling < 3) restartOnce(world, pod!);
        else beUnready(world, pod!, 120);
      });
      const message = matching(/Not ready at the end of the observation: api-\S+ \(1 restart\)\.$/);
      expect(report).toMatchObject({
        outcome: 'migrated',
        verified: 'injected',
        failure: undefined,
        warnings: [{ id: 'stability-not-observed', message }],
      });
      expect(names(report).filter((name) => name.startsWith('confirm'))).toHaveLength(3);
      expect(levelsOf(report)).toEqual({ injected: 5 });
    }));
});

describe('software that gets no credentials', () => {
  const withOld = running({ container: 'ebs-plugin', sdk: OLD_SDK });

  it.each([
    ['in place', IN_PLACE],
    ['by a second attempt', { addon: ADDON }],
  ] as const)('and crashes, is rolled back and never `ready`: %s', (_, asked) =>
    inWorld({ scenario: 'in-place', change: withOld }, async (world) => {
      const before = world.readAddon(ADDON, 'ebs-csi-controller-sa');
      const report = await world.migrate(asked);
      expect(report).toMatchObject({
        outcome: 'rolled-back',
        failure: { name: 'PodsFailing', message: matching(/gets no credentials.* --previous --ignore-errors$/) },
      });
      expect(levelsOf(report)).not.toHaveProperty('ready');
      expect(world.readAddon(ADDON, 'ebs-csi-controller-sa')).toEqual(before);
    }),
  );

  it('and hides it, looks stable', () =>
    inWorld({ scenario: 'in-place', change: withOld, knobs: { softwareWithoutCredentials: 'logs' } }, async (world) =>
      expect(await world.migrate(IN_PLACE)).toMatchObject(READY),
    ));
});

describe('nodes that change while the pods are observed', () => {
  it('join: their pods are named at the level injected, and settle nothing again', () =>
    inWorld({ scenario: 'vpc-cni-irsa' }, async (world) => {
      const report = await migrateWhile(world, { addon: 'vpc-cni' }, () => addNode(world));
      expect(report).toMatchObject(READY);
      expect(names(report).filter((name) => name.startsWith('confirm'))).toEqual(['confirm-ready']);
      expect([warned(report), levelsOf(report)]).toMatchObject([['pods-below-ready'], { injected: 1 }]);
    }));

  it('are lost: their pods are named and do not count', () =>
    inPlace(async (world) => {
      const report = await migrateWhile(world, IN_PLACE, () => loseNodeOf(world, podsOf(world, CONTROLLER)[0]!));
      expect(report).toMatchObject(READY);
      expect(warned(report)).toEqual(['pods-on-unready-nodes']);
      expect(report.verification.pods.filter(({ excluded }) => excluded !== undefined)).toHaveLength(1);
    }));

  it('lose a pod to an eviction: its successor is named, and its siblings show the stability', () =>
    inPlace(async (world) => {
      const report = await migrateWhile(world, IN_PLACE, () => remove(world, podsOf(world, CONTROLLER)[0]!));
      expect(report).toMatchObject(READY);
      expect([warned(report), levelsOf(report)]).toEqual([['pods-below-ready'], { ready: 1, injected: 1 }]);
    }));

  it('lose all pods: their successors are observed again', () =>
    inPlace(async (world) => {
      const report = await migrateWhile(world, IN_PLACE, (settling) => {
        if (settling > 1) return;
        for (const pod of podsOf(world, CONTROLLER)) remove(world, pod);
      });
      expect(report).toMatchObject({ ...READY, warnings: [] });
      expect(levelsOf(report)).toEqual({ ready: 2 });
    }));
});

describe('an observation that is interrupted', () => {
  it('by an outage of the API server, continues after it', () =>
    inPlace(async (world) => {
      const report = await migrateWhile(world, IN_PLACE, () => {
        world.backend.sandbox.world.faults.add({ kind: 'server-error', operation: 'list pods', seconds: 1200 });
      });
      expect(report).toMatchObject({ outcome: 'migrated', verified: 'ready', warnings: [], failure: undefined });
    }));

  it('for as long as any wait may last, ends at the level that was reached', () =>
    inPlace(async (world) => {
      const { name } = await world.start(IN_PLACE);
      while ((await world.backend.ledger.getMigration(name))?.verified !== 'injected') await world.later(1000);
      world.cluster.accessEntries.clear();
      await world.later(3_600_000);
      expect(await world.backend.ledger.getMigration(name)).toMatchObject({ waitingFor: { state: 'ConfirmReady' } });
      await hasWaited(world, name, MOST_DAYS_WAITING);
      const warnings = [{ id: 'stability-not-observed' }];
      expect(await world.settled(name)).toMatchObject({ outcome: 'migrated', verified: 'injected', warnings });
    }));

  it('by a cancel, is rolled back', () =>
    inPlace(async (world) => {
      const before = world.readAddon(ADDON, 'ebs-csi-controller-sa');
      const { ledger, clock } = world.backend;
      const { name } = await world.start(IN_PLACE);
      while ((await ledger.getMigration(name))?.verified !== 'injected') await world.later(1000);
      await ledger.requestCancel(name, { requestedAt: new Date(clock.now()).toISOString() });
      const report = await world.settled(name);
      expect(report).toMatchObject({ outcome: 'rolled-back', failure: { name: 'Cancelled' }, warnings: [] });
      expect(world.readAddon(ADDON, 'ebs-csi-controller-sa')).toEqual(before);
    }));
});
