/**
 * The subresource `scale`, by which `kubectl scale` and autoscalers change the replicas of a workload
 * (k8s.io/kubernetes, registry/apps, ScaleREST). For a HorizontalPodAutoscaler, the manager is kube-controller-manager.
 */
import { z } from 'zod';
import type { HttpResponse } from '../http.ts';
import { badRequest, conflict, invalid, json, Refusal } from './answers.ts';
import { workloadChanged } from './controllers.ts';
import type { Deployment, Kind, KubeObject, ReplicaSet, StatefulSet } from '../objects/objects.ts';
import { timestamp, workloadOf, type KindInfo, type ResourceInfo } from '../objects/store.ts';
import { isForced, readConfiguration } from './apply.ts';
import { readObjectBody } from './bodies.ts';
import { writeChange } from './changes.ts';
import { afterApply } from './field-managers.ts';
import type { Owners } from '../objects/managed-fields-entry.ts';
import { asReturned, clientsOf, entriesOf } from './managed-fields.ts';
import { readWriteOptions } from './options.ts';
import { checkPatchType, isApply, readPatched } from './patch-bodies.ts';
import type { Write } from './write.ts';

type Scaled = Deployment | ReplicaSet | StatefulSet;

const SCALED_KINDS: Partial<Record<Kind, true>> = { Deployment: true, ReplicaSet: true, StatefulSet: true };
const API_VERSION = 'autoscaling/v1';
const KIND = 'Scale';
/** Names the resource in errors: `Scale.autoscaling "web" is invalid`. */
const SCALE: Pick<KindInfo, 'plural' | 'group'> & { kind: string } = {
  kind: KIND,
  plural: 'scales',
  group: 'autoscaling',
};

const scaleSchema = z.looseObject({
  metadata: z
    .looseObject({
      name: z.string().nullish(),
      namespace: z.string().nullish(),
      uid: z.string().nullish(),
      resourceVersion: z.string().nullish(),
    })
    .nullish(),
  spec: z.looseObject({ replicas: z.number().int().nullish() }).nullish(),
});
type Scale = z.output<typeof scaleSchema>;

/** Returns whether objects of a kind have the subresource. */
export const hasScale = ({ kind, group }: ResourceInfo): boolean => group === 'apps' && kind in SCALED_KINDS;

/** Narrows an object: only kinds with replicas have the subresource. */
const asScaled = (object: KubeObject): Scaled => object as Scaled;

const selectorText = ({ spec }: Scaled): string =>
  Object.entries(spec.selector.matchLabels)
    .map(([label, value]) => `${label}=${value}`)
    .sort()
    .join(',');

/** Returns the Scale of an object. Zero replicas are omitted, as Go omits zero values. */
const scaleOf = (object: Scaled): Record<string, unknown> => {
  const { name, namespace, uid, resourceVersion, creationTimestamp } = object.metadata;
  const { replicas } = object.spec;
  return {
    kind: KIND,
    apiVersion: API_VERSION,
    metadata: { name, namespace, uid, resourceVersion, creationTimestamp },
    spec: replicas === 0 ? {} : { replicas },
    status: { replicas: object.status?.['replicas'] ?? 0, selector: selectorText(object) },
  };
};

const readScale = (document: Record<string, unknown>): Scale => {
  const { apiVersion = API_VERSION, kind = KIND } = document;
  if (apiVersion !== API_VERSION)
    throw badRequest(
      `the API version in the data (${String(apiVersion)}) does not match the expected API version (${API_VERSION})`,
    );
  if (kind !== KIND)
    throw badRequest(`the kind in the data (${String(kind)}) does not match the expected kind (${KIND})`);
  const parsed = scaleSchema.safeParse(document);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  throw badRequest(
    `Scale in version "v1" cannot be handled as a Scale: ${issue?.path.join('.') ?? ''}: ${issue?.message ?? ''}`,
  );
};

