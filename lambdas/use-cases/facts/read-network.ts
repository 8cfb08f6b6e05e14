/** Reads what decides whether pods can reach the Pod Identity agent: network policies, and the taints of nodes to come. */
import { resourceName } from '../../domain/kubernetes/objects.ts';
import { vpcCniEnforces, enginesIn, VPC_CNI } from '../../domain/network/enforcement.ts';
import { NETWORK_RESOURCES, type NetworkFacts } from '../../domain/network/model.ts';
import { policiesIn } from '../../domain/network/reachability.ts';
import { seenIn } from '../../domain/terms/seen.ts';
import type { ApiGroup, ReadingPorts } from '../../ports/index.ts';
import type { DiscoveringPort } from './discovery.ts';
import { seen } from './refused-reads.ts';

/** Returns the versions to try: those that the API server serves, the one to prefer first. */
const versionsOf = (group: string, versions: readonly string[], groups: readonly ApiGroup[] | undefined): string[] => {
  const served = groups?.find(({ name }) => name === group);
  return versions.filter((version) => groups === undefined || served?.versions.includes(version));
};

/**
 * Reads the resources that the API server serves, policies with a namespace only in the namespace of the pods. A resource
 * that may not be read is reported, and so are refused API groups, whose resources are tried then.
 */
export async function readNetwork(kubernetes: DiscoveringPort, namespace: string): Promise<NetworkFacts> {
  const groups = seenIn(await seen(() => kubernetes.listApiGroups()));
  const objects: Record<string, unknown[]> = {};
  const unread: { resource: string; error: string }[] = [];
  for (const { group, plural, versions, namespaced } of NETWORK_RESOURCES) {
    const name = resourceName({ group, plural });
    for (const version of versionsOf(group, versions, groups)) {
      const found = await seen(() =>
        kubernetes.listObjects({ group, version, plural, ...(namespaced ? { namespace } : {}) }),
      );
      if ('error' in found) unread.push({ resource: name, error: found.error });
      else if (found.seen === undefined) continue;
      else objects[name] = found.seen;
      break;
    }
  }
  // Without the groups, resources that are served show theirs.
  const served = NETWORK_RESOURCES.filter((one) => resourceName(one) in objects).map(({ group }) => ({
    name: group,
  }));
  return { objects, unread, engines: enginesIn(groups ?? served) };
}

/**
 * Reads whether the add-on vpc-cni enforces network policies, if that matters: there are some, and no other engine is
 * known to enforce them.
 */
export async function readEnforcement(
  eks: Pick<ReadingPorts['eks'], 'describeAddon'>,
  network: NetworkFacts,
): Promise<NetworkFacts> {
  if (network.engines.length > 0 || policiesIn(network).length === 0) return network;
  const addon = await eks.describeAddon(VPC_CNI);
  return addon ? { ...network, vpcCni: vpcCniEnforces(addon.configurationValues) ? 'enforces' : 'ignores' } : network;
}
