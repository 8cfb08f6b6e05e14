/** Pods as the Kubernetes API has them, limited to what decides from where their containers get credentials. */

export interface ObjectKey {
  name: string;
  key: string;
  optional?: boolean;
}
export interface EnvEntry {
  name: string;
  value?: string;
  valueFrom?: { secretKeyRef: ObjectKey };
}
export interface EnvFrom {
  prefix?: string;
  secretRef: { name: string };
}
export interface KubeContainer {
  name: string;
  image?: string;
  env?: EnvEntry[];
  envFrom?: EnvFrom[];
  volumeMounts?: { name: string; mountPath: string; subPath?: string; readOnly?: boolean }[];
}
export interface KubeVolume {
  name: string;
  emptyDir?: object;
  projected?: { sources: { serviceAccountToken?: { audience?: string; path: string } }[] };
}
export interface KubePod {
  metadata: { name: string; annotations?: Record<string, string> };
  spec: {
    serviceAccountName?: string;
    initContainers?: KubeContainer[];
    containers: KubeContainer[];
    volumes?: KubeVolume[];
  };
}

/** Returns all containers, init containers first. */
export const containersOf = ({ spec: { initContainers = [], containers } }: KubePod): KubeContainer[] => [
  ...initContainers,
  ...containers,
];
