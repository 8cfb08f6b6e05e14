/** DELETE: deletes an object (k8s.io/apiserver, handlers/delete.go and registry/rest/delete.go). */
import { renewSessions } from '../credentials/sessions.ts';
import type { HttpRequest, HttpResponse } from '../http.ts';
import { cutsOff } from '../network/egress.ts';
import type { ClusterState } from '../world/world.ts';
import { badRequest, json, Refusal, success, unsupportedMediaType } from './answers.ts';
import { contentType, JSON_TYPE, readObjectBody } from './bodies.ts';
import { deletePod } from './controllers.ts';
import { deleteWorkload, type Propagation } from './garbage.ts';
import { asReturned } from './managed-fields.ts';
import type { KubeObject, Workload } from '../objects/objects.ts';
import { dryRunErrors, invalidOptions, valuesOf } from './options.ts';
import { PROTOBUF } from './protobuf.ts';
import { queryOf } from './query.ts';
import { isSince } from './resources/served.ts';
import { isBuiltIn, isWorkloadKind, removeResource, timestamp, type ResourceInfo } from '../objects/store.ts';
import { invalid, notSupported } from './validation/field-errors.ts';
import type { Write } from './write.ts';

export interface DeleteOptions {
  gracePeriodSeconds?: number;
  propagationPolicy?: string;
  orphanDependents?: boolean;
  dryRun?: string[];
  preconditions?: { uid?: string; resourceVersion?: string };
}

const POLICIES = ['Foreground', 'Background', 'Orphan'];

/** Reads the options that a deletion has in its query; a body takes their place. */
const optionsOfQuery = (request: HttpRequest): DeleteOptions => {
  const query = queryOf(request);
  const grace = query('gracePeriodSeconds');
  if (grace !== undefined && !/^[+-]?\d+$/.test(grace))
    throw badRequest(`strconv.ParseInt: parsing ${JSON.stringify(grace)}: invalid syntax`);
  const policy = query('propagationPolicy');
  const orphans = query('orphanDependents');
  const dryRun = valuesOf(request, 'dryRun');
  return {
    ...(grace === undefined ? {} : { gracePeriodSeconds: Number(grace) }),
    ...(policy === undefined ? {} : { propagationPolicy: policy }),
    ...(orphans === undefined ? {} : { orphanDependents: orphans === 'true' || orphans === '1' }),
    ...(dryRun.length === 0 ? {} : { dryRun }),
  };
};

/** Until 1.34, the API server answers a body that it cannot decode as an error of its own. */
const optionsOfBody = (request: HttpRequest, version: string): DeleteOptions => {
  const type = contentType(request) || JSON_TYPE;
  if (![JSON_TYPE, 'application/yaml', PROTOBUF].includes(type))
    throw unsupportedMediaType([JSON_TYPE, 'application/yaml', PROTOBUF]);
  try {
    const expected = { kind: 'DeleteOptions', apiVersion: 'meta.k8s.io/v1', others: DELETE_OPTIONS_VERSIONS };
    return readObjectBody(request, expected, 'Ignore').object;
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    const why = /^DeleteOptions in version ".*?" cannot be handled as a DeleteOptions: (?<why>.*)$/s.exec(
      error.message,
    );
    const unread = /^the object provided is unrecognized \(must be of type DeleteOptions\): (?<why>.*) \(.*?\)$/s.exec(
      error.message,
    );
    const message = (why ?? unread)?.groups?.['why'] ?? error.message;
    throw isSince(version, '1.35') ? badRequest(message) : new Refusal(500, '', message);
  }
};
/** Every group version has the kind. */
const DELETE_OPTIONS_VERSIONS = [
  'v1',
  'apps/v1',
  'policy/v1',
  'policy/v1beta1',
  'rbac.authorization.k8s.io/v1',
  'networking.k8s.io/v1',
  'batch/v1',
  'admissionregistration.k8s.io/v1',
];

/** Returns the options of a deletion. Throws a refusal if they are not valid. */
const readDeleteOptions = ({ version }: ClusterState, request: HttpRequest): DeleteOptions => {
  const options = request.body.length > 0 ? optionsOfBody(request, version) : optionsOfQuery(request);
  checkDeleteOptions(options, version);
  return options;
};

/** Throws the 422 if options of a deletion are not valid. */
export const checkDeleteOptions = (options: DeleteOptions, version: string): void => {
  const { propagationPolicy, orphanDependents, dryRun = [] } = options;
  const errors = [
    ...(orphanDependents !== undefined && propagationPolicy !== undefined
      ? [invalid('propagationPolicy', propagationPolicy, 'orphanDependents and deletionPropagation cannot be both set')]
      : []),
    ...(propagationPolicy === undefined || POLICIES.includes(propagationPolicy)
      ? []
      : [notSupported('propagationPolicy', propagationPolicy, [...POLICIES, 'nil'])]),
    ...dryRunErrors(dryRun),
  ];
  if (errors.length > 0) throw invalidOptions('DeleteOptions', errors, version);
};

