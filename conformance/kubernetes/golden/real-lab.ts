/** A real API server over the objects of a corpus. */
import { setTimeout as wait } from 'node:timers/promises';
import { listObjects } from '../../../sandbox/objects/store.ts';
import type { Scenario } from '../../../sandbox/scenario/scenario.ts';
import type { ClusterState, World } from '../../../sandbox/world/world.ts';
import { RealCluster } from '../bridge/cluster.ts';
import { planeOptions } from '../bridge/open.ts';
import { openWebhooks } from '../bridge/webhooks.ts';
import type { KubernetesVersion } from '../build/tools.ts';
import type { ControlPlane } from '../plane/options.ts';
import { startControlPlane } from '../plane/plane.ts';
import { openWorld, tokensFor } from './cast.ts';
import type { SetUpRequest } from './corpus.ts';
import { keptHeaders } from './normalise.ts';
import { answerBody, headersOf, type Lab, textOf } from './send.ts';

/** How often the world's time catches up with this machine's. */
const TICK_MS = 50;
/** Nothing has changed for so long: several times as long as a pod takes to get ready or to end. */
const QUIET_MS = 3000;
const LONGEST_SETTLING_MS = 120_000;
/** Controllers see a change within milliseconds. */
const REACTION_MS = 20;

export interface RealLab extends Lab {
  /** Returns the lists of objects whose names are generated. */
  named: () => Promise<unknown[]>;
  /** Defects of the bridge so far. */
  failures: () => unknown[];
  close: () => Promise<void>;
}

export interface RealLabOptions {
  version: KubernetesVersion;
  /** Begins now. */
  scenario: Scenario;
  setUp: readonly (SetUpRequest & { as: string })[];
  /** The client's name. */
  recorder: string;
}

/** Namespaces that each API server creates. */
const OF_KUBERNETES = new Set(['default', 'kube-system', 'kube-public', 'kube-node-lease']);

/** Returns what sends requests to a control plane, with the tokens of a world. */
const sendTo =
  (plane: ControlPlane, where: { world: World; cluster: ClusterState }, recorder: string): Lab['send'] =>
  async (sent) => {
    // Tokens are valid for 15 minutes, and a recording takes longer on a slow machine.
    const tokens = await tokensFor(where.world, where.cluster);
    const headers = { 'content-type': undefined, ...headersOf(sent, tokens[sent.as], recorder) };
    const text = textOf(sent);
    const answer = await plane.request(sent.method, sent.path, {
      token: null,
      headers,
      ...(text === '' ? {} : { body: text }),
    });
    const answered = keptHeaders(answer.headers);
    return { status: answer.status, headers: answered, ...answerBody(answered, answer.text, sent.path) };
  };

/** Creates the namespaces of a scenario as a manager of their own. */
const createNamespaces = async (plane: ControlPlane, cluster: ClusterState): Promise<void> => {
  const path = '/api/v1/namespaces?fieldManager=setup';
  for (const { metadata } of listObjects(cluster.kube, 'Namespace')) {
    if (OF_KUBERNETES.has(metadata.name)) continue;
    const body = { apiVersion: 'v1', kind: 'Namespace', metadata: { name: metadata.name } };
    const { status, text } = await plane.request('POST', path, { body });
    if (status >= 300) throw new Error(`POST ${path} was answered with ${status}: ${text}`);
  }
};

/** Starts a control plane with the objects of a scenario, whose times are those of this machine. */
export const openRealLab = async ({ version, scenario, setUp, recorder }: RealLabOptions): Promise<RealLab> => {
  const webhooks = await openWebhooks();
  const plane = await startControlPlane({ version, ...planeOptions(webhooks) });
  const { world, cluster } = openWorld(scenario);
  const { schedule } = world;
  schedule.advanceTo(schedule.now());
  // Pods have to get ready and to end in this machine's time.
  Object.assign(world.knobs, { podReadySeconds: 1, podTerminationSeconds: 1 });
  const real = new RealCluster({ world, cluster, plane, webhooks, now: () => schedule.now() });
  const clock = setInterval(() => schedule.advanceTo(Date.now()), TICK_MS);
  const close = async (): Promise<void> => {
    clearInterval(clock);
    real.close();
    await plane.stop();
    await webhooks.close();
  };

  const send = sendTo(plane, { world, cluster }, recorder);
  const settle = async (): Promise<void> => {
    const deadline = Date.now() + LONGEST_SETTLING_MS;
    while (real.work.isBusy() || performance.now() - real.mirror.lastEventAt < QUIET_MS) {
      if (Date.now() > deadline) throw new Error(`The cluster did not settle: ${real.work.state()}\n${plane.logs(5)}`);
      await wait(TICK_MS);
    }
  };
  try {
    await createNamespaces(plane, cluster);
    await real.open();
    await settle();
    for (const one of setUp) {
      const { status, body } = await send(one);
      if (status >= 300)
        throw new Error(`${one.method} ${one.path} of the set-up was answered with ${status}: ${JSON.stringify(body)}`);
    }
  } catch (error) {
    await close();
    throw error;
  }
  return {
    send,
    settle,
    nextSecond: () => wait(1000 - (Date.now() % 1000) + TICK_MS),
    react: (isAboutPods) => wait(isAboutPods ? REACTION_MS : 0),
    nodes: () => listObjects(cluster.kube, 'Node').map(({ metadata }) => metadata.name),
    named: () =>
      Promise.all(
        ['/api/v1/pods', '/apis/apps/v1/replicasets', '/apis/apps/v1/controllerrevisions'].map(
          async (path) => (await plane.request('GET', path)).body,
        ),
      ),
    failures: () => real.failures(),
    close,
  };
};
