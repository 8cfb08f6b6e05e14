/** Which add-ons a cluster has, and in which versions: of the sandbox's catalogue. */
import type { Catalogue, CatalogueAddon, CatalogueVersion } from '../../sandbox/catalog/catalogue.ts';
import type { Random } from '../../sandbox/world/random.ts';
import { pick, shuffled } from './chance.ts';
import type { ClusterState } from './states.ts';

export const AGENT = 'eks-pod-identity-agent';
/** Add-ons that can use a role. */
const WITH_ROLE = [
  'aws-ebs-csi-driver',
  'vpc-cni',
  'aws-efs-csi-driver',
  'amazon-cloudwatch-observability',
  'adot',
  'aws-fsx-csi-driver',
  'aws-mountpoint-s3-csi-driver',
];
/** Those whose pods can all run on Fargate. */
const ON_FARGATE = ['aws-ebs-csi-driver', 'aws-efs-csi-driver', 'aws-fsx-csi-driver'];
/** What EKS Auto Mode has built in. */
const BUILT_IN = ['aws-ebs-csi-driver', 'vpc-cni', 'kube-proxy', 'coredns', AGENT];
/** No version of it takes associations; it may have a role for its DNS challenges nonetheless. */
export const UNSUPPORTED = 'cert-manager';
const OTHERS = ['coredns', 'kube-proxy', 'snapshot-controller', UNSUPPORTED];

/** Add-ons that a cluster can have at most. */
export const MOST_ADDONS = 1 + WITH_ROLE.length + OTHERS.length;

export interface Chosen {
  /** Names of add-ons that can use a role. */
  withRole: string[];
  /** Of those that need none, the agent first. */
  others: string[];
}

/** At most so many add-ons: the agent, half of the rest such that can use a role. */
export const chooseAddons = (random: Random, cluster: ClusterState, count: number): Chosen => {
  const builtIn = cluster === 'auto-mode' ? BUILT_IN : [];
  const agent = cluster === 'no-agent' || cluster === 'auto-mode' ? [] : [AGENT];
  const left = count - agent.length;
  const possible = (cluster === 'fargate-only' ? ON_FARGATE : WITH_ROLE).filter((name) => !builtIn.includes(name));
  const withRole = shuffled(random, possible).slice(0, Math.max(1, Math.ceil(left / 2)));
  const others = OTHERS.filter((name) => !builtIn.includes(name)).slice(0, Math.max(0, left - withRole.length));
  const missing = left - withRole.length - others.length;
  const more = possible.filter((name) => !withRole.includes(name)).slice(0, Math.max(0, missing));
  return { withRole: [...withRole, ...more], others: [...agent, ...others] };
};

const fitting = (addon: CatalogueAddon, kubernetes: string): CatalogueVersion[] =>
  addon.versions.filter(({ kubernetesVersions }) => kubernetesVersions.includes(kubernetes));

export const requireAddon = (catalogue: Catalogue, name: string): CatalogueAddon => {
  const addon = catalogue.get(name);
  if (!addon) throw new Error(`The sandbox's catalogue has no add-on ${name}.`);
  return addon;
};

/** One of its two newest versions for that Kubernetes version, of those that take associations where there are such. */
export const currentVersion = (random: Random, addon: CatalogueAddon, kubernetes: string): CatalogueVersion => {
  const all = fitting(addon, kubernetes);
  const taking = all.filter(({ podIdentity }) => podIdentity !== undefined);
  return pick(random, (taking.length > 0 ? taking : all).slice(0, 2));
};

/**
 * The newest that takes no associations, where a newer one does; undefined where there is none for that Kubernetes
 * version.
 */
export const oldVersion = (addon: CatalogueAddon, kubernetes: string): CatalogueVersion | undefined => {
  const all = fitting(addon, kubernetes);
  return all.some(({ podIdentity }) => podIdentity !== undefined)
    ? all.find(({ podIdentity }) => podIdentity === undefined)
    : undefined;
};

/** Whether it takes associations in any version for that Kubernetes version. */
export const takesAssociations = (addon: CatalogueAddon, kubernetes: string): boolean =>
  fitting(addon, kubernetes).some(({ podIdentity }) => podIdentity !== undefined);