/** Throws the 409 if an object is not the one that the client wants to delete. */
export const checkPreconditions = (
  info: ResourceInfo,
  { metadata }: KubeObject,
  { preconditions }: DeleteOptions,
): void => {
  const { name, uid, resourceVersion } = metadata;
  const refuse = (what: string, wanted: string, found: string, how: string): never => {
    const kind = info.group === '' ? info.kind : `${info.kind}.${info.group}`;
    throw new Refusal(
      409,
      'Conflict',
      `Operation cannot be fulfilled on ${kind} "${name}": the ${what} in the precondition (${wanted}) does not match the ${what} in record (${found}). The object might have been ${how}`,
      { name, ...(info.group === '' ? {} : { group: info.group }), kind: info.kind },
    );
  };
  if (preconditions?.uid !== undefined && preconditions.uid !== uid)
    refuse('UID', preconditions.uid, uid, 'deleted and then recreated');
  if (preconditions?.resourceVersion !== undefined && preconditions.resourceVersion !== resourceVersion)
    refuse('ResourceVersion', preconditions.resourceVersion, resourceVersion, 'modified');
};

/** Kinds whose deletion answers with the object; the others answer with a Status. */
const RETURNED = new Set([
  'Pod',
  'ServiceAccount',
  'Namespace',
  'PersistentVolume',
  'PersistentVolumeClaim',
  'Service',
  'ResourceQuota',
  'PodTemplate',
]);

const DEFAULT_GRACE_SECONDS = 30;

/** Returns for how many seconds a pod may go on: none if it is not on a node (CheckGracefulDelete). */
const graceOf = ({ spec }: KubeObject, { gracePeriodSeconds }: DeleteOptions): number => {
  if (!spec?.['nodeName']) return 0;
  const own = spec['terminationGracePeriodSeconds'];
  const seconds = gracePeriodSeconds ?? (typeof own === 'number' ? own : DEFAULT_GRACE_SECONDS);
  return seconds < 0 ? 1 : seconds;
};

/** Returns a pod as its deletion leaves it. A pod that is being deleted can only be ended earlier. */
const ending = (pod: KubeObject, grace: number, now: number): KubeObject => {
  const { deletionTimestamp, deletionGracePeriodSeconds = 0, generation } = pod.metadata;
  if (deletionTimestamp !== undefined && grace >= deletionGracePeriodSeconds) return pod;
  const started =
    deletionTimestamp === undefined ? now : Date.parse(deletionTimestamp) - deletionGracePeriodSeconds * 1000;
  return {
    ...pod,
    metadata: {
      ...pod.metadata,
      ...(generation === undefined || deletionTimestamp !== undefined ? {} : { generation: generation + 1 }),
      deletionTimestamp: timestamp(Math.max(now, started + grace * 1000)),
      deletionGracePeriodSeconds: grace,
    },
  };
};

/** Deletes a pod, or prepares the answer of a dry run, and returns the pod as the answer shows it. */
export const endPod = (
  { world, cluster }: Pick<Write, 'world' | 'cluster'>,
  pod: KubeObject,
  options: DeleteOptions,
): KubeObject => {
  const grace = graceOf(pod, options);
  const { namespace = '', name } = pod.metadata;
  const isEnding = pod.metadata.deletionTimestamp !== undefined && options.gracePeriodSeconds === undefined;
  if (options.dryRun !== undefined || grace === 0) {
    const answer = asReturned(cluster, pod);
    const ended = isEnding ? answer : ending(answer, grace, world.schedule.now());
    if (options.dryRun === undefined) deletePod(world, cluster, { namespace, name }, grace);
    return ended;
  }
  if (!isEnding) deletePod(world, cluster, { namespace, name }, grace);
  return asReturned(cluster, pod);
};

/** Deletes an object and answers with it or with a Status, as its kind does. */
export const deleteObject = (write: Write<ResourceInfo>, object: KubeObject): HttpResponse => {
  const { world, cluster, info, request, describe } = write;
  const options = readDeleteOptions(cluster, request);
  describe(options);
  checkPreconditions(info, object, options);
  if (cutsOff(info) && options.dryRun === undefined) renewSessions(world, cluster);
  if (info.kind === 'Pod') return json(200, endPod(write, object, options));
  const { name, uid } = object.metadata;
  const returned = isBuiltIn(info) && RETURNED.has(info.kind) ? asReturned(cluster, object) : undefined;
  if (isWorkloadKind(info.kind)) {
    const propagation = options.orphanDependents === true ? 'Orphan' : options.propagationPolicy;
    const plane = { world, cluster };
    if (options.dryRun === undefined) {
      const stays = deleteWorkload(plane, object as Workload, propagation as Propagation | undefined);
      if (stays) return json(200, asReturned(cluster, stays));
    }
  } else if (options.dryRun === undefined) removeResource(cluster.kube, info, object);
  if (returned) return json(200, returned);
  return success(200, { name, ...(info.group === '' ? {} : { group: info.group }), kind: info.plural, uid });
};
