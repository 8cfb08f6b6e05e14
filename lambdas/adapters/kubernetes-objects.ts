/**
 * Parses the API server's responses and converts them to the domain's objects. All text is made printable, except for
 * what a rollback restores.
 */
import { z } from 'zod';
import { shownText } from '../domain/text/text.ts';
import type { TokenVolume } from '../domain/kubernetes/objects.ts';
import { SKIP_ANNOTATION } from '../domain/kubernetes/skip-containers.ts';
import { mayBeginWith } from '../domain/verification/credential-variables.ts';
import type { Container, MutatingWebhook, Pod } from '../ports/kubernetes.ts';
import { conditions, isReady, listOf, mapOf, readyCondition, strings } from './api-schemas.ts';
import { tolerations, toTolerations } from './node-objects.ts';
import { managedFieldsEntries } from './managed-fields.ts';

/** The annotations of pods. The names of skipped containers are read as the webhook reads them, so that they are unchanged. */
export const podAnnotations = mapOf(z.string()).transform((map) =>
  Object.fromEntries(
    Object.entries(map).map(([key, value]) => [key, key === SKIP_ANNOTATION ? value : shownText.parse(value)]),
  ),
);
/** The IRSA annotation, unchanged, because a rollback restores it exactly. */
const accountAnnotations = mapOf(z.string());
const owners = listOf(z.object({ kind: shownText, name: shownText, controller: z.boolean().nullish() }));
const optional = z.object({ optional: z.boolean().nullish() }).nullish();
const valueFrom = z.object({ secretKeyRef: optional, configMapKeyRef: optional, fileKeyRef: optional }).nullish();
const named = z.object({ name: shownText.nullish() }).nullish();
export const container = z.object({
  name: shownText,
  image: shownText.nullish(),
  env: listOf(z.object({ name: shownText, value: shownText.nullish(), valueFrom })),
  envFrom: listOf(z.object({ secretRef: named, configMapRef: named, prefix: shownText.nullish() })),
  volumeMounts: listOf(
    z.object({
      name: shownText,
      mountPath: shownText.nullish(),
      subPath: shownText.nullish(),
      subPathExpr: shownText.nullish(),
    }),
  ),
  livenessProbe: z
    .looseObject({ periodSeconds: z.number().int().nullish(), failureThreshold: z.number().int().nullish() })
    .nullish(),
});
const reasoned = z.object({ reason: shownText.nullish() }).nullish();
const ended = z.object({ reason: shownText.nullish(), finishedAt: shownText.nullish() }).nullish();
/** Only the fields that show whether and how often a container started. */
const containerStatuses = listOf(
  z.object({
    restartCount: z.number().int().nullish(),
    state: z.object({ waiting: reasoned }).nullish(),
    lastState: z.object({ terminated: ended }).nullish(),
  }),
);
const tokenSource = z.object({
  serviceAccountToken: z.object({ audience: shownText.nullish(), path: shownText.nullish() }).nullish(),
});
export const volumes = listOf(
  z.object({
    name: shownText,
    projected: z.object({ sources: listOf(tokenSource) }).nullish(),
    persistentVolumeClaim: z.object({ claimName: shownText }).nullish(),
    csi: z.object({ driver: shownText, volumeAttributes: strings }).nullish(),
  }),
);
export const pod = z.object({
  metadata: z.object({
    name: shownText,
    namespace: shownText,
    uid: shownText,
    creationTimestamp: shownText,
    deletionTimestamp: shownText.nullish(),
    labels: strings,
    annotations: podAnnotations,
    ownerReferences: owners,
  }),
  spec: z.object({
    serviceAccountName: shownText.nullish(),
    nodeName: shownText.nullish(),
    hostNetwork: z.boolean().nullish(),
    activeDeadlineSeconds: z.number().nullish(),
    initContainers: listOf(container),
    containers: listOf(container),
    ephemeralContainers: listOf(z.object({ name: shownText })),
    volumes,
    tolerations,
  }),
  status: z
    .looseObject({
      phase: shownText.nullish(),
      reason: shownText.nullish(),
      startTime: shownText.nullish(),
      conditions,
      initContainerStatuses: containerStatuses,
      containerStatuses,
    })
    .nullish(),
});
export const mutatingWebhookConfiguration = z.object({
  metadata: z.object({ name: shownText }),
  webhooks: listOf(
    z.object({
      name: shownText,
      failurePolicy: z.enum(['Fail', 'Ignore']).nullish(),
      admissionReviewVersions: listOf(shownText),
    }),
  ),
});
const accountMetadata = z.object({ name: shownText, namespace: shownText, annotations: accountAnnotations });
export const serviceAccount = z.object({ metadata: accountMetadata });
export const serviceAccountDetail = z.object({
  metadata: accountMetadata.extend({
    uid: shownText,
    resourceVersion: shownText,
    labels: strings,
    managedFields: managedFieldsEntries,
  }),
});
export const replicaSet = z.object({ metadata: z.object({ name: shownText, ownerReferences: owners }) });
export const apiGroups = z.object({
  groups: listOf(z.object({ name: shownText, versions: listOf(z.object({ version: shownText })) })),
});
export const customResource = z.object({
  metadata: z.object({ name: shownText, namespace: shownText.nullish() }),
});
type ApiContainer = z.infer<typeof container>;
type ApiVariable = ApiContainer['env'][number];
const mayBeMissing = ({ valueFrom: source }: ApiVariable): boolean =>
  [source?.secretKeyRef, source?.configMapKeyRef, source?.fileKeyRef].some((one) => one?.optional === true);

