/**
 * Measures the speed of a large cluster: `node bench/kubernetes.ts [nodes] [replicas]`. Prints the time to create the
 * nodes, to create a Deployment, a DaemonSet and a StatefulSet, to roll them out, and to list all pods in pages.
 */
import { seedAddonObjects } from '../sandbox/kubernetes/addon-objects.ts';
import { seedCluster } from '../sandbox/kubernetes/cluster-objects.ts';
import { replaceObject } from '../sandbox/kubernetes/controllers.ts';
import type { AddonObjects, KubeObject, Workload } from '../sandbox/objects/objects.ts';
import type { ListOptions } from '../sandbox/kubernetes/list-options.ts';
import { pageOf } from '../sandbox/kubernetes/pages.ts';
import { isReady } from '../sandbox/kubernetes/pods.ts';
import { newKubeState } from '../sandbox/objects/new-kube-state.ts';
import { getObject, listObjects } from '../sandbox/objects/store.ts';
import { parseScenario, buildWorld } from '../sandbox/build/load.ts';

const nodes = Number(process.argv[2] ?? 5000);
const replicas = Number(process.argv[3] ?? 1068);

const timed = <T>(what: string, run: () => T): T => {
  const startedAt = performance.now();
  const result = run();
  console.log(`${what.padEnd(48)} ${(performance.now() - startedAt).toFixed(0).padStart(6)} ms`);
  return result;
};

const world = buildWorld(
  parseScenario(
    {
      accounts: [{ id: '111122223333', clusters: [{ name: 'large', region: 'eu-west-1', version: '1.31', nodes: 0 }] }],
    },
    'bench',
  ),
);
const [cluster] = [...world.accounts.values()].flatMap((account) => [...account.clusters.values()]);
if (!cluster) throw new Error('The scenario has no cluster.');
cluster.kube = newKubeState();
const { kube } = cluster;

const containers = [{ name: 'main', image: 'registry.example.com/main' }];
const of = (kind: Workload['kind'], name: string): AddonObjects => ({
  namespace: 'kube-system',
  serviceAccounts: [name],
  workloads: [{ kind, name, serviceAccount: name, replicas, labels: { app: name }, containers }],
});

const seed = (kind: Workload['kind'], name: string): void =>
  seedAddonObjects(world, cluster, name, of(kind, name), {
    irsaServiceAccounts: [],
    podsCreatedAt: world.schedule.now(),
  });

/** Changes a workload's template and advances the time until every pod is replaced. */
const roll = (kind: Workload['kind'], name: string): void => {
  const workload = getObject(kube, kind, 'kube-system', name);
  if (!workload) throw new Error(`There is no ${kind} ${name}.`);
  const changed: KubeObject = structuredClone(workload);
  Object.assign((changed as Workload).spec.template.metadata, { annotations: { rolled: 'once' } });
  replaceObject(world, cluster, workload, changed);
  const pods = () => listObjects(kube, 'Pod').filter(({ metadata }) => metadata.labels?.['app'] === name);
  const wanted = pods().length;
  const isDone = (): boolean =>
    pods().length === wanted && pods().every((pod) => pod.metadata.annotations?.['rolled'] === 'once' && isReady(pod));
  for (let hours = 0; !isDone(); hours += 1) {
    if (hours > 1000) throw new Error(`${kind} ${name} does not finish its rollout.`);
    world.schedule.advanceTo(world.schedule.now() + 3_600_000);
  }
};

timed(`${nodes} nodes`, () => seedCluster(world, cluster, nodes));
timed(`a Deployment of ${replicas} pods`, () => seed('Deployment', 'deployment'));
timed(`its rollout`, () => roll('Deployment', 'deployment'));
timed(`a DaemonSet of ${nodes} pods`, () => seed('DaemonSet', 'daemonset'));
timed(`its rollout, one pod at a time`, () => roll('DaemonSet', 'daemonset'));
timed(`a StatefulSet of ${replicas} pods`, () => seed('StatefulSet', 'statefulset'));
timed(`its rollout, one pod at a time`, () => roll('StatefulSet', 'statefulset'));
timed(`${2 * replicas + nodes} pods in pages of 500`, () => {
  let token: string | undefined;
  let found = 0;
  do {
    const options: ListOptions = {
      labels: () => true,
      fields: [],
      selected: false,
      watch: false,
      allowWatchBookmarks: false,
      resourceVersion: '',
      resourceVersionMatch: '',
      continue: token ?? '',
      limit: 500,
    };
    const { items, metadata } = pageOf(kube, {
      list: 'pods',
      options,
      now: world.schedule.now(),
      find: () => listObjects(kube, 'Pod'),
      changedAt: () => kube.resourceVersion,
      serve: (object) => object,
    });
    found += items.length;
    token = metadata.continue;
  } while (token !== undefined);
  if (found !== 2 * replicas + nodes) throw new Error(`The pages have ${found} pods.`);
});
