/** Sends the requests of a corpus to the sandbox's API server, in the same order and over the same objects. */
import { eksToken } from '../../../lambdas/adapters/eks-token.ts';
import { createGateway, type Gateway } from '../../../sandbox/gateway/gateway.ts';
import type { HttpResponse } from '../../../sandbox/http.ts';
import { badQueryOf, queryOf } from '../../../sandbox/transports/query.ts';
import { createKubernetesService } from '../../../sandbox/kubernetes/service.ts';
import type { ManagedFieldsEntry } from '../../../sandbox/kubernetes/field-managers.ts';
import { asReturned } from '../../../sandbox/kubernetes/managed-fields.ts';
import { listObjects } from '../../../sandbox/kubernetes/store.ts';
import { credentialsOf, operatorRoleArn } from '../../../sandbox/sts/access-keys.ts';
import { buildWorld, parseScenario } from '../../../sandbox/world/load.ts';
import type { ClusterState, World } from '../../../sandbox/world/world.ts';
import { type Answer, type Exchange, readCorpus, readCorpusFile } from './corpus.ts';

const ACCOUNT = '111122223333';
/** The functions whose roles are in the service's groups, as the recording's deployment named them. */
const STEPS = {
  reader: ['PodIdentityMigrator-StepsPlanRoleC5C164C0', 'PodIdentityMigrator-StepsPlanFunctionF86F230C'],
  restart: ['PodIdentityMigrator-StepsRestartPodsRoleB1B52055', 'PodIdentityMigrator-StepsRestartPodsFunction94DAD871'],
  annotate: [
    'PodIdentityMigrator-StepsAnnotateServiceAccountRole34557209',
    'PodIdentityMigrator-StepsAnnotateServiceAccountFunction1CF1890B',
  ],
} as const;
const roleArn = (name: string): string => `arn:aws:iam::${ACCOUNT}:role/${name}`;

/** Requests that were sent before the effects of the request before them had settled. */
const AT_ONCE = new Set([
  'product-restart-again',
  'deployment-resume',
  'statefulset-forbidden',
  'statefulset-partition',
  'deployment-scale-patch',
  'evicted-pod',
  'evict-going-already',
  'evict-next-refused',
]);

/** Paths of requests before which the workloads had settled; other requests followed each other at once. */
const ABOUT_PODS = /\/(?:pods|replicasets|deployments|statefulsets|daemonsets|poddisruptionbudgets|nodes)\b/;
/** Requests before which a new second began, by which the API server orders managed fields. */
const NEXT_SECOND = new Set(['patch-dry-run']);

type SetUpRequest = Pick<Exchange, 'method' | 'path' | 'type' | 'body'>;

interface Lab {
  world: World;
  cluster: ClusterState;
  gateway: Gateway;
  tokens: Record<string, string | undefined>;
}

const openWorld = (version: string): { world: World; cluster: ClusterState } => {
  const scenario = parseScenario(readCorpusFile(version, 'scenario.json'), `${version}/scenario.json`);
  const deployed = Object.values(STEPS).map(([name]) => roleArn(name));
  const world = buildWorld(scenario, {
    roles: deployed.map((arn) => ({ arn, policies: [], managedPolicyArns: [] })),
    kubernetesRoles: deployed,
    restartRoles: [roleArn(STEPS.restart[0])],
    annotateRoles: [roleArn(STEPS.annotate[0])],
  });
  const [cluster] = world.accounts.get(ACCOUNT)?.clusters.values() ?? [];
  if (!cluster) throw new Error(`The scenario of ${version} has no cluster.`);
  // The recording's token webhook gave all roles one id.
  for (const role of world.accounts.get(ACCOUNT)?.roles.values() ?? []) role.roleId = 'AROAEXAMPLE';
  const createdAt = world.schedule.now();
  for (const [name, groups] of [
    ['nobody', []],
    ['lab', ['lab-makers']],
  ] as const)
    cluster.accessEntries.set(roleArn(name), {
      principalArn: roleArn(name),
      kubernetesGroups: [...groups],
      type: 'STANDARD',
      tags: {},
      createdAt,
      policies: [],
    });
  return { world, cluster };
};

const tokensFor = async (world: World, cluster: ClusterState): Promise<Lab['tokens']> => {
  const token = (role: string, session: string, name = cluster.name, ago = 0): Promise<string> =>
    eksToken({
      cluster: name,
      region: cluster.region,
      credentials: credentialsOf(world, role, session),
      now: new Date(world.schedule.now() - ago),
    });
  const operator = operatorRoleArn(world);
  const steps = Object.entries(STEPS).map(async ([as, [role, session]]) => [as, await token(roleArn(role), session)]);
  const roles = ['nobody', 'lab', 'stranger'].map(async (name) => [name, await token(roleArn(name), 'sandbox')]);
  const bearers = Object.fromEntries(await Promise.all([...steps, ...roles])) as Record<string, string>;
  return {
    ...Object.fromEntries(Object.entries(bearers).map(([as, text]) => [as, `Bearer ${text}`])),
    admin: `Bearer ${await token(operator, 'sandbox')}`,
    badtoken: 'Bearer k8s-aws-v1.nonsense',
    plain: 'Bearer not-a-token',
    othercluster: `Bearer ${await token(operator, 'sandbox', 'another')}`,
    expired: `Bearer ${await token(operator, 'sandbox', cluster.name, 20 * 60_000)}`,
    basic: `Basic ${Buffer.from('admin:admin').toString('base64')}`,
    anonymous: undefined,
  };
};

/**
 * The user agent of the recording, which is the manager of the fields that it set. The corpus names it `corpus`, but its
 * entries are in the order of a name between `kubectl-create` and `x`.
 */
