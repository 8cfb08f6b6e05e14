/** Public modules that define add-ons, by their source, and where their arguments have the add-ons. */
import { posix } from 'node:path';
import { attributeOf, type Block } from './syntax.ts';
import type { Scope } from './scope.ts';
import { knownText } from './value.ts';

export interface AddonModule {
  name: string;
  /** Names of the argument with the add-ons, by version. */
  addons: readonly { argument: string; since?: string; note?: string }[];
  /** Names of the argument with the cluster's name. */
  cluster: readonly string[];
  /** `map`: by key, or by `name`. `list`: by `addon_name`. */
  shape: 'map' | 'list';
  /** `list`: a list of `{ role_arn, service_account }`. `map`: roles by service account. Absent if it has no associations. */
  associations?: 'list' | 'map';
}

/** As of version 21.19 (April 2026); `pod_identity_association` came with 20.29. */
const EKS: AddonModule = {
  name: 'terraform-aws-modules/eks',
  addons: [
    {
      argument: 'addons',
      since: '21.0.0',
      note: 'most_recent is true by default in version 21: the next apply may also change the version of the add-on. Set addon_version to keep it.',
    },
    { argument: 'cluster_addons', since: '20.29.0' },
  ],
  cluster: ['name', 'cluster_name'],
  shape: 'map',
  associations: 'list',
};

/** As of July 2026: it has no argument for associations (terraform-aws-eks-blueprints-addons#289). */
const BLUEPRINTS: AddonModule = {
  name: 'aws-ia/eks-blueprints-addons',
  addons: [{ argument: 'eks_addons' }],
  cluster: ['cluster_name'],
  shape: 'map',
};

/** As of July 2026; `pod_identity_association` came with 4.7. */
const CLOUDPOSSE: AddonModule = {
  name: 'cloudposse/eks-cluster',
  addons: [{ argument: 'addons', since: '4.7.0' }],
  cluster: [],
  shape: 'list',
  associations: 'map',
};

const REGISTRY: Readonly<Record<string, AddonModule>> = {
  'terraform-aws-modules/eks/aws': EKS,
  'aws-ia/eks-blueprints-addons/aws': BLUEPRINTS,
  'cloudposse/eks-cluster/aws': CLOUDPOSSE,
};
const GITHUB: Readonly<Record<string, AddonModule>> = {
  'terraform-aws-modules/terraform-aws-eks': EKS,
  'aws-ia/terraform-aws-eks-blueprints-addons': BLUEPRINTS,
  'cloudposse/terraform-aws-eks-cluster': CLOUDPOSSE,
};

/** Returns the literal text of an argument. */
const argumentText = (scope: Scope, { body }: Block, name: string): string | undefined => {
  const argument = attributeOf(body, name);
  return argument === undefined ? undefined : knownText(scope.valueOf(argument.value));
};

export interface Source {
  module: AddonModule;
  /** The version that a Git address names. */
  ref?: string;
}

/** Returns what is known of a module by its source: a name of the registry, or an address of its repository on GitHub. */
export function sourceOf(scope: Scope, block: Block): Source | undefined {
  const source = argumentText(scope, block, 'source') ?? '';
  const named = REGISTRY[source.replace(/^registry\.(?:terraform\.io|opentofu\.org)\//, '')];
  if (named !== undefined) return { module: named };
  const [address = '', query = ''] = source.split('?');
  const [, owner = '', repository = ''] = /github\.com[:/]([\w.-]+)\/([\w.-]+)$/.exec(address) ?? [];
  const module = GITHUB[`${owner}/${posix.basename(repository, '.git')}`];
  const ref = new URLSearchParams(query).get('ref')?.replace(/^(?:tags\/)?v?(?=\d)/, '');
  return module && { module, ...(ref !== undefined && { ref }) };
}
