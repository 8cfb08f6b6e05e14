/**
 * What the API server answers, read and made into the domain's objects. All text is made printable here, but for what a
 * rollback restores.
 */
import { z } from 'zod';
import { shownText } from '../domain/text.ts';
import type { Compute, Container, MutatingWebhook, Node, Pod, Workload, WorkloadKind } from '../ports/kubernetes.ts';
import { managedFieldsEntries, toManagedFields } from './managed-fields.ts';

// Only what is read is described: the API adds fields with each version, and Go writes empty lists and maps as null.
export const listOf = <T extends z.ZodType>(item: T) =>
  z
    .array(item)
    .nullish()
    .transform((items) => items ?? []);
const mapOf = <T extends z.ZodType<string>>(value: T) =>
  z
    .record(shownText, value)
    .nullish()
    .transform((map) => map ?? {});
const strings = mapOf(shownText);
/** A rollback restores the IRSA annotation byte for byte. */
const accountAnnotations = mapOf(z.string());
const conditions = listOf(z.looseObject({ type: shownText, status: shownText }));
const owners = listOf(z.looseObject({ kind: shownText, name: shownText, controller: z.boolean().nullish() }));
const optional = z.looseObject({ optional: z.boolean().nullish() }).nullish();
const valueFrom = z.looseObject({ secretKeyRef: optional, configMapKeyRef: optional }).nullish();
const named = z.looseObject({ name: shownText.nullish() }).nullish();
const container = z.looseObject({
  name: shownText,
  image: shownText.nullish(),
  env: listOf(z.looseObject({ name: shownText, value: shownText.nullish(), valueFrom })),
  envFrom: listOf(z.looseObject({ secretRef: named, configMapRef: named })),
  volumeMounts: listOf(z.looseObject({ name: shownText })),
});
const tokenSource = z.looseObject({ serviceAccountToken: z.looseObject({ audience: shownText.nullish() }).nullish() });
export const pod = z.looseObject({
  metadata: z.looseObject({
    name: shownText,
    namespace: shownText,
    uid: shownText,
    creationTimestamp: shownText,
    deletionTimestamp: shownText.nullish(),
    labels: strings,
    annotations: strings,
    ownerReferences: owners,
  }),
  spec: z.looseObject({
    serviceAccountName: shownText.nullish(),
    nodeName: shownText.nullish(),
    hostNetwork: z.boolean().nullish(),
    initContainers: listOf(container),
    containers: listOf(container),
    volumes: listOf(
      z.looseObject({ name: shownText, projected: z.looseObject({ sources: listOf(tokenSource) }).nullish() }),
    ),
  }),
  status: z.looseObject({ phase: shownText.nullish(), conditions }).nullish(),
});
export const node = z.looseObject({
  metadata: z.looseObject({ name: shownText, labels: strings }),
  status: z.looseObject({ conditions }).nullish(),
});
export const mutatingWebhookConfiguration = z.looseObject({
  metadata: z.looseObject({ name: shownText }),
  webhooks: listOf(
    z.looseObject({
      name: shownText,
      failurePolicy: z.enum(['Fail', 'Ignore']).nullish(),
      admissionReviewVersions: listOf(shownText),
    }),
  ),
});
const accountMetadata = z.looseObject({ name: shownText, namespace: shownText, annotations: accountAnnotations });
export const serviceAccount = z.looseObject({ metadata: accountMetadata });
export const serviceAccountDetail = z.looseObject({
  metadata: accountMetadata.extend({
    uid: shownText,
    resourceVersion: shownText,
    labels: strings,
    managedFields: managedFieldsEntries,
  }),
});
export const replicaSet = z.looseObject({ metadata: z.looseObject({ name: shownText, ownerReferences: owners }) });
export const customResource = z.looseObject({
  metadata: z.looseObject({ name: shownText, namespace: shownText.nullish() }),
});
const count = z
  .number()
  .int()
  .nullish()
  .transform((value) => value ?? 0);
