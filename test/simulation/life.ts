/**
 * The ordinary life of a cluster while it is migrated: Jobs and other pods that no workload owns, nodes that come and go,
 * pods that are unready for a while, slow starts, agents and IRSA that people remove, workloads without pods, and cancels.
 */
import { AsyncLocalStorage } from 'node:async_hooks';
import { AGENT_ADDON } from '../../lambdas/domain/addons/registry.ts';
import type { MigrationRequestInput } from '../../lambdas/domain/request/request.ts';
import { deletePod } from '../../sandbox/kubernetes/controllers.ts';
import { listObjects } from '../../sandbox/objects/store.ts';
import type { Sandbox } from '../../sandbox/sandbox.ts';
import type { Call } from '../../sandbox/calls/call-log.ts';
import type { Scenario, ScenarioCluster } from '../../sandbox/scenario/scenario.ts';
import type { ClusterState } from '../../sandbox/world/world.ts';
import { keyOf } from './calls.ts';
import * as acts from './life-acts.ts';
import type { LifeEvent, Moment } from './spec.ts';
import { concerned, workloadsOf } from './time.ts';

type Request = Omit<MigrationRequestInput, 'target'>;

/** What has become of an event. */
export interface LifeRecord {
  event: LifeEvent;
  /** When it happened, in milliseconds since 1970; absent if it did not. */
  at?: number;
  /** Number of the last call before it. */
  line?: number;
  /** The pod that it started or made unready. */
  pod?: acts.ActedPod;
}

const TOLERATIONS = [{ key: acts.TAINT.key, operator: 'Exists' as const }];

/** Sets the tolerations of the controller, which CSI drivers have in a part of their configuration. */
const tolerate = (addon: ScenarioCluster['addons'][number]): void => {
  const values = JSON.parse(addon.configurationValues ?? '{}') as Record<string, object>;
  const tolerations = { tolerations: TOLERATIONS };
  addon.configurationValues = JSON.stringify(
    addon.name.endsWith('-csi-driver')
      ? { ...values, controller: { ...values['controller'], ...tolerations } }
      : { ...values, ...tolerations },
  );
};

/** Returns the scenario with what the events need from the beginning. */
export const withLife = (
  scenario: Scenario,
  requests: readonly Request[],
  life: readonly LifeEvent[] | undefined,
): Scenario => {
  if (!life?.some(({ does }) => does === 'join-tainted-node')) return scenario;
  for (const cluster of scenario.accounts.flatMap(({ clusters }) => clusters)) {
    for (const addon of cluster.addons)
      if (addon.name === AGENT_ADDON) addon.configurationValues = '{"tolerations":[]}';
      else if (requests.some((request) => request.addon === addon.name)) tolerate(addon);
    for (const request of requests)
      for (const workload of workloadsOf(cluster, request)) workload.tolerations = TOLERATIONS;
  }
  return scenario;
};

/** The steps with which a rollback begins. */
export const ROLLBACK: ReadonlySet<string> = new Set(['assess-rollback', 'restore-addon', 'restore-associations']);
const TARGET: ReadonlySet<string> = new Set(['eks', 'iam', 'kubernetes']);

/** Returns the moments that begin with a call, if it is the first of its kind. */
const momentsOf = (call: Call): Moment[] => {
  if (call.step === undefined || call.status >= 300) return [];
  if (ROLLBACK.has(call.step)) return ['rollback'];
  const moments: Moment[] = call.step === 'begin' ? ['begun'] : [];
  if (call.mutating && TARGET.has(call.service)) moments.push('changed');
  if (call.step !== 'verify-pods') return moments;
  if (call.operation === 'list pods') moments.push('rollout');
  if (keyOf(call)?.sk.startsWith('VERIFICATION#settling-1#') === true) moments.push('settling');
  return moments;
};

/** What is not possible yet is tried again: the start of a pod whose service account is missing, for example. */
const AGAIN_MS = 5000;
const TRIES = 60;
/** Time for pods to start after the last event between a migration and its rollback. */
const REST_MS = 120_000;

