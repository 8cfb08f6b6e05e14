/** Decides whether network policies cut a pod off from the Pod Identity agent. */
import { z } from 'zod';
import { all, any, not, type Truth } from '../policy/index.ts';
import { ciliumEffects } from './cilium.ts';
import { agentAddress, type NetworkFacts, type PolicyEffect, type PolicySubject } from './model.ts';
import { networkPolicyEffect } from './network-policy.ts';

const named = z.looseObject({
  metadata: z.looseObject({ name: z.string(), namespace: z.string().nullish() }),
});

export interface Reachability {
  /** Whether the pod's requests to the agent are cut off. */
  cutOff: Truth;
  /** The policies that do so, or may; sorted, each once. */
  by: string[];
}

/** Kinds of policies by the resource that has them. */
const POLICY_KINDS = {
  'networkpolicies.networking.k8s.io': 'NetworkPolicy',
  'ciliumnetworkpolicies.cilium.io': 'CiliumNetworkPolicy',
  'ciliumclusterwidenetworkpolicies.cilium.io': 'CiliumClusterwideNetworkPolicy',
} as const;
type PolicyResource = keyof typeof POLICY_KINDS;
export type PolicyKind = (typeof POLICY_KINDS)[PolicyResource];

/** A policy that was read, with its name in messages and in requests. */
export interface ReadPolicy {
  kind: PolicyKind;
  name: string;
  object: unknown;
  namespace?: string;
}

/** Returns the policies that were read. An object without a name is no object of an API server. */
export const policiesIn = ({ objects }: Pick<NetworkFacts, 'objects'>): ReadPolicy[] =>
  (Object.keys(POLICY_KINDS) as PolicyResource[]).flatMap((resource) =>
    (objects[resource] ?? []).flatMap((object) => {
      const parsed = named.safeParse(object);
      if (!parsed.success) return [];
      const kind = POLICY_KINDS[resource];
      const { name, namespace } = parsed.data.metadata;
      const isNamespaced = kind !== 'CiliumClusterwideNetworkPolicy' && namespace;
      return [
        isNamespaced
          ? { kind, name: `${kind}/${namespace}/${name}`, object, namespace }
          : { kind, name: `${kind}/${name}`, object },
      ];
    }),
  );

/** A policy denies the requests, or one isolates the pod and none allows them. */
function cutOffBy(effects: readonly PolicyEffect[]): Truth {
  const isolated: Truth = effects.some(({ isolates }) => isolates) ? 'yes' : 'no';
  const open = any(effects.map(({ allows }) => allows));
  return any([...effects.map(({ denies }) => denies), all([isolated, not(open)])]);
}

function responsibleIn(effects: readonly PolicyEffect[]): PolicyEffect[] {
  const isOpen = any(effects.map(({ allows }) => allows)) === 'yes';
  return effects.filter(({ denies, isolates }) => denies !== 'no' || (isolates && !isOpen));
}

/**
 * Returns whether the policies together cut a pod off. Where it is not known whether a policy selects the pod, both cases
 * count: the worst is that the policies which allow the requests do not select it, and all others do.
 */
export function decide(effects: readonly PolicyEffect[]): Reachability {
  const helps = ({ allows, denies }: PolicyEffect): boolean => allows === 'yes' && denies === 'no';
  const worst = effects.filter((one) => one.selects === 'yes' || (one.selects === 'unknown' && !helps(one)));
  const best = effects.filter((one) => one.selects === 'yes' || (one.selects === 'unknown' && helps(one)));
  const [atWorst, atBest] = [cutOffBy(worst), cutOffBy(best)];
  if (atWorst === 'no' && atBest === 'no') return { cutOff: 'no', by: [] };
  // In either case: a policy that does so only if another does not select the pod is named, too.
  const responsible = [worst, best].flatMap(responsibleIn);
  return {
    cutOff: atWorst === atBest ? atWorst : 'unknown',
    by: [...new Set(responsible.map(({ name }) => name))].sort(),
  };
}

export interface Cluster {
  ipv6: boolean;
  /** Whether Cilium enforces the policies. */
  cilium: boolean;
}

/** Returns whether policies cut off a pod that has a network of its own. A pod in its node's network has no policies. */
export function reachability(
  policies: readonly ReadPolicy[],
  subject: PolicySubject,
  { ipv6, cilium }: Cluster,
): Reachability {
  const address = agentAddress(ipv6);
  return decide(
    policies
      .filter(({ namespace }) => namespace === undefined || namespace === subject.namespace)
      .flatMap(({ kind, name, object, namespace }) =>
        kind === 'NetworkPolicy'
          ? [networkPolicyEffect(name, object, subject, { address, byRange: cilium ? 'unknown' : 'yes' })]
          : ciliumEffects({ name, object, ...(namespace === undefined ? {} : { namespace }) }, subject, address),
      ),
  );
}
