/** What the API server answers, read and made into the domain's objects. */
import { z } from 'zod';
import type { Container, Pod, Workload, WorkloadKind } from '../ports/kubernetes.ts';
import { managedFieldsEntries, toManagedFields } from './managed-fields.ts';

// Only what is read is described: the API adds fields with each version, and Go writes empty lists and maps as null.
export const listOf = <T extends z.ZodType>(item: T) => z.array(item).nullish().transform((items) => items ?? []);
const strings = z.record(z.string(), z.string()).nullish().transform((map) => map ?? {});
const owners = listOf(z.looseObject({ kind: z.string(), name: z.string(), controller: z.boolean().nullish() }));
const container = z.looseObject({
  name: z.string(),
  env: listOf(z.looseObject({ name: z.string(), value: z.string().nullish() })),
  volumeMounts: listOf(z.looseObject({ name: z.string() })),
});
const tokenSource = z.looseObject({ serviceAccountToken: z.looseObject({ audience: z.string().nullish() }).nullish() });
export const pod = z.looseObject({
  metadata: z.looseObject({
    name: z.string(),
    namespace: z.string(),
    uid: z.string(),
    creationTimestamp: z.string(),
    deletionTimestamp: z.string().nullish(),
    labels: strings,
    annotations: strings,
    ownerReferences: owners,
  }),
  spec: z.looseObject({
    serviceAccountName: z.string().nullish(),
    nodeName: z.string().nullish(),
    initContainers: listOf(container),
    containers: listOf(container),
    volumes: listOf(z.looseObject({ name: z.string(), projected: z.looseObject({ sources: listOf(tokenSource) }).nullish() })),
  }),
  status: z.looseObject({ phase: z.string().nullish(), conditions: listOf(z.looseObject({ type: z.string(), status: z.string() })) }).nullish(),
});
/** By which IRSA's webhook knows the role of a service account. Source: EKS User Guide, "Assign IAM roles to Kubernetes service accounts". */
export const IRSA_ANNOTATION = 'eks.amazonaws.com/role-arn';
export const serviceAccount = z.looseObject({ metadata: z.looseObject({ name: z.string(), namespace: z.string(), annotations: strings }) });
export const replicaSet = z.looseObject({ metadata: z.looseObject({ name: z.string(), ownerReferences: owners }) });
export const customResource = z.looseObject({ metadata: z.looseObject({ name: z.string(), namespace: z.string().nullish() }) });
const count = z.number().int().nullish().transform((value) => value ?? 0);
export const workload = z.looseObject({
  metadata: z.looseObject({ name: z.string(), namespace: z.string(), generation: count, labels: strings, managedFields: managedFieldsEntries }),
  spec: z.looseObject({
    replicas: z.number().int().nullish(),
    template: z.looseObject({
      metadata: z.looseObject({ annotations: strings }).nullish(),
      spec: z.looseObject({ serviceAccountName: z.string().nullish() }),
    }),
  }),
  // The counts of a Deployment and those of a DaemonSet; either has its own only.
  status: z
    .looseObject({
      observedGeneration: count,
      replicas: count,
      updatedReplicas: count,
      readyReplicas: count,
      desiredNumberScheduled: count,
      currentNumberScheduled: count,
      updatedNumberScheduled: count,
      numberReady: count,
    })
    .prefault({}),
});
type ApiContainer = z.infer<typeof container>;
const toContainer = ({ name, env, volumeMounts }: ApiContainer, init: boolean): Container => ({
  name,
  init,
  // A value that comes from elsewhere (valueFrom) is not in the pod: the name is there without one.
  env: Object.fromEntries(env.map((variable) => [variable.name, variable.value ?? undefined])),
  mounts: volumeMounts.map((mount) => mount.name),
});

export const controllerOf = (references: z.infer<typeof owners>): { kind: string; name: string } | undefined => {
  const controller = references.find((reference) => reference.controller);
  return controller && { kind: controller.kind, name: controller.name };
};

/** `deployments`: what controls each ReplicaSet of the namespace. */
export const toPod = ({ metadata, spec, status }: z.infer<typeof pod>, deployments: Map<string, { kind: string; name: string }>): Pod => {
  const controller = controllerOf(metadata.ownerReferences);
  const owner = controller?.kind === 'ReplicaSet' ? (deployments.get(controller.name) ?? controller) : controller;
  return {
    namespace: metadata.namespace,
    name: metadata.name,
    uid: metadata.uid,
    createdAt: new Date(metadata.creationTimestamp).toISOString(),
    serviceAccount: spec.serviceAccountName ?? 'default',
    ...(spec.nodeName ? { node: spec.nodeName } : {}),
    labels: metadata.labels,
    annotations: metadata.annotations,
    phase: status?.phase ?? 'Unknown',
    ready: status?.conditions.some((condition) => condition.type === 'Ready' && condition.status === 'True') ?? false,
    terminating: Boolean(metadata.deletionTimestamp),
    ...(owner ? { owner } : {}),
    containers: [...spec.initContainers.map((each) => toContainer(each, true)), ...spec.containers.map((each) => toContainer(each, false))],
    // A token without an audience is for the API server itself; every pod has one, and AWS takes none of them.
    tokens: spec.volumes.flatMap((volume) =>
      (volume.projected?.sources ?? []).flatMap((source) =>
        source.serviceAccountToken?.audience ? [{ volume: volume.name, audience: source.serviceAccountToken.audience }] : [],
      ),
    ),
  };
};

export const toWorkload = (kind: WorkloadKind, { metadata, spec, status }: z.infer<typeof workload>): Workload => {
  const counts =
    kind === 'Deployment'
      ? { desired: spec.replicas ?? 1, total: status.replicas, updated: status.updatedReplicas, ready: status.readyReplicas }
      : { desired: status.desiredNumberScheduled, total: status.currentNumberScheduled, updated: status.updatedNumberScheduled, ready: status.numberReady };
  const { desired, total, updated, ready } = counts;
  return {
    kind,
    namespace: metadata.namespace,
    name: metadata.name,
    serviceAccount: spec.template.spec.serviceAccountName ?? 'default',
    desired,
    ready,
    settled: status.observedGeneration >= metadata.generation && updated === desired && ready === desired && total === desired,
    templateAnnotations: spec.template.metadata?.annotations ?? {},
    labels: metadata.labels,
    managedFields: toManagedFields(metadata.managedFields),
  };
};