/** A value from another source (valueFrom) is not in the pod. The API drops an empty value. */
const valueOf = ({ value, valueFrom: source }: ApiVariable): string | undefined => value ?? (source ? undefined : '');

/** Returns the variables that are there more than once, with their values before the last one. */
function repeatedIn(env: ApiVariable[]): Record<string, (string | undefined)[]> {
  const values = new Map<string, (string | undefined)[]>();
  for (const variable of env) values.set(variable.name, [...(values.get(variable.name) ?? []), valueOf(variable)]);
  return Object.fromEntries(
    [...values].filter(([, all]) => all.length > 1).map(([name, all]) => [name, all.slice(0, -1)] as const),
  );
}

/** Source of the defaults: Kubernetes API reference, Probe. */
const toLiveness = ({ livenessProbe }: ApiContainer): Pick<Container, 'liveness'> =>
  livenessProbe
    ? {
        liveness: {
          periodSeconds: livenessProbe.periodSeconds ?? 10,
          failureThreshold: livenessProbe.failureThreshold ?? 3,
        },
      }
    : {};

const toContainer = (api: ApiContainer, init: boolean): Container => {
  const { name, image, env, envFrom, volumeMounts } = api;
  const repeated = repeatedIn(env);
  const optionalEnv = env.filter(mayBeMissing).map((variable) => variable.name);
  const sources = envFrom.flatMap(({ prefix, secretRef, configMapRef }) =>
    mayBeginWith(prefix ?? '')
      ? [
          ...(secretRef?.name ? [`Secret/${secretRef.name}`] : []),
          ...(configMapRef?.name ? [`ConfigMap/${configMapRef.name}`] : []),
        ]
      : [],
  );
  return {
    name,
    image: image ?? '',
    init,
    env: Object.fromEntries(env.map((variable) => [variable.name, valueOf(variable)])),
    ...(Object.keys(repeated).length > 0 ? { repeatedEnv: repeated } : {}),
    ...(optionalEnv.length > 0 ? { optionalEnv } : {}),
    ...(sources.length > 0 ? { envFrom: sources } : {}),
    mounts: volumeMounts.map(({ name: volume, mountPath, subPath, subPathExpr }) => ({
      volume,
      path: mountPath ?? '',
      ...((subPath ?? subPathExpr) ? { subPath: subPath ?? subPathExpr ?? '' } : {}),
    })),
    ...toLiveness(api),
  };
};
export const toContainers = (spec: { initContainers: ApiContainer[]; containers: ApiContainer[] }): Container[] => [
  ...spec.initContainers.map((each) => toContainer(each, true)),
  ...spec.containers.map((each) => toContainer(each, false)),
];

/**
 * Returns the projected tokens. One without an audience is for the API server itself; every pod has one, and AWS does not
 * accept it.
 */
export const toTokens = (all: z.infer<typeof volumes>): TokenVolume[] =>
  all.flatMap((volume) =>
    (volume.projected?.sources ?? []).flatMap(({ serviceAccountToken: token }) =>
      token?.audience ? [{ volume: volume.name, audience: token.audience, path: token.path ?? '' }] : [],
    ),
  );

/** Source: Secrets Store CSI driver documentation, "Usage". */
const SECRETS_STORE = 'secrets-store.csi.k8s.io';
const toMounted = (all: z.infer<typeof volumes>): Pick<Pod, 'claims' | 'secretClasses'> => {
  const claims = all.flatMap(({ persistentVolumeClaim }) => persistentVolumeClaim?.claimName ?? []);
  const secretClasses = all.flatMap(({ csi }) =>
    csi?.driver === SECRETS_STORE ? (csi.volumeAttributes['secretProviderClass'] ?? []) : [],
  );
  return { ...(claims.length > 0 ? { claims } : {}), ...(secretClasses.length > 0 ? { secretClasses } : {}) };
};

