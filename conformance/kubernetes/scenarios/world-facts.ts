/** What a world has, in a normal form that two runs of the same scenario share. It does not use what the service reports. */
import { portsOf } from '../../../lambdas/runtime/wiring.ts';
import type { Target } from '../../../lambdas/domain/terms/subject.ts';
import { listObjects } from '../../../sandbox/objects/store.ts';
import type { Sandbox } from '../../../sandbox/sandbox.ts';
import type { Call } from '../../../sandbox/calls/call-log.ts';
import type { AssociationState, ClusterState } from '../../../sandbox/world/world.ts';
import type { Workload } from '../../../lambdas/domain/kubernetes/objects.ts';
import type { Facts } from './compare.ts';
import { counted, normaliser, sortedJson } from './normal.ts';
import { credentialsText, podCredentials } from './pod-credentials.ts';

export interface Watched {
  sandbox: Sandbox;
  cluster: ClusterState;
  target: Target;
  /** Namespaces whose workloads are compared. */
  namespaces: readonly string[];
}

/** The roles of the deployed service, which no migration changes. */
const OWN_ROLE = /:role\/PodIdentityMigrator-/;
const VERSION = /"resourceVersion":"\d+"/g;
const WORKLOAD_KINDS = ['Deployment', 'DaemonSet', 'StatefulSet'] as const;

/** Returns the names of all workloads of the cluster. */
export const workloadNames = ({ kube }: ClusterState): string[] =>
  WORKLOAD_KINDS.flatMap((kind) => listObjects(kube, kind).map(({ metadata }) => metadata.name));

/** Returns what each pod of the namespaces has: readiness, restarts, and each container's credentials by EKS Auth and STS. */
const podTexts = ({ sandbox: { world }, cluster, namespaces }: Watched): string[] =>
  counted(
    podCredentials(world, cluster)
      .filter(({ namespace }) => namespaces.includes(namespace))
      .map(
        ({ workload, ready, restarts, containers }) =>
          `${workload}: ${ready ? 'ready' : 'not ready'}, ${restarts} restarts, ${containers.map(credentialsText).join(', ') || 'no credentials'}`,
      ),
  );

/** Returns a workload as the API server shows it to the service: its counts, its template, and who manages its fields. */
const workloadFacts = (one: Workload): [string, string | string[]][] => {
  const { desired, ready, updated, total, settled, heldBack, templateAnnotations, containers, managedFields } = one;
  const name = `${one.kind} ${one.namespace}/${one.name}`;
  return [
    [`pods of ${name}`, JSON.stringify({ desired, ready, updated, total, settled, heldBack })],
    [
      `template of ${name}`,
      [
        `annotations ${Object.keys(templateAnnotations).sort().join(' ') || 'none'}`,
        ...containers.map(({ name: container, env }) => `container ${container} ${sortedJson(env)}`),
      ],
    ],
    [
      `managers of ${name}`,
      managedFields
        .flatMap(({ manager, subresource, fields }) =>
          fields.map((field) => `${manager}${subresource === undefined ? '' : ` by ${subresource}`} ${field}`),
        )
        .sort(),
    ],
  ];
};

const associationText = ({ namespace, serviceAccount, roleArn, ownerArn, tags, ...rest }: AssociationState): string =>
  [
    `${namespace}/${serviceAccount} ${roleArn}`,
    ownerArn === undefined ? 'standalone' : `owned by ${ownerArn.split('/').at(-2) ?? ''}`,
    `tags ${JSON.stringify(tags)}`,
    `target role ${rest.targetRoleArn ?? 'none'}`,
    `session tags ${rest.disableSessionTags ? 'disabled' : 'enabled'}`,
    `policy ${rest.policy ?? 'none'}`,
  ].join(', ');

/** Returns the changes at the target that the service's functions made successfully, in order. */
const changeText = ({ step, service, operation, input }: Call): string =>
  `${step ?? ''} ${service}:${operation} ${sortedJson(input).replaceAll(VERSION, '"resourceVersion":"VERSION"')}`;

/**
 * Returns for each workload of the namespaces the fewest pods that were ready at one time since `from` (milliseconds
 * since 1970).
 */
const leastReady = ({ cluster: { kube }, namespaces }: Watched, from: number): string[] => {
  const before = new Map<string, number>();
  const least = new Map<string, number>();
  for (const { at, namespace, kind, workload, ready } of kube.readyHistory) {
    if (!namespaces.includes(namespace)) continue;
    const key = `${kind} ${namespace}/${workload}`;
    if (at <= from) before.set(key, ready);
    else least.set(key, Math.min(least.get(key) ?? before.get(key) ?? ready, ready));
  }
  return [...new Set([...before.keys(), ...least.keys()])]
    .sort()
    .map((key) => `${key} ${least.get(key) ?? before.get(key) ?? 0}`);
};

/** When an act began: the world's time, and the number of its calls. */
export interface Since {
  at: number;
  calls: number;
}

/**
 * Returns what the world has at the end of an act, and what happened in it since. Runs in a thread of the sandbox's
 * clock.
 */
export const worldFacts = async (watched: Watched, since: Since): Promise<Facts> => {
  const { sandbox, cluster, target, namespaces } = watched;
  const normal = normaliser(workloadNames(cluster));
  const changes = sandbox.world.log
    .mutations()
    .filter(({ n, step, status }) => n > since.calls && step !== undefined && status < 300);
  // Before anything is read through the API, which takes time.
  const facts = new Map<string, string | string[]>([
    ['changes', changes.map((call) => normal(changeText(call)))],
    ['least ready pods', leastReady(watched, since.at)],
    ['pods and their credentials', podTexts(watched)],
    [
      'add-ons',
      [...cluster.addons.values()].map(
        ({ name, status, version, serviceAccountRoleArn, associationIds }) =>
          `${name} ${version} ${status}, role ${serviceAccountRoleArn ?? 'none'}, ${associationIds.length} associations`,
      ),
    ],
    [
      'associations',
      [...cluster.associations.values()]
        .filter(({ deletedUntil }) => deletedUntil === undefined)
        .map((one) => normal(associationText(one)))
        .sort(),
    ],
    [
      'trust policies',
      [...sandbox.world.accounts.values()].flatMap(({ roles }) =>
        [...roles.values()]
          .filter(({ arn }) => !OWN_ROLE.test(arn))
          .map(({ arn, trustPolicy }) => `${arn} ${trustPolicy}`),
      ),
    ],
  ]);
  const { kubernetes } = portsOf(sandbox.clients(undefined, target.region), target);
  for (const namespace of namespaces) {
    const workloads = await kubernetes.listWorkloads(namespace);
    for (const [what, value] of workloads.flatMap(workloadFacts)) facts.set(what, value);
    const accounts = await kubernetes.listAttributedServiceAccounts(namespace);
    facts.set(`annotated service accounts of ${namespace}`, accounts.map((one) => normal(sortedJson(one))).sort());
  }
  return facts;
};
