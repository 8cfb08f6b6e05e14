/** PATCH and DELETE. */
import { isDeepStrictEqual } from 'node:util';
import { z } from 'zod';
import type { HttpRequest, HttpResponse } from '../http.ts';
import type { ClusterState, World } from '../world/world.ts';
import { badRequest, conflict, invalid, json, Refusal, unsupportedMediaType } from './answers.ts';
import { deletePod, replaceObject } from './controllers.ts';
import { queryOf } from './lists.ts';
import type { KubeObject } from './objects.ts';
import { mergePatch, strategicMergePatch } from './patch.ts';
import type { KindInfo } from './store.ts';

const PATCHES = { 'application/merge-patch+json': mergePatch, 'application/strategic-merge-patch+json': strategicMergePatch };

const strings = z.record(z.string(), z.string());
const metadata = z.looseObject({ name: z.string(), labels: strings.optional(), annotations: strings.optional() });
const container = z.looseObject({
  name: z.string().min(1),
  image: z.string().min(1),
  env: z.array(z.looseObject({ name: z.string().min(1), value: z.string().optional() })).optional(),
  volumeMounts: z.array(z.looseObject({ name: z.string(), mountPath: z.string() })).optional(),
});
const intOrPercent = z.union([z.number().int().min(0), z.string().regex(/^\d+%$/, 'must be a count or a percentage such as 25%')]);
const strategy = z.looseObject({ type: z.string(), rollingUpdate: z.looseObject({ maxSurge: intOrPercent.optional(), maxUnavailable: intOrPercent.optional() }).optional() });
/** As much of a Deployment or DaemonSet as the controllers rely on. */
const workload = z.looseObject({
  metadata,
  spec: z.looseObject({
    replicas: z.number().int().min(0).optional(),
    selector: z.looseObject({ matchLabels: strings }),
    strategy: strategy.optional(),
    updateStrategy: strategy.optional(),
    template: z.looseObject({
      metadata: z.looseObject({ labels: strings.optional(), annotations: strings.optional() }),
      spec: z.looseObject({
        serviceAccountName: z.string().optional(),
        containers: z.array(container).min(1),
        initContainers: z.array(container).optional(),
        volumes: z.array(z.looseObject({ name: z.string() })).optional(),
      }),
    }),
  }),
});

const parseObject = (body: Uint8Array): Record<string, unknown> => {
  let parsed: unknown;
  try {
    parsed = JSON.parse(Buffer.from(body).toString('utf8'));
  } catch (error) {
    throw badRequest(`error decoding patch: ${error instanceof Error ? error.message : String(error)}`);
  }
  const object = z.record(z.string(), z.unknown()).safeParse(parsed);
  if (!object.success) throw badRequest('error decoding patch: the body is not a JSON object');
  return object.data;
};

/** The patched object, or the refusal that the API server would give. */
const validate = (info: KindInfo, before: KubeObject, patched: Record<string, unknown>): KubeObject => {
  const { name } = before.metadata;
  const isWorkload = info.kind === 'Deployment' || info.kind === 'DaemonSet';
  const checked = (isWorkload ? workload : z.looseObject({ metadata })).safeParse(patched);
  if (!checked.success) {
    const [issue] = checked.error.issues;
    throw invalid(info, name, issue?.path.join('.') ?? '', `Invalid value: ${issue?.message ?? 'not valid'}`);
  }
  const after = patched as KubeObject;
  if (after.metadata.name !== name) throw badRequest(`the name of the object (${after.metadata.name}) does not match the name on the URL (${name})`);
  if (after.metadata.resourceVersion !== before.metadata.resourceVersion) throw conflict(info, name);
  if (isWorkload) {
    const { selector, template } = (patched as z.infer<typeof workload>).spec;
    if (!isDeepStrictEqual(selector, before.spec?.['selector'])) throw invalid(info, name, 'spec.selector', `Invalid value: ${JSON.stringify(selector)}: field is immutable`);
    const labels = template.metadata.labels ?? {};
    if (!Object.entries(selector.matchLabels).every(([label, value]) => labels[label] === value)) {
      throw invalid(info, name, 'spec.template.metadata.labels', `Invalid value: ${JSON.stringify(labels)}: \`selector\` does not match template \`labels\``);
    }
    // The API's default.
    if (info.kind === 'Deployment' && after.spec) after.spec = { ...after.spec, replicas: after.spec['replicas'] ?? 1 };
  }
  return after;
};

/** Of a service account, labels and annotations are kept; of a workload, the spec too. */
export const patchObject = (
  world: World,
  cluster: ClusterState,
  info: KindInfo,
  object: KubeObject,
  request: HttpRequest,
  describe: (body: unknown) => void,
): HttpResponse => {
  const type = (request.headers['content-type'] ?? '').split(';')[0]?.trim() ?? '';
  const apply = Object.entries(PATCHES).find(([name]) => name === type)?.[1];
  if (!apply) throw unsupportedMediaType(Object.keys(PATCHES));
  const patch = parseObject(request.body);
  describe(patch);
  const after = validate(info, object, apply(object, patch));
  if (queryOf(request)('dryRun') === 'All') return json(200, { ...object, metadata: after.metadata, ...(after.spec ? { spec: after.spec } : {}) });
  replaceObject(world, cluster, object, after);
  return json(200, object);
};

const deleteOptions = z.looseObject({
  gracePeriodSeconds: z.number().int().min(0).nullish(),
  dryRun: z.array(z.string()).nullish(),
  preconditions: z.looseObject({ uid: z.string().nullish() }).nullish(),
});

/** DELETE of a pod; answers the pod as it is on its way out. */
export const deleteObject = (world: World, cluster: ClusterState, info: KindInfo, object: KubeObject, request: HttpRequest, describe: (body: unknown) => void): HttpResponse => {
  const options = deleteOptions.safeParse(request.body.length === 0 ? {} : parseObject(request.body));
  if (!options.success) throw badRequest(`invalid DeleteOptions: ${options.error.issues[0]?.message ?? 'not valid'}`);
  const query = queryOf(request);
  describe(options.data);
  const { namespace = '', name, uid } = object.metadata;
  const wanted = options.data.preconditions?.uid;
  if (wanted && wanted !== uid) throw new Refusal(409, 'Conflict', `Precondition failed: UID in precondition: ${wanted}, UID in object meta: ${uid}`, { name, kind: info.plural });
  const grace = query('gracePeriodSeconds') ?? options.data.gracePeriodSeconds ?? undefined;
  if (query('dryRun') !== 'All' && !options.data.dryRun?.includes('All')) {
    deletePod(world, cluster, { namespace, name }, grace === undefined ? undefined : Number(grace));
  }
  return json(200, object);
};
