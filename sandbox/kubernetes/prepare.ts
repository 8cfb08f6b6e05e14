/** What the API server does to new objects before it validates and stores them. */
import { networkPolicySpec, withDefaults } from '../objects/network-policy.ts';
import type { KubeObject } from '../objects/objects.ts';
import { withBindingDefaults } from './validation/rbac.ts';

/** Kinds whose objects count the changes of their specification. */
const WITH_GENERATION = new Set<string>([
  'Deployment',
  'DaemonSet',
  'StatefulSet',
  'ReplicaSet',
  'PodDisruptionBudget',
  'NetworkPolicy',
  'Job',
  'CronJob',
]);
export const hasGeneration = (kind: string): boolean => WITH_GENERATION.has(kind);

/** Status of new objects. */
export const FIRST_STATUS: Partial<Record<string, Pick<KubeObject, 'status'>>> = {
  PodDisruptionBudget: { status: { currentHealthy: 0, desiredHealthy: 0, disruptionsAllowed: 0, expectedPods: 0 } },
};

/** Returns an object with the defaults that are stored: those on which the sandbox's own readers rely. */
export const withStoredDefaults = (object: KubeObject): KubeObject => {
  if (object.kind === 'RoleBinding' || object.kind === 'ClusterRoleBinding') return withBindingDefaults(object);
  if (object.kind === 'Deployment' || object.kind === 'StatefulSet' || object.kind === 'ReplicaSet')
    return { ...object, spec: { ...object.spec, replicas: object.spec?.['replicas'] ?? 1 } };
  if (object.kind === 'PodDisruptionBudget') return { ...object, spec: object.spec ?? {} };
  if (object.kind !== 'NetworkPolicy') return object;
  const parsed = networkPolicySpec.safeParse(object.spec ?? {});
  return parsed.success ? { ...object, spec: withDefaults(parsed.data) } : object;
};
