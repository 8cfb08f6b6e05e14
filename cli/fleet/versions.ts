/** Chooses the add-ons of a cluster, and their versions, from the sandbox's catalogue. */
import type { Catalogue, CatalogueAddon, CatalogueVersion } from '../../sandbox/catalog/catalogue.ts';
import type { Random } from '../../sandbox/random.ts';
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
/** Add-ons that are built into EKS Auto Mode. */
const BUILT_IN = ['aws-ebs-csi-driver', 'vpc-cni', 'kube-proxy', 'coredns', AGENT];
/** An add-on of which no version supports associations; it may still have a role for its DNS challenges. */
export const UNSUPPORTED = 'cert-manager';
const OTHERS = ['coredns', 'kube-proxy', 'snapshot-controller', UNSUPPORTED];

/** Maximum number of add-ons of a cluster. */
export const MOST_ADDONS = 1 + WITH_ROLE.length + OTHERS.length;

export interface Chosen {
  /** Names of add-ons that can use a role. */
  withRole: string[];
  /** Names of add-ons that need no role, the agent first. */
  others: string[];
}

/** Chooses at most `count` add-ons: the agent, and of the rest at least half that can use a role. */
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

/** Returns one of the two newest versions for a Kubernetes version, preferably one that supports associations. */
export const currentVersion = (random: Random, addon: CatalogueAddon, kubernetes: string): CatalogueVersion => {
  const all = fitting(addon, kubernetes);
  const taking = all.filter(({ podIdentity }) => podIdentity !== undefined);
  return pick(random, (taking.length > 0 ? taking : all).slice(0, 2));
};

/**
 * Returns the newest version that supports no associations, if another version for that Kubernetes version does;
 * undefined otherwise.
 */
export const oldVersion = (addon: CatalogueAddon, kubernetes: string): CatalogueVersion | undefined => {
  const all = fitting(addon, kubernetes);
  return all.some(({ podIdentity }) => podIdentity !== undefined)
    ? all.find(({ podIdentity }) => podIdentity === undefined)
    : undefined;
};

/** Returns whether any version for that Kubernetes version supports associations. */
export const takesAssociations = (addon: CatalogueAddon, kubernetes: string): boolean =>
  fitting(addon, kubernetes).some(({ podIdentity }) => podIdentity !== undefined);
