/** Reads the objects by which other software may use the web identity of service accounts (promise 13, ADR 79). */
import type { ConsumerFacts, ConsumerResource } from '../../domain/consumers/model.ts';
import { CONSUMER_RESOURCES, resourceName } from '../../domain/consumers/resources.ts';
import { isMigrationError } from '../../domain/failures/errors.ts';
import type { ApiGroup, Kubernetes, Pod } from '../../ports/index.ts';
import { refusal, seen } from './refused-reads.ts';

type ConsumerPort = Pick<Kubernetes, 'listApiGroups' | 'listObjects'>;

/** Resources that matter only if a pod mounts one of their objects. */
const MOUNTED: Readonly<Record<string, (pod: Pod) => boolean>> = {
  persistentvolumes: ({ claims = [] }) => claims.length > 0,
  'secretproviderclasses.secrets-store.csi.x-k8s.io': ({ secretClasses = [] }) => secretClasses.length > 0,
};

const CLUSTER_STORES = ['clustersecretstores.external-secrets.io', 'clustergenerators.generators.external-secrets.io'];
const TRIGGERS = ['triggerauthentications.keda.sh', 'clustertriggerauthentications.keda.sh'];
/** Resources whose objects only show who uses the objects of other resources; there may be thousands of them. */
const USERS: Readonly<Record<string, readonly string[]>> = {
  'externalsecrets.external-secrets.io': CLUSTER_STORES,
  'pushsecrets.external-secrets.io': CLUSTER_STORES,
  'scaledobjects.keda.sh': TRIGGERS,
  'scaledjobs.keda.sh': TRIGGERS,
};

type Objects = Record<string, readonly unknown[]>;

/** Returns whether objects of the resource can be part of a consumer, as far as it is known from the others. */
function isConcerned(name: string, pods: readonly Pod[], objects: Objects): boolean {
  const mounts = MOUNTED[name];
  if (mounts) return pods.some(mounts);
  const used = USERS[name];
  return used === undefined || used.some((one) => (objects[one] ?? []).length > 0);
}

/** Those that show who uses the others come last. */
const IN_ORDER = CONSUMER_RESOURCES.toSorted(
  (a, b) => Number(resourceName(a) in USERS) - Number(resourceName(b) in USERS),
);

/** `readable`: versions in which the resource can be read; `others`: further versions of its group. */
interface Versions {
  readable: readonly string[];
  others: readonly string[];
}

/** Returns the versions to try; undefined if the API server does not serve the group. Without `groups`, all that are known. */
function versionsOf(
  { group, versions }: ConsumerResource,
  groups: readonly ApiGroup[] | undefined,
): Versions | undefined {
  if (group === '' || groups === undefined) return { readable: versions, others: [] };
  const served = groups.find(({ name }) => name === group);
  return (
    served && {
      readable: versions.filter((version) => served.versions.includes(version)),
      others: served.versions.filter((version) => !versions.includes(version)),
    }
  );
}

/** The parts of an object by which consumers are found: thousands of objects fit into memory. */
function partOf(object: unknown): unknown {
  if (typeof object !== 'object' || object === null) return object;
  const { kind, metadata, spec } = object as Record<string, unknown>;
  const { namespace, name, labels } = (typeof metadata === 'object' && metadata !== null ? metadata : {}) as Record<
    string,
    unknown
  >;
  return { kind, metadata: { namespace, name, labels }, spec };
}

/**
 * Returns why the objects can't be read, if a retry would not help. An API server that can't reach the conversion webhook
 * of a custom resource, whose software may be gone, answers 500 each time.
 */
const whyUnread = (error: unknown): string | undefined =>
  refusal(error) ??
  (isMigrationError(error, 'ServiceUnavailable') && error.message.includes('conversion webhook for ')
    ? error.message
    : undefined);

type Read = { objects: unknown[] } | { error: string };

/**
 * Returns the objects of a resource; undefined if the API server does not serve it: a group may be served without each of
 * its resources. Objects that only a version unknown to this release has are reported.
 */
async function readObjects(
  kubernetes: ConsumerPort,
  { group, plural, versions }: ConsumerResource,
  { readable, others }: Versions,
): Promise<Read | undefined> {
  for (const version of readable) {
    const found = await kubernetes.listObjects({ group, version, plural });
    if (found) return { objects: found.map(partOf) };
  }
  for (const version of others) {
    const found = await kubernetes.listObjects({ group, version, plural });
    if (found?.length === 0) return { objects: [] };
    if (found)
      return {
        error: `The API server serves ${plural}.${group} in none of the versions that this release can read: ${versions.join(', ')}.`,
      };
  }
  return undefined;
}

/**
 * Reads what the API server serves of the resources whose objects may be consumers. `pods`: the pods of the service accounts
 * in question, at least. A resource that can't be read is reported; errors that may be transient are thrown.
 */
export async function readConsumers(kubernetes: ConsumerPort, pods: readonly Pod[]): Promise<ConsumerFacts> {
  const discovered = await seen(() => kubernetes.listApiGroups());
  const groups = 'seen' in discovered ? discovered.seen : undefined;
  const objects: Objects = {};
  const unread: { resource: string; error: string }[] = [];
  for (const resource of IN_ORDER) {
    const name = resourceName(resource);
    const versions = isConcerned(name, pods, objects) ? versionsOf(resource, groups) : undefined;
    if (versions === undefined) continue;
    try {
      const read = await readObjects(kubernetes, resource, versions);
      if (read && 'error' in read) unread.push({ resource: name, error: read.error });
      else if (read) objects[name] = read.objects;
    } catch (error) {
      const why = whyUnread(error);
      if (why === undefined) throw error;
      unread.push({ resource: name, error: why });
    }
  }
  return { objects, unread };
}
