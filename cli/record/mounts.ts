/** Maps the volumes of workloads to those of a scenario, as far as the service decides on them. */
import type { z } from 'zod';
import type { volumes } from '../../lambdas/adapters/kubernetes-objects.ts';
import type { Container } from '../../lambdas/ports/index.ts';
import type { ScenarioInput } from '../../sandbox/scenario/scenario.ts';
import { keptAudience } from './keep.ts';

type Cluster = NonNullable<ScenarioInput['accounts'][number]['clusters']>[number];
type WorkloadInput = NonNullable<Cluster['workloads']>[number];
type VolumeInput = NonNullable<WorkloadInput['volumes']>[number];

/** A volume without the path at which it is mounted. */
export type RecordedMount = Omit<VolumeInput, 'mountPath'>;

const SECRETS_STORE = 'secrets-store.csi.k8s.io';

export const mountsOf = (all: z.infer<typeof volumes>): RecordedMount[] =>
  all.flatMap(({ name, persistentVolumeClaim, csi, projected }): RecordedMount[] => {
    if (persistentVolumeClaim) return [{ name, claim: persistentVolumeClaim.claimName }];
    const secretProviderClass = csi?.driver === SECRETS_STORE ? csi.volumeAttributes['secretProviderClass'] : undefined;
    if (secretProviderClass !== undefined) return [{ name, secretProviderClass }];
    const token = projected?.sources.map(({ serviceAccountToken }) => serviceAccountToken).find((one) => one?.audience);
    return token?.audience
      ? [{ name, token: { audience: keptAudience(token.audience), ...(token.path ? { path: token.path } : {}) } }]
      : [];
  });

/** Returns the volumes with the path of their first mount. `claims`: those that the scenario has, as `namespace/name`. */
export const mountedVolumes = (
  mounts: readonly RecordedMount[],
  containers: readonly Pick<Container, 'mounts'>[],
  namespace: string,
  claims: ReadonlySet<string>,
): VolumeInput[] =>
  mounts.flatMap((mount) => {
    const path = containers.flatMap((one) => one.mounts).find(({ volume }) => volume === mount.name)?.path;
    const isThere = mount.claim === undefined || claims.has(`${namespace}/${mount.claim}`);
    return path !== undefined && isThere ? [{ ...mount, mountPath: path }] : [];
  });