/** Checks the preconditions of a write and the value of `spec.replicas`. */
const checkScale = (info: ResourceInfo, object: Scaled, { metadata, spec }: Scale): void => {
  const { name, namespace, uid, resourceVersion } = object.metadata;
  if (!metadata?.name)
    throw badRequest(`the name of the object (${name} based on URL) was undeterminable: name must be provided`);
  if (metadata.name !== name)
    throw badRequest(`the name of the object (${metadata.name}) does not match the name on the URL (${name})`);
  if (metadata.namespace && metadata.namespace !== namespace)
    throw badRequest('the namespace of the provided object does not match the namespace sent on the request');
  if (metadata.uid && metadata.uid !== uid)
    throw new Refusal(
      409,
      'Conflict',
      `Operation cannot be fulfilled on ${info.plural}/scale.${info.group} "${name}": Precondition failed: UID in precondition: ${metadata.uid}, UID in object meta: ${uid}`,
      { name, group: info.group, kind: `${info.plural}/scale` },
    );
  const replicas = spec?.replicas ?? 0;
  if (replicas < 0)
    throw invalid(SCALE, name, 'spec.replicas', `Invalid value: ${replicas}: must be greater than or equal to 0`);
  if (metadata.resourceVersion && metadata.resourceVersion !== resourceVersion) throw conflict(info, name);
};

/** Writes the replicas that a client has asked for, and answers with the Scale. */
const setReplicas = (
  { world, cluster, info }: Pick<Write, 'world' | 'cluster' | 'info'>,
  object: Scaled,
  replicas: number,
  manager: string,
  applied?: Owners,
): void => {
  const spec = { ...object.spec, replicas };
  writeChange({ world, cluster, info }, object, { ...object, spec }, { manager, subresource: 'scale' }, applied);
  // A Deployment resets the replicas of its ReplicaSets.
  const owner = object.kind === 'ReplicaSet' ? workloadOf(cluster.kube, object) : undefined;
  if (owner) workloadChanged(world, cluster, owner);
};

/** Answers a server-side apply of a Scale: the manager owns the replicas of the object itself. */
const applyScale = (write: Write, object: Scaled): HttpResponse => {
  const { world, cluster, info, request, describe } = write;
  const options = readWriteOptions(cluster, request, 'PatchOptions', true);
  const { configuration, headers } = readConfiguration(request, options);
  describe(configuration);
  const scale = readScale(configuration);
  checkScale(info, object, { ...scale, metadata: { name: object.metadata.name, ...scale.metadata } });
  const before = asReturned(cluster, object);
  const replicas = scale.spec?.replicas ?? undefined;
  const { object: after, entries } = afterApply<object>(
    entriesOf(cluster, object),
    { apiVersion: object.apiVersion, before, zero: {} },
    replicas === undefined ? {} : { spec: { replicas } },
    { manager: options.manager, subresource: 'scale', force: isForced(request) },
    timestamp(world.schedule.now()),
  );
  const applied = (after as Scaled).spec.replicas ?? 0;
  if (options.dryRun)
    return json(200, scaleOf({ ...object, spec: { ...object.spec, replicas: applied } } as Scaled), headers);
  setReplicas(write, object, applied, options.manager, clientsOf(cluster, object, before, entries));
  return json(200, scaleOf(object), headers);
};

/** Answers a call to the subresource `scale` of an object. */
export const answerScale = (write: Write, found: KubeObject): HttpResponse => {
  const { cluster, info, request, describe } = write;
  const object = asScaled(found);
  if (request.method === 'GET') return json(200, scaleOf(object));
  const before = scaleOf(object);
  const isPatch = request.method === 'PATCH';
  if (isPatch) checkPatchType(request);
  if (isPatch && isApply(request)) return applyScale(write, object);
  const { dryRun, manager, fieldValidation } = readWriteOptions(
    cluster,
    request,
    isPatch ? 'PatchOptions' : 'UpdateOptions',
  );
  const expected = { kind: KIND, apiVersion: API_VERSION };
  const { object: document, headers } = isPatch
    ? readPatched(request, before, expected, cluster, fieldValidation, describe)
    : readObjectBody(request, expected, fieldValidation);
  if (!isPatch) describe(document);
  const scale = readScale(document);
  checkScale(info, object, scale);
  const spec = { ...object.spec, replicas: scale.spec?.replicas ?? 0 };
  if (dryRun) return json(200, scaleOf({ ...object, spec } as Scaled), headers);
  setReplicas(write, object, spec.replicas, manager);
  return json(200, scaleOf(object), headers);
};