const RECORDER = 'node';
const named = (text: string): string =>
  text.replaceAll(new RegExp(String.raw`(manager\\*":\\*")${RECORDER}(?=\\*")`, 'g'), '$1corpus');

const send = async (
  { gateway, cluster, tokens }: Lab,
  { method, path, as, type, body, raw, accept, headers = {} }: Omit<Exchange, 'id' | 'answer'>,
): Promise<Answer & { text: string }> => {
  const [pathname = '/', search = ''] = path.split(/\?(.*)/s);
  const authorization = tokens[as];
  const response = await gateway.handle({
    method,
    host: new URL(cluster.endpoint).host,
    path: pathname,
    query: queryOf(new URLSearchParams(search)),
    ...badQueryOf(search),
    headers: {
      accept: accept ?? 'application/json',
      'user-agent': RECORDER,
      ...headers,
      ...(authorization === undefined ? {} : { authorization }),
      ...(type === undefined ? {} : { 'content-type': type }),
    },
    body: Buffer.from(raw ?? (body === undefined ? '' : JSON.stringify(body))),
  });
  const text = named(Buffer.from(response.body).toString('utf8'));
  return { status: response.status, headers: response.headers, ...bodyOf(response, text, path), text };
};

const bodyOf = ({ headers }: HttpResponse, text: string, path: string): Pick<Answer, 'body'> => {
  if (text === '') return {};
  const type = Object.entries(headers).find(([name]) => name.toLowerCase() === 'content-type')?.[1] ?? '';
  if (!type.startsWith('application/json')) return { body: { text } };
  if (!/[?&]watch=(1|true)/.test(path)) return { body: JSON.parse(text) };
  const lines = text
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as unknown);
  // A refusal, and a watch with one event, were recorded as one document.
  return { body: lines.length === 1 ? lines[0] : { lines } };
};

/** Advances the time until no object has changed for a minute, at most for an hour. */
const settle = ({ world, cluster }: Lab): void => {
  const { schedule } = world;
  for (let seconds = 0; seconds < 3600;) {
    const before = cluster.kube.resourceVersion;
    schedule.advanceTo(schedule.now() + 60_000);
    seconds += 60;
    if (cluster.kube.resourceVersion === before) return;
  }
};

/** Makes the objects that the recorded server had in addition to those of the scenario, and names what had made its namespaces. */
const setUp = async (lab: Lab, version: string): Promise<void> => {
  const { kube } = lab.cluster;
  for (const request of JSON.parse(readCorpusFile(version, 'setup.json')) as SetUpRequest[])
    await send(lab, { as: 'admin', type: 'application/json', ...request });
  for (const namespace of listObjects(kube, 'Namespace')) {
    const { managedFields = [] } = asReturned(lab.cluster, namespace).metadata as {
      managedFields?: ManagedFieldsEntry[];
    };
    kube.managedFields.set(
      namespace.metadata.uid,
      managedFields.map((entry) => ({ ...entry, manager: 'setup' })),
    );
  }
};

const openLab = async (version: string): Promise<Lab> => {
  const { world, cluster } = openWorld(version);
  const now = (): number => world.schedule.now();
  const startedAt = now();
  const gateway = createGateway({
    world,
    clock: { now },
    services: {},
    kubernetes: (each, verify) => createKubernetesService(world, each, verify),
    // Tokens are valid however long the workloads need to settle.
    signatureTime: () => startedAt,
  });
  const lab = { world, cluster, gateway, tokens: await tokensFor(world, cluster) };
  await setUp(lab, version);
  return lab;
};

/** Replaces `${rv:PATH}`, `${continue}`, `${continue1}` and `${node}` in a text. */
const filled = async (lab: Lab, text: string, continues: { last: string; first: string }): Promise<string> => {
  const names = listObjects(lab.cluster.kube, 'Node').map(({ metadata }) => metadata.name);
  const values: Record<string, string> = {
    node: names.toSorted()[0] ?? '',
    continue: continues.last,
    continue1: continues.first,
  };
  for (const [, path = ''] of text.matchAll(/\$\{rv:([^}]+)\}/g)) {
    const { body } = await send(lab, { method: 'GET', path, as: 'admin' });
    values[`rv:${path}`] = (body as { metadata: { resourceVersion: string } }).metadata.resourceVersion;
  }
  return text.replaceAll(/\$\{([^}]+)\}/g, (whole, name: string) => values[name] ?? whole);
};

export interface Played {
  exchange: Exchange;
  answer: Answer;
}

/** Plays a version's corpus against the sandbox and returns the answers, without the exchanges that need more than its scenario. */
export const playCorpus = async (version: string): Promise<Played[]> => {
  const lab = await openLab(version);
  const continues = { last: '', first: '' };
  const played: Played[] = [];
  for (const exchange of readCorpus(version)) {
    if (exchange.needs !== undefined) continue;
    const { schedule } = lab.world;
    const isAboutPods = ABOUT_PODS.test(exchange.path);
    if (isAboutPods && !AT_ONCE.has(exchange.id)) settle(lab);
    if (NEXT_SECOND.has(exchange.id)) schedule.advanceTo(schedule.now() + 1000);
    const { id, answer: _answer, ...sent } = exchange;
    const wanted = JSON.parse(await filled(lab, JSON.stringify(sent), continues)) as typeof sent;
    const { text: _text, ...answer } = await send(lab, wanted);
    // The controllers have seen a change when the next request arrives.
    schedule.advanceTo(schedule.now() + (isAboutPods ? 100 : 1));
    const token = (answer.body as { metadata?: { continue?: string } } | undefined)?.metadata?.continue;
    if (token !== undefined) continues.last = token;
    if (id === 'list-limit-1') continues.first = token ?? '';
    played.push({ exchange, answer });
  }
  return played;
};
