/** Knobs for the network between pods and the Pod Identity agent. */
import { z } from 'zod';
import { knob } from './knob.ts';

export const networkKnobs = {
  networkPolicies: knob(
    z.enum(['enforced', 'ignored']).default('enforced'),
    'likely',
    "the VPC CNI enforces them only with `enableNetworkPolicy`, and always allows the node's own address (aws/aws-network-policy-agent#65); aws-samples/sample-eks-nitro-sandbox: without a rule for 169.254.170.23, requests of pods time out",
    'Whether network policies cut pods off from the Pod Identity agent. `ignored`: nothing in the cluster enforces them.',
  ),
  ciliumAgentIdentity: knob(
    z.enum(['host', 'world']).default('host'),
    'likely',
    'cilium/cilium#34387: `169.254.170.23:80 (host)`; with 1.16 and BPF host routing, cilium/cilium#35989: `(world)`',
    "How Cilium identifies the agent's address: as one of the node, which only the entities `host`, `cluster` and `all` match, or as one outside of the cluster, which blocks of addresses match, too.",
  ),
};
