/** Network policies of a cluster. */
import { z } from 'zod';
import { networkPolicySpec } from '../objects/network-policy.ts';
import { kubernetesName, strings } from './kubernetes-names.ts';

export const networkPolicy = z
  .strictObject({
    apiVersion: z.literal('networking.k8s.io/v1').default('networking.k8s.io/v1').describe('Its API version.'),
    kind: z.literal('NetworkPolicy').default('NetworkPolicy').describe('Its kind.'),
    metadata: z
      .strictObject({
        namespace: kubernetesName,
        name: kubernetesName,
        labels: strings.optional(),
        annotations: strings.optional(),
      })
      .describe('Its namespace, which is created if it does not exist, its name, labels and annotations.'),
    spec: networkPolicySpec.describe('Its specification (Kubernetes API reference, NetworkPolicySpec).'),
  })
  .meta({
    id: 'NetworkPolicy',
    description:
      'A NetworkPolicy in the form that kubectl accepts; apiVersion and kind may be omitted. Its rules for ingress have no effect.',
  });
