/** Reads the objects by which other software may use the web identity of service accounts (promise 13, ADR 79). */
import { resourceName } from '../../domain/kubernetes/objects.ts';
import { seenIn } from '../../domain/terms/seen.ts';
import type { ConsumerFacts } from '../../domain/consumers/model.ts';
import { type ConsumerResource, CONSUMER_RESOURCES } from '../../domain/access/consumer-resources.ts';
import { dependsOnS3Driver, imagesOfS3Driver, S3_DRIVER_NAMESPACE } from '../../domain/consumers/volumes.ts';
import { partOf } from '../../domain/kubernetes/parts.ts';
import type { ApiGroup, Kubernetes, Pod } from '../../ports/index.ts';
import { seen } from './refused-reads.ts';

type ConsumerPort = Pick<Kubernetes, 'listApiGroups' | 'listObjects' | 'listPods'>;

/** What a read of consumers is about. */
interface Concern {
  /** The pods of the service accounts in question, at least. */
  pods: readonly Pod[];
  /** The old identity is taken away: what no pod mounts now, because its workload has none, matters too. */
  removes: boolean;
}

/** Resources that matter only if a pod mounts one of their objects, unless the old identity is taken away. */
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
function isConcerned(name: string, { pods, removes }: Concern, objects: Objects): boolean {
  const mounts = MOUNTED[name];
  if (mounts) return removes || pods.some(mounts);
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

type Read = { objects: unknown[] } | { error: string };

/**
 * Returns the objects of a resource; undefined if the API server does not serve it: a group may be served without each of
 * its resources. Objects that only a version unknown to this release has are reported. A version that the API server
 * can't convert the objects to is refused; in the version in which they are stored, they may be readable.
 */
async function readObjects(
  kubernetes: ConsumerPort,
  { group, plural, versions, fields }: ConsumerResource,
  { readable, others }: Versions,
): Promise<Read | undefined> {
  const refused: string[] = [];
  for (const version of readable) {
    const found = await seen(() => kubernetes.listObjects({ group, version, plural, fields }));
    if ('error' in found) refused.push(found.error);
    else if (found.seen) return { objects: found.seen.map((one) => partOf(one, fields)) };
  }
  const [error] = refused;
  if (error !== undefined) return { error };
  for (const version of others) {
    const found = await kubernetes.listObjects({ group, version, plural, fields });
    if (found?.length === 0) return { objects: [] };
    if (found)
      return {
        error: `The API server serves ${plural}.${group} in none of the versions that this release can read: ${versions.join(', ')}.`,
      };
  }
  return undefined;
}

/** Returns the images of the driver of the volumes, if its version decides what they need; undefined if that is not known. */
async function readDriver(kubernetes: ConsumerPort, volumes: readonly unknown[]): Promise<string[] | undefined> {
  if (!dependsOnS3Driver(volumes)) return undefined;
  const pods = await seen(() => kubernetes.listPods(S3_DRIVER_NAMESPACE));
  return 'seen' in pods ? imagesOfS3Driver(pods.seen) : undefined;
}

/**
 * Reads what the API server serves of the resources whose objects may be consumers. A resource that can't be read is
 * reported; errors that may be transient are thrown.
 */
export async function readConsumers(kubernetes: ConsumerPort, concern: Concern): Promise<ConsumerFacts> {
  const groups = seenIn(await seen(() => kubernetes.listApiGroups()));
  const objects: Objects = {};
  const unread: { resource: string; error: string }[] = [];
  for (const resource of IN_ORDER) {
    const name = resourceName(resource);
    const versions = isConcerned(name, concern, objects) ? versionsOf(resource, groups) : undefined;
    if (versions === undefined) continue;
    const answer = await seen(() => readObjects(kubernetes, resource, versions));
    const read = 'seen' in answer ? answer.seen : answer;
    if (read && 'error' in read) unread.push({ resource: name, error: read.error });
    else if (read) objects[name] = read.objects;
  }
  const driverImages = await readDriver(kubernetes, objects['persistentvolumes'] ?? []);
  return { objects, unread, ...(driverImages ? { driverImages } : {}) };
}
