/** The resources of Cilium that determine what pods can connect to. Source: Cilium's CustomResourceDefinitions. */
import type { CustomKind } from '../objects/objects.ts';

export const CILIUM_GROUP = 'cilium.io';

export const CILIUM_KINDS: readonly CustomKind[] = [
  {
    group: CILIUM_GROUP,
    versions: ['v2'],
    plural: 'ciliumnetworkpolicies',
    kind: 'CiliumNetworkPolicy',
    shortNames: ['cnp', 'ciliumnp'],
    namespaced: true,
  },
  {
    group: CILIUM_GROUP,
    versions: ['v2'],
    plural: 'ciliumclusterwidenetworkpolicies',
    kind: 'CiliumClusterwideNetworkPolicy',
    shortNames: ['ccnp'],
    namespaced: false,
  },
];
