/**
 * Objects as Go has them before any field is set: structs that are no pointers exist from the start, and so have no
 * owner, unlike the maps and lists in them (k8s.io/api; structured-merge-diff, value/structreflect.go).
 */
import type { Json } from '../json.ts';

const TEMPLATE: Json = { metadata: { creationTimestamp: null }, spec: { containers: null } };

const ZEROS: Record<string, Json> = {
  Pod: { spec: { containers: null }, status: {} },
  Node: { spec: {}, status: { daemonEndpoints: { kubeletEndpoint: { Port: 0 } }, nodeInfo: {} } },
  Namespace: { spec: {}, status: {} },
  Deployment: { spec: { selector: null, template: TEMPLATE, strategy: {} }, status: {} },
  DaemonSet: { spec: { selector: null, template: TEMPLATE, updateStrategy: {} }, status: {} },
  StatefulSet: { spec: { selector: null, template: TEMPLATE, updateStrategy: {} }, status: {} },
  ReplicaSet: { spec: { selector: null, template: TEMPLATE }, status: {} },
  PodDisruptionBudget: { spec: {}, status: {} },
  NetworkPolicy: { spec: { podSelector: {} } },
};

/** Returns an object of a kind without any field. */
export const zeroOf = (kind: string): Json => ({ metadata: {}, ...(ZEROS[kind] ?? { spec: {}, status: {} }) });
