/**
 * Whether network policies cut a pod off from an address of its node. Cilium enforces them in a cluster that serves its
 * resources, otherwise the VPC CNI, if it is configured to.
 */
import { configurationValue } from '../configuration-value.ts';
import type { Pod } from '../objects/objects.ts';
import { countObjects, getObject, listObjects, listResources } from '../objects/store.ts';
import type { KubeState } from '../objects/kube-state.ts';
import type { ClusterState, World } from '../world/world.ts';
import { verdictsOfCiliumPolicy } from './cilium-policies.ts';
import { CILIUM_GROUP, CILIUM_KINDS } from './cilium-kinds.ts';
import { verdictOfNetworkPolicy } from './kubernetes-policies.ts';
import { type Destination, isCutOff } from './verdict.ts';

const hasCilium = ({ customKinds }: KubeState): boolean =>
  [...customKinds.values()].some(({ group }) => group === CILIUM_GROUP);

const VPC_CNI = 'vpc-cni';

/** Returns whether the VPC CNI enforces policies. One that is no add-on does: EKS does not show its configuration. */
const vpcCniEnforces = ({ addons }: Pick<ClusterState, 'addons'>): boolean => {
  const addon = addons.get(VPC_CNI);
  if (!addon) return true;
  return String(configurationValue(addon.configurationValues, 'enableNetworkPolicy')) === 'true';
};

/** Returns whether objects of a resource can cut pods off. */
export const cutsOff = ({ group, kind }: { group: string; kind: string }): boolean =>
  kind === 'NetworkPolicy' || (group === CILIUM_GROUP && CILIUM_KINDS.some((each) => each.kind === kind));

/**
 * Returns whether a pod cannot connect to a destination on its node. Pods in their node's network are the node, to
 * which no policy for pods applies.
 */
export const isCutOffFrom = (
  { knobs }: Pick<World, 'knobs'>,
  { kube, addons }: Pick<ClusterState, 'kube' | 'addons'>,
  pod: Pod,
  destination: Destination,
): boolean => {
  if (knobs.networkPolicies === 'ignored' || pod.spec.hostNetwork === true) return false;
  const isCilium = hasCilium(kube);
  if (!isCilium && countObjects(kube, 'NetworkPolicy') === 0) return false;
  if (!isCilium && knobs.networkPolicies === 'configured' && !vpcCniEnforces({ addons })) return false;
  const identity = knobs.ciliumAgentIdentity;
  const { namespace = 'default' } = pod.metadata;
  const verdicts = listObjects(kube, 'NetworkPolicy', namespace).map((policy) =>
    verdictOfNetworkPolicy(policy, pod, destination, !isCilium || identity === 'world'),
  );
  if (!isCilium) return isCutOff(verdicts);
  const namespaceLabels = getObject(kube, 'Namespace', undefined, namespace)?.metadata.labels ?? {};
  return isCutOff([
    ...verdicts,
    ...CILIUM_KINDS.flatMap((kind) => listResources(kube, { ...kind, shortNames: [], verbs: [] })).flatMap((policy) =>
      verdictsOfCiliumPolicy(policy, pod, namespaceLabels, destination, identity),
    ),
  ]);
};
