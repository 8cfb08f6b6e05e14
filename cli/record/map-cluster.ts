/** Maps nodes, access entries, budgets and other objects of a cluster to those of a scenario. */
import { NODE_PRINCIPAL_TYPES } from './node-types.ts';
import { capability } from '../../sandbox/scenario/scenario-owners.ts';
import { taint } from '../../sandbox/objects/taints.ts';
import type { ScenarioInput } from '../../sandbox/scenario/scenario.ts';
import type { RecordedConsumers } from './consumers.ts';
import { loadCatalogue } from '../../sandbox/catalog/index.ts';
import { AGENT_ADDON, madeByAddon } from '../../lambdas/domain/addons/registry.ts';
import type { Node } from '../../lambdas/ports/index.ts';
import { countOrShare, keptTags } from './keep.ts';
import type { KubernetesObjects } from './read-kubernetes.ts';
import type { EksAnswers, EntryAnswers } from './recording.ts';
import type { Unread } from './reader.ts';

type Cluster = NonNullable<ScenarioInput['accounts'][number]['clusters']>[number];
type NodeGroupInput = Exclude<NonNullable<Cluster['nodes']>, number>[number];
type EntryInput = NonNullable<Cluster['accessEntries']>[number];

const NODE_GROUP = 'eks.amazonaws.com/nodegroup';
/** Returns whether a label is not one of those that the sandbox's nodes have anyway. */
const isFurther = (key: string): boolean =>
  key === 'kubernetes.io/arch' || !/^(kubernetes\.io|eks\.amazonaws\.com)\//.test(key);

/** Returns the taints that are not set by what a node is or how it is at present. */
const taintsOf = ({ taints = [] }: Node): Pick<NodeGroupInput, 'taints'> => {
  const lasting = taints.flatMap(({ key, value, effect }) => {
    const { data } = taint.safeParse({ key, effect, ...(value ? { value } : {}) });
    return data && !/^(node\.kubernetes\.io|eks\.amazonaws\.com)\//.test(key) ? [data] : [];
  });
  return lasting.length > 0 ? { taints: lasting } : {};
};

/** Returns the nodes in groups of identical ones. `selected`: keys of labels that pods select. */
export const nodeGroups = (
  { nodes, pods }: Required<Pick<KubernetesObjects, 'nodes' | 'pods'>>,
  selected: ReadonlySet<string>,
): NodeGroupInput[] => {
  const agents = pods.filter(({ owner }) => owner?.kind === 'DaemonSet' && owner.name === AGENT_ADDON);
  const broken = new Set(agents.flatMap(({ node, ready }) => (ready || node === undefined ? [] : [node])));
  const groups = new Map<string, NodeGroupInput>();
  for (const node of nodes) {
    const { name, os, compute, ready, nodeGroup, labels: all } = node;
    const labels = Object.fromEntries(
      Object.entries(all)
        .filter(([key]) => selected.has(key) && isFurther(key))
        .sort(([a], [b]) => (a < b ? -1 : 1)),
    );
    const named = nodeGroup !== undefined && selected.has(NODE_GROUP) ? { nodeGroup } : {};
    const group = {
      os,
      compute,
      ready,
      agentReady: !broken.has(name),
      ...(Object.keys(labels).length > 0 ? { labels } : {}),
      ...taintsOf(node),
      ...(compute === 'ec2' && nodeGroup === undefined ? { nodeGroup: null } : named),
    };
    const key = JSON.stringify(group);
    const known = groups.get(key);
    if (known) known.count += 1;
    else groups.set(key, { count: 1, ...group });
  }
  return [...groups.entries()].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, group]) => group);
};

const TYPES = [
  'STANDARD',
  'EC2_LINUX',
  'EC2_WINDOWS',
  'FARGATE_LINUX',
  'EC2',
  'HYBRID_LINUX',
  'HYPERPOD_LINUX',
] as const;

const entryOf = ({ entry, policies }: EntryAnswers): EntryInput[] => {
  const type = TYPES.find((one) => one === entry.type);
  if (entry.principalArn === undefined || type === undefined) return [];
  const isStandard = type === 'STANDARD';
  const groups = isStandard ? (entry.kubernetesGroups ?? []) : [];
  const own = policies.flatMap(({ policyArn, accessScope }) =>
    policyArn === undefined
      ? []
      : [
          {
            policyArn,
            accessScope:
              accessScope?.type === 'namespace'
                ? { type: 'namespace' as const, namespaces: accessScope.namespaces ?? [] }
                : { type: 'cluster' as const },
          },
        ],
  );
  const tags = keptTags(entry.tags);
  return [
    {
      principalArn: entry.principalArn,
      type,
      ...(groups.length > 0 ? { kubernetesGroups: groups } : {}),
      ...(isStandard && own.length > 0 ? { policies: own } : {}),
      ...(Object.keys(tags).length > 0 ? { tags } : {}),
      ...(entry.createdAt ? { createdAt: entry.createdAt.toISOString() } : {}),
    },
  ];
};

