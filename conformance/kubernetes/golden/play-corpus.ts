/** Sends the requests of a corpus to the sandbox's API server, in the same order and over the same objects. */
import { createGateway, type Gateway } from '../../../sandbox/gateway/gateway.ts';
import type { ManagedFieldsEntry } from '../../../sandbox/objects/managed-fields-entry.ts';
import { asReturned } from '../../../sandbox/kubernetes/managed-fields.ts';
import { createKubernetesService } from '../../../sandbox/kubernetes/service.ts';
import { listObjects } from '../../../sandbox/objects/store.ts';
import { badQueryOf, queryOf } from '../../../sandbox/transports/query.ts';
import { parseScenario } from '../../../sandbox/build/load.ts';
import type { ClusterState, World } from '../../../sandbox/world/world.ts';
import { openWorld, tokensFor } from './cast.ts';
import { readCorpus, readCorpusScenario, readSetUp } from './corpus.ts';
import { answerBody, headersOf, type Lab, type Played, sendCorpus, textOf } from './send.ts';

/** The client's name, and the manager of the fields that it sets. */
export const RECORDER = 'corpus';
/**
 * Names that clients of recordings had where it was another one: the corpus of 1.33 names it `corpus`, but its entries
 * are in the order of a name between `kubectl-create` and `x`.
 */
const RECORDERS: Readonly<Record<string, string>> = { '1.33': 'node' };

const named = (text: string, recorder: string): string =>
  text.replaceAll(new RegExp(String.raw`(manager\\*":\\*")${recorder}(?=\\*")`, 'g'), `$1${RECORDER}`);

interface Sandbox {
  world: World;
  cluster: ClusterState;
  gateway: Gateway;
  tokens: Record<string, string | undefined>;
  recorder: string;
}

const sendTo =
  ({ gateway, cluster, tokens, recorder }: Sandbox): Lab['send'] =>
  async (sent) => {
    const [pathname = '/', search = ''] = sent.path.split(/\?(.*)/s);
    const { status, headers, body } = await gateway.handle({
      method: sent.method,
      host: new URL(cluster.endpoint).host,
      path: pathname,
      query: queryOf(new URLSearchParams(search)),
      ...badQueryOf(search),
      headers: headersOf(sent, tokens[sent.as], recorder),
      body: Buffer.from(textOf(sent)),
    });
    const text = named(Buffer.from(body).toString('utf8'), recorder);
    return { status, headers, ...answerBody(headers, text, sent.path) };
  };

/** Advances the time until no object has changed for a minute, at most for an hour. */
const settle = ({ world, cluster }: Sandbox): void => {
  const { schedule } = world;
  for (let seconds = 0; seconds < 3600;) {
    const before = cluster.kube.resourceVersion;
    schedule.advanceTo(schedule.now() + 60_000);
    seconds += 60;
    if (cluster.kube.resourceVersion === before) return;
  }
};

/** Names what had made the namespaces of the recorded server. */
const nameNamespaces = (cluster: ClusterState): void => {
  for (const namespace of listObjects(cluster.kube, 'Namespace')) {
    const { managedFields = [] } = asReturned(cluster, namespace).metadata as {
      managedFields?: ManagedFieldsEntry[];
    };
    cluster.kube.managedFields.set(
      namespace.metadata.uid,
      managedFields.map((entry) => ({ ...entry, manager: 'setup' })),
    );
  }
};

const openLab = async (version: string): Promise<Lab> => {
  const { world, cluster } = openWorld(parseScenario(readCorpusScenario(version), `${version}/scenario.json`));
  const { schedule } = world;
  const now = (): number => schedule.now();
  const startedAt = now();
  const gateway = createGateway({
    world,
    clock: { now },
    services: {},
    kubernetes: (each, verify) => createKubernetesService(world, each, verify),
    // Tokens are valid however long the workloads need to settle.
    signatureTime: () => startedAt,
  });
  const recorder = RECORDERS[version] ?? RECORDER;
  const sandbox = { world, cluster, gateway, tokens: await tokensFor(world, cluster), recorder };
  const send = sendTo(sandbox);
  for (const request of readSetUp(version)) await send(request);
  nameNamespaces(cluster);
  return {
    send,
    settle: async () => settle(sandbox),
    nextSecond: async () => schedule.advanceTo(now() + 1000),
    react: async (isAboutPods) => schedule.advanceTo(now() + (isAboutPods ? 100 : 1)),
    nodes: () => listObjects(cluster.kube, 'Node').map(({ metadata }) => metadata.name),
  };
};

/** Plays a version's corpus against the sandbox and returns the answers, without the exchanges that need more than its scenario. */
export const playCorpus = async (version: string): Promise<Played[]> =>
  sendCorpus(await openLab(version), readCorpus(version));
