/** Turns what was read of a cluster into a scenario. Makes no calls, so that the same answers give the same scenario. */
import type { PodIdentityAssociation } from '@aws-sdk/client-eks';
import type { ScenarioInput } from '../../sandbox/scenario/scenario.ts';
import { keptDocumentText } from './keep-documents.ts';
import { keptTags } from './keep.ts';
import { type AddonInput, installedAddon, ownersOf, recordedAddon } from './map-addons.ts';
import {
  accessEntries,
  autoscalers,
  budgets,
  capabilities,
  customResources,
  definitions,
  fargateProfiles,
  nodeGroups,
  nodeRoleOf,
} from './map-cluster.ts';
import { roleInput } from './map-roles.ts';
import { networkPolicies, networkResources } from './network.ts';
import { ownWorkload, pastPods, podsByWorkload, selectingKeys, serviceAccounts } from './map-workloads.ts';
import type { KubernetesObjects, RecordedWorkload } from './read-kubernetes.ts';
import type { Recording } from './recording.ts';

type Cluster = NonNullable<ScenarioInput['accounts'][number]['clusters']>[number];
type CustomResource = NonNullable<Cluster['customResources']>[number];
type AssociationInput = NonNullable<Cluster['associations']>[number];

export interface MappingOptions {
  /** Whether the configuration values of add-ons are recorded. */
  withConfiguration: boolean;
  /** `granted`: the service has access to the API server; `as-recorded`: only the cluster's own entries. */
  access: 'granted' | 'as-recorded';
}

const associationInput = (one: PodIdentityAssociation, addons: Recording['eks']['addons']): AssociationInput => {
  const owner = addons.find(({ addon }) => addon?.addonArn !== undefined && addon.addonArn === one.ownerArn)?.name;
  const tags = keptTags(one.tags);
  return {
    ...(one.associationId === undefined ? {} : { id: one.associationId }),
    namespace: one.namespace ?? '',
    serviceAccount: one.serviceAccount ?? '',
    roleArn: one.roleArn ?? '',
    ...(owner === undefined ? {} : { owner }),
    ...(one.targetRoleArn === undefined ? {} : { targetRoleArn: one.targetRoleArn }),
    ...(one.disableSessionTags === true ? { disableSessionTags: true } : {}),
    ...(one.policy === undefined ? {} : { policy: keptDocumentText(one.policy) }),
    ...(Object.keys(tags).length > 0 ? { tags } : {}),
    ...(one.createdAt ? { createdAt: one.createdAt.toISOString() } : {}),
  };
};

const issuerIdOf = (issuer: string | undefined): string | undefined => /\/id\/([0-9A-F]{32})$/.exec(issuer ?? '')?.[1];

/** Tags that a scenario's cluster can have: AWS reserves those with aws:. */
const clusterTagsOf = (tags: Record<string, string> | undefined): Record<string, string> =>
  Object.fromEntries(Object.entries(keptTags(tags)).filter(([key]) => !/^aws:/i.test(key)));

const WEBHOOK = 'pod-identity-webhook';

const webhookOf = ({ webhooks }: KubernetesObjects): Cluster['podIdentityWebhook'] => {
  if (!webhooks) return undefined;
  const found = webhooks.find(({ configuration }) => configuration === WEBHOOK);
  if (!found) return 'absent';
  return found.failurePolicy === 'Fail' ? 'Fail' : undefined;
};

/** Returns the objects of other software: of each, those by which consumers are found, once. */
const allCustomResources = (
  objects: KubernetesObjects,
  installed: readonly string[],
  nodeKeys: ReadonlySet<string>,
  unread: Recording['unread'],
): CustomResource[] => {
  const { objects: users } = objects.consumers;
  const keyOf = ({ plural, namespace = '', name }: CustomResource): string => `${plural} ${namespace}/${name}`;
  const known = new Set(users.map(keyOf));
  return [
    ...customResources(objects, installed).filter((one) => !known.has(keyOf(one))),
    ...users,
    ...networkResources(objects.network, nodeKeys, unread),
  ];
};

/** Reports the pods that a scenario cannot have. */
const reportPods = ({ pods }: KubernetesObjects, unread: Recording['unread']): void => {
  const others = pods.filter(
    ({ owner, terminating }) => !terminating && !['Deployment', 'DaemonSet', 'StatefulSet'].includes(owner?.kind ?? ''),
  );
  if (others.length > 0)
    unread.push({
      what: `${others.length} ${others.length === 1 ? 'pod' : 'pods'} of Jobs or without a workload`,
      why: 'a scenario has only pods of Deployments, DaemonSets and StatefulSets',
      effect: 'the rehearsal does not have them',
    });
  const broken = pods.filter(({ ready, terminating, owner }) => !ready && !terminating && owner?.kind !== 'Job');
  if (broken.length > 0)
    unread.push({
      what: `the state of ${broken.length} ${broken.length === 1 ? 'pod that is' : 'pods that are'} not ready`,
      why: `for example ${broken[0]?.namespace}/${broken[0]?.name}`,
      effect: 'in the rehearsal they are ready, unless their node is not',
    });
};

