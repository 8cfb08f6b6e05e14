/** Builds the volumes of a scenario: those of workloads, and persistent volumes with their claims. */
import { ensureNamespace } from '../kubernetes/cluster-objects.ts';
import { newMetadata, putObject } from '../objects/store.ts';
import type { MountedVolume, Volume } from '../objects/volumes.ts';
import type { ScenarioPersistentVolume, ScenarioVolume } from '../scenario/scenario-storage.ts';
import type { ClusterState } from '../world/world.ts';

const volumeOf = ({ name, claim, secretProviderClass, token }: Omit<ScenarioVolume, 'mountPath'>): Volume => {
  if (claim !== undefined) return { name, persistentVolumeClaim: { claimName: claim } };
  if (secretProviderClass !== undefined)
    return {
      name,
      csi: { driver: 'secrets-store.csi.k8s.io', readOnly: true, volumeAttributes: { secretProviderClass } },
    };
  return { name, projected: { sources: [{ serviceAccountToken: { ...token } }] } };
};

export const mountedVolumeOf = ({ mountPath, ...volume }: ScenarioVolume): MountedVolume => ({
  volume: volumeOf(volume),
  mountPath,
});

/** Static provisioning ignores the size, but Kubernetes requires one. */
const SIZE = '1Gi';
const COMMON = { accessModes: ['ReadWriteMany'], storageClassName: '', volumeMode: 'Filesystem' } as const;

/** Creates persistent volumes, and the claims that they are bound to. */
export const seedPersistentVolumes = (cluster: ClusterState, volumes: readonly ScenarioPersistentVolume[]): void => {
  const { kube, createdAt } = cluster;
  for (const { name, driver, volumeHandle = name, volumeAttributes, claim } of volumes) {
    if (claim) ensureNamespace(cluster, claim.namespace, createdAt);
    const claimed =
      claim &&
      putObject(kube, 'PersistentVolumeClaim', {
        apiVersion: 'v1',
        kind: 'PersistentVolumeClaim',
        metadata: newMetadata(kube, createdAt, { name: claim.name, namespace: claim.namespace }),
        spec: {
          ...COMMON,
          accessModes: [...COMMON.accessModes],
          resources: { requests: { storage: SIZE } },
          volumeName: name,
        },
        status: { phase: 'Bound', accessModes: [...COMMON.accessModes], capacity: { storage: SIZE } },
      });
    putObject(kube, 'PersistentVolume', {
      apiVersion: 'v1',
      kind: 'PersistentVolume',
      metadata: newMetadata(kube, createdAt, { name }),
      spec: {
        ...COMMON,
        accessModes: [...COMMON.accessModes],
        capacity: { storage: SIZE },
        persistentVolumeReclaimPolicy: 'Retain',
        csi: {
          driver,
          volumeHandle,
          ...(Object.keys(volumeAttributes).length > 0 ? { volumeAttributes: { ...volumeAttributes } } : {}),
        },
        ...(claim && claimed
          ? {
              claimRef: {
                apiVersion: 'v1',
                kind: 'PersistentVolumeClaim',
                namespace: claim.namespace,
                name: claim.name,
                uid: claimed.metadata.uid,
              },
            }
          : {}),
      },
      status: { phase: claim ? 'Bound' : 'Available' },
    });
  }
};