export const workload = z.looseObject({
  metadata: z.looseObject({
    name: shownText,
    namespace: shownText,
    generation: count,
    labels: strings,
    managedFields: managedFieldsEntries,
  }),
  spec: z.looseObject({
    replicas: z.number().int().nullish(),
    paused: z.boolean().nullish(),
    strategy: z.looseObject({ type: shownText.nullish() }).nullish(),
    updateStrategy: z
      .looseObject({ type: shownText.nullish(), rollingUpdate: z.looseObject({ partition: count }).nullish() })
      .nullish(),
    template: z.looseObject({
      metadata: z.looseObject({ annotations: strings }).nullish(),
      spec: z.looseObject({
        serviceAccountName: shownText.nullish(),
        initContainers: listOf(container),
        containers: listOf(container),
      }),
    }),
  }),
  // The counts of a Deployment or StatefulSet and those of a DaemonSet; each has its own only.
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
type ApiVariable = ApiContainer['env'][number];
const mayBeMissing = ({ valueFrom: source }: ApiVariable): boolean =>
  source?.secretKeyRef?.optional === true || source?.configMapKeyRef?.optional === true;

const toContainer = ({ name, image, env, envFrom, volumeMounts }: ApiContainer, init: boolean): Container => {
  const optionalEnv = env.filter(mayBeMissing).map((variable) => variable.name);
  const sources = envFrom.flatMap(({ secretRef, configMapRef }) => [
    ...(secretRef?.name ? [`Secret/${secretRef.name}`] : []),
    ...(configMapRef?.name ? [`ConfigMap/${configMapRef.name}`] : []),
  ]);
  return {
    name,
    image: image ?? '',
    init,
    // A value that comes from elsewhere (valueFrom) is not in the pod: the name is there without one.
    env: Object.fromEntries(env.map((variable) => [variable.name, variable.value ?? undefined])),
    ...(optionalEnv.length > 0 ? { optionalEnv } : {}),
    ...(sources.length > 0 ? { envFrom: sources } : {}),
    mounts: volumeMounts.map((mount) => mount.name),
  };
};
const toContainers = (spec: { initContainers: ApiContainer[]; containers: ApiContainer[] }): Container[] => [
  ...spec.initContainers.map((each) => toContainer(each, true)),
  ...spec.containers.map((each) => toContainer(each, false)),
];

const isReady = (all: z.infer<typeof conditions> | undefined): boolean =>
  all?.some((condition) => condition.type === 'Ready' && condition.status === 'True') ?? false;

export const controllerOf = (references: z.infer<typeof owners>): { kind: string; name: string } | undefined => {
  const controller = references.find((reference) => reference.controller);
  return controller && { kind: controller.kind, name: controller.name };
};

interface Owner {
  kind: string;
  name: string;
}

/**
 * The Deployment of a pod, of its own labels: a Deployment names its ReplicaSets after itself and the hash of the
 * template, and puts that hash into a label of their pods. Source: Kubernetes documentation, "Deployments",
 * "Pod-template-hash label".
 */
const byTemplateHash = (controller: Owner, labels: Record<string, string>): Owner | undefined => {
  const suffix = `-${labels['pod-template-hash'] ?? ''}`;
  return suffix.length > 1 && controller.name.endsWith(suffix)
    ? { kind: 'Deployment', name: controller.name.slice(0, -suffix.length) }
    : undefined;
};

/** `deployments`: what controls each ReplicaSet of the namespace; without it, what the pod's labels tell. */
export const toPod = ({ metadata, spec, status }: z.infer<typeof pod>, deployments?: Map<string, Owner>): Pod => {
  const controller = controllerOf(metadata.ownerReferences);
  const deployment =
    controller?.kind === 'ReplicaSet'
      ? deployments
        ? deployments.get(controller.name)
        : byTemplateHash(controller, metadata.labels)
      : undefined;
  const owner = deployment ?? controller;
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
    ready: isReady(status?.conditions),
    terminating: Boolean(metadata.deletionTimestamp),
    hostNetwork: spec.hostNetwork ?? false,
    ...(owner ? { owner } : {}),
    containers: toContainers(spec),
    // A token without an audience is for the API server itself; every pod has one, and AWS takes none of them.
    tokens: spec.volumes.flatMap((volume) =>
      (volume.projected?.sources ?? []).flatMap((source) =>
        source.serviceAccountToken?.audience
          ? [{ volume: volume.name, audience: source.serviceAccountToken.audience }]
          : [],
      ),
    ),
  };
};

/**
 * Source: Kubernetes documentation, "Deployments", "Pausing and Resuming a rollout"; "Perform a Rolling Update on a
 * DaemonSet"; "StatefulSets", "Update strategies".
 */
const heldBackBy = (
  kind: WorkloadKind,
  { paused, updateStrategy }: z.infer<typeof workload>['spec'],
): string | undefined => {
  if (kind === 'Deployment') return paused ? 'it is paused' : undefined;
  if (updateStrategy?.type === 'OnDelete') return 'its update strategy is OnDelete';
  const partition = updateStrategy?.rollingUpdate?.partition ?? 0;
  return kind === 'StatefulSet' && partition > 0 ? `its rolling update has the partition ${partition}` : undefined;
};

export const toWorkload = (kind: WorkloadKind, { metadata, spec, status }: z.infer<typeof workload>): Workload => {
  const counts =
    kind === 'DaemonSet'
      ? {
          desired: status.desiredNumberScheduled,
          total: status.currentNumberScheduled,
          updated: status.updatedNumberScheduled,
          ready: status.numberReady,
        }
      : {
          desired: spec.replicas ?? 1,
          total: status.replicas,
          updated: status.updatedReplicas,
          ready: status.readyReplicas,
        };
  const { desired, total, updated, ready } = counts;
  const heldBack = heldBackBy(kind, spec);
  return {
    kind,
    namespace: metadata.namespace,
    name: metadata.name,
    serviceAccount: spec.template.spec.serviceAccountName ?? 'default',
    desired,
    ready,
    settled:
      status.observedGeneration >= metadata.generation && updated === desired && ready === desired && total === desired,
    ...(heldBack === undefined ? {} : { heldBack }),
    ...(kind === 'Deployment' && spec.strategy?.type === 'Recreate' ? { recreates: true } : {}),
    templateAnnotations: spec.template.metadata?.annotations ?? {},
    containers: toContainers(spec.template.spec),
    labels: metadata.labels,
    managedFields: toManagedFields(metadata.managedFields),
  };
};

/**
 * Source: EKS User Guide, "Control if a workload is deployed on EKS Auto Mode nodes"; eks-pod-identity-agent's chart,
 * values.yaml, `affinity`.
 */
const COMPUTE_TYPES: Record<string, Compute> = { auto: 'auto', fargate: 'fargate', hybrid: 'hybrid' };

/** A node of a compute type that is not known is taken for one on EC2, as one without any. */
export const toNode = ({ metadata: { name, labels }, status }: z.infer<typeof node>): Node => ({
  name,
  ready: isReady(status?.conditions),
  os: labels['kubernetes.io/os'] === 'windows' ? 'windows' : 'linux',
  compute: COMPUTE_TYPES[labels['eks.amazonaws.com/compute-type'] ?? ''] ?? 'ec2',
});

/** A failure policy that is left out is Fail in `admissionregistration.k8s.io/v1`. Source: Kubernetes API reference. */
export const toMutatingWebhooks = ({
  metadata,
  webhooks,
}: z.infer<typeof mutatingWebhookConfiguration>): MutatingWebhook[] =>
  webhooks.map(({ name, failurePolicy, admissionReviewVersions }) => ({
    configuration: metadata.name,
    name,
    failurePolicy: failurePolicy ?? 'Fail',
    reviewVersions: admissionReviewVersions,
  }));
