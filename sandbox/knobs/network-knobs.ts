/** Knobs for the network between pods and the Pod Identity agent. */
import { z } from 'zod';
import { knob } from './knob.ts';

export const networkKnobs = {
  networkPolicies: knob(
    z.enum(['configured', 'enforced', 'ignored']).default('configured'),
    'likely',
    'EKS User Guide, "Limit Pod traffic with Kubernetes network policies"; aws-samples/sample-eks-nitro-sandbox: without a rule for 169.254.170.23, requests of pods time out (aws/aws-network-policy-agent#65 always allows the node\'s own address, which is another one)',
    'Whether network policies keep pods from the Pod Identity agent. `configured`: Cilium enforces them in a cluster that has its resources, the add-on vpc-cni if its configuration has `enableNetworkPolicy`, and other software, which EKS does not show, in clusters without that add-on. `enforced`, `ignored`: in all clusters, or in none.',
  ),
  ciliumAgentIdentity: knob(
    z.enum(['host', 'world']).default('host'),
    'likely',
    'cilium/cilium#34387: `169.254.170.23:80 (host)`; with 1.16 and BPF host routing, cilium/cilium#35989: `(world)`',
    "How Cilium identifies the agent's address: as one of the node, which only the entities `host`, `cluster` and `all` match, or as one outside of the cluster, which blocks of addresses match, too.",
  ),
};