/** Fields of a cluster that come from its objects. `addons`: names of the installed add-ons. */
const fromObjects = (
  objects: KubernetesObjects,
  { eks, unread }: Recording,
  owners: ReadonlyMap<RecordedWorkload, string>,
): Partial<Cluster> => {
  const byWorkload = podsByWorkload(objects.pods);
  const selected = selectingKeys(objects, eks.fargateProfiles);
  const nodeKeys = new Set(objects.workloads.flatMap(({ nodeSelector }) => Object.keys(nodeSelector)));
  const installed = eks.addons.filter(({ addon }) => addon).map(({ name }) => name);
  const webhook = webhookOf(objects);
  const disruptionBudgets = budgets(objects.budgets, unread);
  const scaled = autoscalers(objects.autoscalers);
  const { volumes } = objects.consumers;
  const defined = definitions(objects.consumers, installed);
  const custom = allCustomResources(objects, installed, nodeKeys, unread);
  const claims = new Set(volumes.flatMap(({ claim }) => (claim ? [`${claim.namespace}/${claim.name}`] : [])));
  const policies = networkPolicies(objects.network, unread);
  const podsOf = (one: RecordedWorkload) => byWorkload.get(`${one.kind} ${one.namespace}/${one.name}`) ?? [];
  const own = objects.workloads.filter((one) => !owners.has(one));
  reportPods(objects, unread);
  return {
    ...(objects.nodes ? { nodes: nodeGroups({ ...objects, nodes: objects.nodes }, nodeKeys) } : {}),
    ...(webhook === undefined ? {} : { podIdentityWebhook: webhook }),
    workloads: own.map((one) => ownWorkload(one, podsOf(one), selected, claims)),
    serviceAccounts: serviceAccounts(objects.accounts),
    pods: pastPods(objects.workloads, byWorkload),
    ...(disruptionBudgets.length > 0 ? { disruptionBudgets } : {}),
    ...(scaled.length > 0 ? { autoscalers: scaled } : {}),
    ...(defined.length > 0 ? { customResourceDefinitions: defined } : {}),
    ...(custom.length > 0 ? { customResources: custom } : {}),
    ...(volumes.length > 0 ? { persistentVolumes: volumes } : {}),
    ...(policies.length > 0 ? { networkPolicies: policies } : {}),
  };
};

const clusterOf = (
  recording: Recording,
  owners: ReadonlyMap<RecordedWorkload, string>,
  { withConfiguration, access }: MappingOptions,
): Cluster => {
  const { target, eks, kubernetes, oidcProvider, unreachable } = recording;
  const { cluster, entries } = eks;
  const oidcId = issuerIdOf(cluster.identity?.oidc?.issuer);
  const tags = clusterTagsOf(cluster.tags);
  const mode = cluster.accessConfig?.authenticationMode;
  const profiles = fargateProfiles(eks.fargateProfiles);
  const nodeRoleArn = nodeRoleOf(entries);
  const ofAws = capabilities(eks.capabilities, recording.unread);
  const ofAddon = (name: string): RecordedWorkload[] =>
    [...owners].flatMap(([workload, owner]) => (owner === name ? [workload] : []));
  const addons = eks.addons.flatMap((one): AddonInput[] => {
    const found = installedAddon(one, ofAddon(one.name), { withConfiguration });
    return found ? [found] : [];
  });
  return {
    name: target.cluster,
    region: target.region,
    version: cluster.version ?? '',
    ...(cluster.platformVersion === undefined ? {} : { platformVersion: cluster.platformVersion }),
    ...(cluster.status === undefined || cluster.status === 'ACTIVE' || cluster.status === 'PENDING'
      ? {}
      : { status: cluster.status }),
    ...(cluster.createdAt ? { createdAt: cluster.createdAt.toISOString() } : {}),
    ...(oidcId === undefined ? {} : { oidcId, ...(oidcProvider === 'absent' ? { oidcProvider } : {}) }),
    ...(unreachable ? { apiServer: 'unreachable' } : {}),
    ...(cluster.computeConfig?.enabled === true ? { autoMode: true } : {}),
    ...(mode === undefined ? {} : { authenticationMode: mode }),
    ...(profiles.length > 0 ? { fargateProfiles: profiles } : {}),
    ...(nodeRoleArn === undefined ? {} : { nodeRoleArn }),
    addons,
    ...(ofAws.length > 0 ? { capabilities: ofAws } : {}),
    associations: eks.associations.map((one) => associationInput(one, eks.addons)),
    ...(entries ? { accessEntries: accessEntries(entries) } : {}),
    ...(entries && access === 'granted' ? { serviceAccess: 'added' } : {}),
    ...(Object.keys(tags).length > 0 ? { tags } : {}),
    ...(kubernetes ? fromObjects(kubernetes, recording, owners) : {}),
  };
};

const descriptionOf = ({ target, at, unread }: Recording): string =>
  [
    `Cluster ${target.cluster} in ${target.region}, recorded on ${at.slice(0, 10)} by pod-identity record.`,
    ...(unread.length > 0 ? [`Not recorded: ${unread.map(({ what }) => what).join(', ')}.`] : []),
  ].join(' ');

/** Returns the scenario. Adds to `unread` what a scenario cannot express. */
export const toScenario = (recording: Recording, options: MappingOptions): ScenarioInput => {
  const { target, eks, kubernetes, roles, at, unread } = recording;
  const owners = ownersOf(kubernetes?.workloads ?? [], eks.addons);
  const byWorkload = podsByWorkload(kubernetes?.pods ?? []);
  const selected = kubernetes ? selectingKeys(kubernetes, eks.fargateProfiles) : new Set<string>();
  const catalogue = eks.addons.flatMap((answers) => {
    const workloads = [...owners].flatMap(([workload, owner]) => (owner === answers.name ? [workload] : []));
    const objects = kubernetes && {
      workloads,
      selected,
      accounts: kubernetes.accounts,
      podsOf: (one: RecordedWorkload) => byWorkload.get(`${one.kind} ${one.namespace}/${one.name}`) ?? [],
    };
    return recordedAddon(answers, eks.cluster.version ?? '', objects) ?? [];
  });
  const cluster = clusterOf(recording, owners, options);
  const account = { id: target.account, roles: roles.map((one) => roleInput(one, unread)), clusters: [cluster] };
  return { description: descriptionOf(recording), seed: 1, startAt: at, accounts: [account], catalogue };
};
