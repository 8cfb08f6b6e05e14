/** Sets the number of a workload's pods as a HorizontalPodAutoscaler does: through `scale`, as kube-controller-manager. */
import { z } from 'zod';
import type { ClientFactory } from '../../../lambdas/adapters/clients.ts';
import { eksToken } from '../../../lambdas/adapters/eks-token.ts';
import { KubernetesApi } from '../../../lambdas/adapters/kubernetes-api.ts';
import type { Target } from '../../../lambdas/domain/terms/subject.ts';
import { portsOf } from '../../../lambdas/runtime/wiring.ts';
import type { Scaling } from './run.ts';

export const scaleAsAutoscaler = async (
  clients: ClientFactory,
  target: Target,
  { kind, namespace, name, replicas }: Scaling,
): Promise<void> => {
  const { transport } = clients.config;
  const api = new KubernetesApi({
    cluster: target.cluster,
    http: transport.http,
    endpoint: async () => {
      const cluster = await portsOf(clients, target).eks.describeCluster();
      return { url: cluster?.endpoint ?? '', certificateAuthority: cluster?.certificateAuthority ?? '' };
    },
    token: async () =>
      (transport.eksToken ?? eksToken)({
        cluster: target.cluster,
        region: target.region,
        credentials: await clients.eks().config.credentials(),
        now: new Date(),
      }),
  });
  const path = `/apis/apps/v1/namespaces/${namespace}/${kind.toLowerCase()}s/${name}/scale`;
  await api.call(
    {
      what: `scale ${kind} ${namespace}/${name}`,
      method: 'PATCH',
      path: `${path}?fieldManager=kube-controller-manager`,
      body: { type: 'application/merge-patch+json', content: { spec: { replicas } } },
    },
    z.unknown(),
  );
};
