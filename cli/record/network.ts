/** Records what decides whether pods can reach the Pod Identity agent: network policies, and node pools of Karpenter. */
import { resourceName } from '../../lambdas/domain/kubernetes/objects.ts';
import { z } from 'zod';
import { type KubernetesApi, unlessNotFound } from '../../lambdas/adapters/kubernetes-api.ts';
import { NETWORK_RESOURCES } from '../../lambdas/domain/network/model.ts';
import { networkPolicySpec } from '../../sandbox/objects/network-policy.ts';
import type { ScenarioInput } from '../../sandbox/scenario/scenario.ts';
import { keptCiliumSpec } from './keep-cilium.ts';
import { NOT_RECORDED } from './keep.ts';
import type { Reader, Unread } from './reader.ts';

type Cluster = NonNullable<ScenarioInput['accounts'][number]['clusters']>[number];
type PolicyInput = NonNullable<Cluster['networkPolicies']>[number];
type ResourceInput = NonNullable<Cluster['customResources']>[number];

const object = z.looseObject({
  kind: z.string().nullish(),
  metadata: z.looseObject({ name: z.string(), namespace: z.string().nullish() }),
  spec: z.record(z.string(), z.unknown()).nullish(),
  specs: z.array(z.unknown()).nullish(),
});
type Objects = z.output<typeof object>[];

/** What was read, by the resource's name. */
export type NetworkObjects = { group: string; version: string; plural: string; objects: Objects }[];

/** Reads the resources in the first version that the API server serves. */
export const readNetwork = async (reader: Reader, api: KubernetesApi): Promise<NetworkObjects> => {
  const found: NetworkObjects = [];
  for (const { group, plural, versions } of NETWORK_RESOURCES) {
    const resource = resourceName({ group, plural });
    reader.verbs.add(`list ${resource}`);
    const read = async (): Promise<NetworkObjects> => {
      for (const version of versions) {
        const path = `/apis/${group}/${version}/${plural}`;
        const objects = await unlessNotFound(() => api.list({ path, what: `list ${resource}` }, object));
        if (objects) return [{ group, version, plural, objects }];
      }
      return [];
    };
    found.push(...(await reader.attempt(`the ${resource}`, 'the rehearsal has none of them', [], read)));
  }
  return found;
};

const KINDS: Readonly<Record<string, string>> = {
  networkpolicies: 'NetworkPolicy',
  ciliumnetworkpolicies: 'CiliumNetworkPolicy',
  ciliumclusterwidenetworkpolicies: 'CiliumClusterwideNetworkPolicy',
  nodepools: 'NodePool',
};

/** An effect that Kubernetes does not have keeps no pod away. */
const effect = z.enum(['NoSchedule', 'PreferNoSchedule', 'NoExecute']).or(z.string().transform(() => NOT_RECORDED));

const parts = z.looseObject({
  template: z.looseObject({
    metadata: z.looseObject({ labels: z.record(z.string(), z.string()).nullish() }).nullish(),
    spec: z.looseObject({
      nodeClassRef: z.looseObject({ group: z.string().nullish() }).nullish(),
      taints: z.array(z.object({ key: z.string(), value: z.string().nullish(), effect })).nullish(),
    }),
  }),
});

/** Returns of a node pool's specification what decides which pods its nodes have. `selected`: labels that pods select. */
const nodePoolSpec = (spec: unknown, selected: ReadonlySet<string>): Record<string, unknown> => {
  const { data } = parts.safeParse(spec);
  if (!data) return {};
  const { metadata, spec: template } = data.template;
  const labels = Object.entries(metadata?.labels ?? {}).filter(([key]) => selected.has(key));
  const group = template.nodeClassRef?.group;
  return {
    template: {
      ...(labels.length > 0 ? { metadata: { labels: Object.fromEntries(labels) } } : {}),
      spec: {
        ...(group ? { nodeClassRef: { group } } : {}),
        ...(template.taints && template.taints.length > 0 ? { taints: template.taints } : {}),
      },
    },
  };
};

/** Returns the NetworkPolicies; one that a scenario cannot have is noted. */
export const networkPolicies = (all: NetworkObjects, unread: Unread[]): PolicyInput[] =>
  all
    .filter(({ plural }) => plural === 'networkpolicies')
    .flatMap(({ objects }) => objects)
    .flatMap(({ metadata: { namespace, name }, spec }) => {
      const parsed = networkPolicySpec.safeParse(spec);
      if (namespace && parsed.success) return [{ metadata: { namespace, name }, spec: parsed.data }];
      const why = `a scenario cannot have it: ${parsed.error?.issues[0]?.message ?? 'it has no namespace'}`;
      unread.push({ what: `NetworkPolicy ${namespace ?? ''}/${name}`, why, effect: 'the rehearsal does not have it' });
      return [];
    });

/** Returns the policies of Cilium, and the node pools of Karpenter. */
export const networkResources = (
  all: NetworkObjects,
  selected: ReadonlySet<string>,
  unread: Unread[],
): ResourceInput[] =>
  all
    .filter(({ plural }) => plural !== 'networkpolicies')
    .flatMap(({ group, version, plural, objects }) =>
      objects.map(({ metadata: { namespace, name }, spec, specs }): ResourceInput => {
        const kind = KINDS[plural] ?? plural;
        if (specs && specs.length > 0)
          unread.push({
            what: `the specs of ${kind} ${namespace ? `${namespace}/` : ''}${name}`,
            why: 'a scenario has only one spec of an object',
            effect: 'in the rehearsal the policy has none of these rules',
          });
        return {
          apiVersion: `${group}/${version}`,
          kind,
          plural,
          ...(namespace ? { namespace } : {}),
          name,
          ...(spec ? { spec: plural === 'nodepools' ? nodePoolSpec(spec, selected) : keptCiliumSpec(spec) } : {}),
        };
      }),
    );

const keysIn = (selector: unknown): string[] => {
  const { data } = z
    .looseObject({
      matchLabels: z.record(z.string(), z.unknown()).nullish(),
      matchExpressions: z.array(z.looseObject({ key: z.string() })).nullish(),
    })
    .safeParse(selector);
  return [...Object.keys(data?.matchLabels ?? {}), ...(data?.matchExpressions ?? []).map(({ key }) => key)];
};

/** Returns the keys of labels by which policies select pods. Those of Cilium may begin with their source. */
export const keysOfPolicies = (all: NetworkObjects): string[] =>
  all.flatMap(({ objects }) =>
    objects.flatMap(({ spec }) =>
      [spec?.['podSelector'], spec?.['endpointSelector']]
        .flatMap(keysIn)
        .flatMap((key) => [key, key.replace(/^(k8s|any)[:.]/, '')]),
    ),
  );