const perform = (
  living: acts.Living,
  event: Exclude<LifeEvent, { does: 'cancel' }>,
): boolean | acts.ActedPod | undefined => {
  switch (event.does) {
    case 'start-job':
    case 'start-bare-pod':
    case 'start-custom-pod':
      return acts.start(living, event);
    case 'lose-node':
      return acts.loseNode(living, event);
    case 'join-node':
      return acts.join(living, []);
    case 'join-tainted-node':
      return acts.join(living, [acts.TAINT]);
    case 'add-fargate-profile':
      return acts.addProfile(living);
    case 'blink':
      return acts.blink(living, event);
    case 'slow-starts':
      return acts.slowDown(living, event);
    case 'delete-agent':
      return acts.deleteAgent(living, event);
    case 'break-irsa':
      return acts.breakIrsa(living, event);
    case 'scale-to-zero':
      return acts.scaleToZero(living, event);
  }
};

export class Life {
  readonly records: readonly LifeRecord[];
  private readonly sandbox: Sandbox;
  private readonly living: acts.Living;
  private readonly cancel: () => Promise<boolean>;
  private readonly reached = new Set<Moment>();

  /** `cancel` requests the cancellation of the first migration, and returns whether there is one. */
  constructor(
    sandbox: Sandbox,
    cluster: ClusterState,
    {
      scenario,
      requests,
      life,
      cancel,
    }: { scenario: Scenario; requests: readonly Request[]; life: readonly LifeEvent[]; cancel: () => Promise<boolean> },
  ) {
    this.sandbox = sandbox;
    this.cancel = cancel;
    this.records = life.map((event) => ({ event }));
    const described = scenario.accounts
      .flatMap(({ clusters }) => clusters)
      .filter(({ name }) => name === cluster.name)
      .flatMap((one) => requests.flatMap((request) => concerned(one, request)));
    const isOfAddon = requests[0]?.addon !== undefined;
    const living = { world: sandbox.world, cluster, described, isOfAddon, accounts: [] };
    this.living = { ...living, accounts: acts.accountsWithIdentity(living) };
    sandbox.world.log.onCall((call) => {
      for (const moment of momentsOf(call)) this.reach(moment);
    });
  }

  /** The service accounts of the requests' pods that had an identity at the beginning, as `namespace/name`. */
  get accounts(): readonly string[] {
    return this.living.accounts;
  }

  /** Waits until the events between the migrations and what is requested then have happened. */
  async ended(): Promise<void> {
    this.reach('ended');
    const seconds = this.records.flatMap(({ event }) => (event.at === 'ended' ? [event.afterSeconds] : []));
    if (seconds.length > 0) await this.sandbox.clock.sleep(Math.max(...seconds) * 1000 + REST_MS);
  }

  /** Ends the pods that no workload owns, as a person does. */
  endPods(): void {
    const { world, cluster } = this.living;
    const uids = new Set(this.records.flatMap(({ event, pod }) => (event.does === 'blink' || !pod ? [] : [pod.uid])));
    for (const { metadata } of listObjects(cluster.kube, 'Pod'))
      if (uids.has(metadata.uid))
        deletePod(world, cluster, { namespace: metadata.namespace ?? '', name: metadata.name });
  }

  /** Begins the events of a moment, the first time that it is reached. */
  private reach(moment: Moment): void {
    if (this.reached.has(moment)) return;
    this.reached.add(moment);
    for (const record of this.records.filter(({ event }) => event.at === moment)) {
      const { event } = record;
      if (event.does === 'cancel') this.cancelLater(record);
      else this.sandbox.world.schedule.after(event.afterSeconds * 1000, () => this.attempt(record, event, TRIES));
    }
  }

  private note(record: LifeRecord): void {
    record.at = this.sandbox.world.schedule.now();
    record.line = this.sandbox.world.log.calls.at(-1)?.n ?? 0;
  }

  private attempt(record: LifeRecord, event: Exclude<LifeEvent, { does: 'cancel' }>, tries: number): void {
    const done = perform(this.living, event);
    if (done === undefined || done === false) {
      if (tries > 0) this.sandbox.world.schedule.after(AGAIN_MS, () => this.attempt(record, event, tries - 1));
      return;
    }
    if (done !== true) record.pod = { uid: done.uid, name: done.name };
    this.note(record);
  }

  private cancelLater(record: LifeRecord): void {
    const { clock } = this.sandbox;
    // The calls of a person are not attributed to the invocation that is running.
    const outside = AsyncLocalStorage.snapshot();
    outside(
      () =>
        void clock.spawn(async () => {
          await clock.sleep(record.event.afterSeconds * 1000);
          if (await this.cancel()) this.note(record);
        }),
    );
  }
}
