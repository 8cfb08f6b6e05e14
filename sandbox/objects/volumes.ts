/** Volumes of pods, and the persistent volumes that they claim, as far as the sandbox reads them. */
export interface VolumeMount {
  name: string;
  readOnly?: boolean;
  mountPath: string;
  subPath?: string;
}

export interface Volume {
  name: string;
  projected?: { sources: Record<string, unknown>[] };
  persistentVolumeClaim?: { claimName: string };
  csi?: { driver: string; readOnly?: boolean; volumeAttributes?: Record<string, string> };
}

/** A volume, and where every container of the pod mounts it. */
export interface MountedVolume {
  volume: Volume;
  mountPath: string;
}

// Type aliases, not interfaces: only those are assignable to KubeObject's open records.
export type PersistentVolumeSpec = {
  capacity: { storage: string };
  accessModes: string[];
  persistentVolumeReclaimPolicy: 'Retain';
  storageClassName: '';
  volumeMode: 'Filesystem';
  csi: { driver: string; volumeHandle: string; volumeAttributes?: Record<string, string> };
  claimRef?: { apiVersion: 'v1'; kind: 'PersistentVolumeClaim'; namespace: string; name: string; uid: string };
};
export type PersistentVolumeClaimSpec = {
  accessModes: string[];
  resources: { requests: { storage: string } };
  storageClassName: '';
  volumeMode: 'Filesystem';
  volumeName: string;
};
