/** Converts Deployments, StatefulSets and DaemonSets in the API server's responses to the domain's workloads. */
import { z } from 'zod';
import { shownText } from '../domain/text/text.ts';
import type { RolloutSettings, Workload, WorkloadKind } from '../ports/kubernetes.ts';
import { container, podAnnotations, toContainers, toTokens, volumes } from './kubernetes-objects.ts';
import { listOf, strings } from './api-schemas.ts';
import { tolerations, toTolerations } from './node-objects.ts';
import { managedFieldsEntries, toManagedFields } from './managed-fields.ts';

const count = z
  .number()
  .int()
  .nullish()
  .transform((value) => value ?? 0);
const countOrPercent = z.union([z.number().int(), shownText]).nullish();
const rollingUpdate = z
  .looseObject({ maxUnavailable: countOrPercent, maxSurge: countOrPercent, partition: count })
  .nullish();
export const workload = z.object({
  metadata: z.object({
    name: shownText,
    namespace: shownText,
    generation: count,
    labels: strings,
    managedFields: managedFieldsEntries,
  }),
  spec: z.object({
    replicas: z.number().int().nullish(),
    paused: z.boolean().nullish(),
    minReadySeconds: z.number().int().nullish(),
    progressDeadlineSeconds: z.number().int().nullish(),
    strategy: z.object({ type: shownText.nullish(), rollingUpdate }).nullish(),
    updateStrategy: z.object({ type: shownText.nullish(), rollingUpdate }).nullish(),
    template: z.object({
      metadata: z.object({ annotations: podAnnotations, labels: strings }).nullish(),
      spec: z.object({
        serviceAccountName: shownText.nullish(),
        terminationGracePeriodSeconds: z.number().int().nullish(),
        initContainers: listOf(container),
        containers: listOf(container),
        volumes,
        hostNetwork: z.boolean().nullish(),
        tolerations,
        nodeSelector: strings,
      }),
    }),
  }),
  // The counts of Deployments and StatefulSets differ from those of DaemonSets; an object has only its own.
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

const rolloutOf = ({
  strategy,
  updateStrategy,
  minReadySeconds,
  progressDeadlineSeconds,
  template,
}: z.infer<typeof workload>['spec']): RolloutSettings => {
  const { maxUnavailable, maxSurge, partition = 0 } = strategy?.rollingUpdate ?? updateStrategy?.rollingUpdate ?? {};
  const settings = {
    maxUnavailable,
    maxSurge,
    partition: partition > 0 ? partition : undefined,
    minReadySeconds,
    graceSeconds: template.spec.terminationGracePeriodSeconds,
    progressDeadlineSeconds,
  };
  const given = Object.entries(settings).filter(([, value]) => value !== undefined && value !== null);
  return Object.fromEntries(given) as RolloutSettings;
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
  const template = spec.template.spec;
  const own = template.volumes;
  const tokens = toTokens(own);
  return {
    kind,
    namespace: metadata.namespace,
    name: metadata.name,
    serviceAccount: spec.template.spec.serviceAccountName ?? 'default',
    desired,
    ready,
    updated,
    total,
    observed: status.observedGeneration >= metadata.generation,
    rollout: rolloutOf(spec),
    settled:
      status.observedGeneration >= metadata.generation && updated === desired && ready === desired && total === desired,
    ...(heldBack === undefined ? {} : { heldBack }),
    ...(kind === 'Deployment' && spec.strategy?.type === 'Recreate' ? { recreates: true } : {}),
    templateAnnotations: spec.template.metadata?.annotations ?? {},
    containers: toContainers(spec.template.spec),
    ...(own.length > 0 ? { volumes: own.map(({ name }) => name) } : {}),
    ...(tokens.length > 0 ? { tokens } : {}),
    ...(spec.template.metadata ? { templateLabels: spec.template.metadata.labels } : {}),
    ...(template.hostNetwork ? { hostNetwork: true } : {}),
    ...(template.tolerations.length > 0 ? { tolerations: toTolerations(template.tolerations) } : {}),
    ...(Object.keys(template.nodeSelector).length > 0 ? { nodeSelector: template.nodeSelector } : {}),
    labels: metadata.labels,
    managedFields: toManagedFields(metadata.managedFields),
  };
};