export const accessEntries = (entries: readonly EntryAnswers[]): EntryInput[] => entries.flatMap(entryOf);

/** Returns the role of the nodes according to the access entries. */
export const nodeRoleOf = (entries: readonly EntryAnswers[] | undefined): string | undefined =>
  entries?.find(({ entry }) => NODE_PRINCIPAL_TYPES.has(entry.type ?? ''))?.entry.principalArn;

/** Returns the budgets that select pods by labels alone; the others are reported. */
export const budgets = (
  all: KubernetesObjects['budgets'],
  unread: Unread[],
): NonNullable<Cluster['disruptionBudgets']> =>
  all.flatMap(({ metadata: { namespace, name }, spec: { minAvailable, maxUnavailable, selector } }) => {
    const limit = countOrShare(minAvailable ?? maxUnavailable ?? undefined);
    if (!selector || selector.matchExpressions.length > 0 || limit === undefined) {
      unread.push({
        what: `PodDisruptionBudget ${namespace}/${name}`,
        why: 'a scenario has only budgets that select pods by labels, with one limit',
        effect: 'evictions do not respect it',
      });
      return [];
    }
    return [
      {
        namespace,
        name,
        labels: selector.matchLabels,
        ...(minAvailable === null || minAvailable === undefined ? { maxUnavailable: limit } : { minAvailable: limit }),
      },
    ];
  });

export const autoscalers = (all: KubernetesObjects['autoscalers']): NonNullable<Cluster['autoscalers']> =>
  all.flatMap(({ metadata: { namespace }, spec: { minReplicas, maxReplicas, scaleTargetRef } }) => {
    const { kind, name } = scaleTargetRef;
    if (kind !== 'Deployment' && kind !== 'StatefulSet') return [];
    return [{ kind, namespace, name, minReplicas: minReplicas ?? 1, maxReplicas }];
  });

/** Returns the custom resources that no add-on creates itself. */
export const customResources = (
  { customResources: all }: Pick<KubernetesObjects, 'customResources'>,
  addons: readonly string[],
): NonNullable<Cluster['customResources']> => {
  const catalogue = loadCatalogue();
  const own = addons.flatMap((name) => catalogue.get(name)?.objects.customResources ?? []);
  return all
    .filter(
      ({ group, plural, name }) =>
        !own.some((one) => one.group === group && one.plural === plural && one.name === name) &&
        !addons.some((addon) => madeByAddon(addon, { group, plural }).includes(name) && catalogue.has(addon)),
    )
    .map(({ group, version, plural, kind, namespace, name }) => ({
      apiVersion: `${group}/${version}`,
      kind,
      plural,
      ...(namespace === undefined ? {} : { namespace }),
      name,
    }));
};

/** Returns the definitions of custom resources that no add-on brings itself. */
export const definitions = (
  { definitions: all }: Pick<RecordedConsumers, 'definitions'>,
  addons: readonly string[],
): RecordedConsumers['definitions'] => {
  const catalogue = loadCatalogue();
  const own = addons.flatMap((name) => catalogue.get(name)?.objects.customKinds ?? []);
  return all.filter(({ group, plural }) => !own.some((one) => one.group === group && one.plural === plural));
};

export const fargateProfiles = (all: EksAnswers['fargateProfiles']): NonNullable<Cluster['fargateProfiles']> =>
  all.flatMap(({ fargateProfileName = '', selectors = [] }) =>
    selectors.flatMap(({ namespace, labels = {} }, index) =>
      namespace === undefined
        ? []
        : [{ name: index === 0 ? fargateProfileName : `${fargateProfileName}-${index + 1}`, namespace, labels }],
    ),
  );

/** Returns the capabilities; one that a scenario cannot have, such as of a type that is newer than this program, is noted. */
export const capabilities = (all: EksAnswers['capabilities'], unread: Unread[]): NonNullable<Cluster['capabilities']> =>
  all.flatMap(({ capabilityName: name = '', type, status, version, createdAt }) => {
    const input = {
      name,
      type,
      ...(status === 'ACTIVE' ? {} : { status }),
      ...(version === undefined ? {} : { version }),
      ...(createdAt ? { createdAt: createdAt.toISOString() } : {}),
    };
    const parsed = capability.safeParse(input);
    if (parsed.success) return [input as NonNullable<Cluster['capabilities']>[number]];
    const why = `the sandbox has no capability of type ${type} with status ${status}`;
    unread.push({ what: `the EKS capability ${name}`, why, effect: 'the rehearsal does not have it' });
    return [];
  });