/** Returns a time in the service's format, or undefined if it is absent or invalid. */
const timeOf = (text: string | null | undefined): string | undefined =>
  typeof text === 'string' && !Number.isNaN(Date.parse(text)) ? new Date(text).toISOString() : undefined;

type ApiPodStatus = z.infer<typeof pod>['status'];
/** Returns a pod's condition from its status. */
const conditionOf = (
  status: ApiPodStatus,
): Pick<Pod, 'readyAt' | 'unreadySince' | 'lastExitAt' | 'restarts' | 'waiting' | 'outOfMemory' | 'reason'> => {
  const since = timeOf(readyCondition(status?.conditions)?.lastTransitionTime);
  const transition = isReady(status?.conditions) ? { readyAt: since } : { unreadySince: since };
  const statuses = [...(status?.initContainerStatuses ?? []), ...(status?.containerStatuses ?? [])];
  const waiting = [...new Set(statuses.flatMap(({ state }) => state?.waiting?.reason ?? []))];
  const exits = statuses.flatMap(({ lastState }) => (lastState?.terminated ? [lastState.terminated] : []));
  const lastExitAt = exits
    .flatMap(({ finishedAt }) => timeOf(finishedAt) ?? [])
    .sort()
    .at(-1);
  return {
    ...(since === undefined ? {} : transition),
    ...(lastExitAt === undefined ? {} : { lastExitAt }),
    ...(statuses.length === 0 ? {} : { restarts: statuses.reduce((sum, one) => sum + (one.restartCount ?? 0), 0) }),
    ...(waiting.length > 0 ? { waiting } : {}),
    ...(exits.length > 0 && exits.every(({ reason }) => reason === 'OOMKilled') ? { outOfMemory: true } : {}),
    ...(status?.reason ? { reason: status.reason } : {}),
  };
};

export const controllerOf = (references: z.infer<typeof owners>): { kind: string; name: string } | undefined => {
  const controller = references.find((reference) => reference.controller);
  return controller && { kind: controller.kind, name: controller.name };
};

interface Owner {
  kind: string;
  name: string;
}

/**
 * Returns the Deployment of a pod from its labels: a Deployment names its ReplicaSets by its own name and the hash of
 * the template, and adds that hash as a label to their pods. Source: Kubernetes documentation, "Deployments",
 * "Pod-template-hash label".
 */
const byTemplateHash = (controller: Owner, labels: Record<string, string>): Owner | undefined => {
  const suffix = `-${labels['pod-template-hash'] ?? ''}`;
  return suffix.length > 1 && controller.name.endsWith(suffix)
    ? { kind: 'Deployment', name: controller.name.slice(0, -suffix.length) }
    : undefined;
};

/**
 * Converts a pod. `deployments` has the controller of each ReplicaSet; without it, the pod's labels identify the
 * Deployment.
 */
export const toPod = ({ metadata, spec, status }: z.infer<typeof pod>, deployments?: Map<string, Owner>): Pod => {
  const controller = controllerOf(metadata.ownerReferences);
  const deployment =
    controller?.kind === 'ReplicaSet'
      ? deployments
        ? deployments.get(controller.name)
        : byTemplateHash(controller, metadata.labels)
      : undefined;
  const owner = deployment ?? controller;
  const deletionDue = timeOf(metadata.deletionTimestamp);
  const startedAt = timeOf(status?.startTime);
  const limit = spec.activeDeadlineSeconds;
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
    ...(deletionDue === undefined ? {} : { deletionDue }),
    ...(startedAt === undefined || typeof limit !== 'number'
      ? {}
      : { endsBy: new Date(Date.parse(startedAt) + limit * 1000).toISOString() }),
    ...conditionOf(status),
    hostNetwork: spec.hostNetwork ?? false,
    ...(owner ? { owner } : {}),
    containers: toContainers(spec),
    ...(spec.ephemeralContainers.length > 0 ? { ephemeral: spec.ephemeralContainers.map((each) => each.name) } : {}),
    tokens: toTokens(spec.volumes),
    ...toMounted(spec.volumes),
    ...(spec.tolerations.length > 0 ? { tolerations: toTolerations(spec.tolerations) } : {}),
  };
};

/** The default failure policy of `admissionregistration.k8s.io/v1` is Fail. Source: Kubernetes API reference. */
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
