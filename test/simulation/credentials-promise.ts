/** The promise about what pods on EKS Pod Identity can do: the environment alone does not provide credentials. */
import { hasCredentials, refusalsOf } from '../../sandbox/credentials/sessions.ts';
import { sourcesOf } from '../../sandbox/credentials/sources.ts';
import { listObjects } from '../../sandbox/objects/store.ts';
import { subjectOf } from '../../lambdas/domain/terms/subject.ts';
import { isWithoutAgentSince, migrationsOfSubject } from './observe.ts';
import { interfered, mayKeepOldSdk, plannedOf, type Promised } from './promised.ts';

export const migratedHaveCredentials: Promised = {
  name: 'migrated-have-credentials',
  statement:
    'If the last migration of a subject ended migrated, EKS Auth issues credentials of the role to each pod on EKS Pod Identity, now and when the pod asks again.',
  broken: (result) => {
    const { cluster, sandbox, spec } = result;
    if (interfered(result) || spec.rollBack) return [];
    return result.migrations.flatMap(({ migrationId, record }) => {
      // `ready-has-credentials` checks what is said about an SDK that is too old.
      if (record?.outcome !== 'migrated' || mayKeepOldSdk(result, record.request)) return [];
      const others = migrationsOfSubject(result, subjectOf(record.request)).filter(
        (one) => one.migrationId !== migrationId && one.record?.outcome !== 'migrated',
      );
      if (others.some((one) => one.record?.outcome === 'rolled-back' || one.record?.outcome === 'needs-human'))
        return [];
      const planned = new Set(plannedOf(record).map((one) => `${one.namespace}/${one.serviceAccount}`));
      return listObjects(cluster.kube, 'Pod').flatMap((pod) => {
        const { namespace = '', name, deletionTimestamp } = pod.metadata;
        const account = `${namespace}/${pod.spec.serviceAccountName ?? 'default'}`;
        const isLost = cluster.kube.lostNodes.has(pod.spec.nodeName ?? '');
        const isCounted =
          planned.has(account) && deletionTimestamp === undefined && pod.status.phase === 'Running' && !isLost;
        if (!isCounted || !sourcesOf(cluster.kube, pod).some(({ method }) => method === 'pod-identity')) return [];
        const [refused] = refusalsOf(sandbox.world, cluster, pod);
        const startedAt = Date.parse(pod.metadata.creationTimestamp);
        if (refused?.code === 'AgentUnreachable' && isWithoutAgentSince(result, migrationId, startedAt)) return [];
        if (!refused && hasCredentials(sandbox.world, cluster, pod)) return [];
        return [`${migrationId} is migrated, and EKS Auth answers pod ${name}: ${refused?.code ?? 'nothing'}`];
      });
    });
  },
};
