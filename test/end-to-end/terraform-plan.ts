/**
 * A small stand-in for Terraform and terraform-provider-aws: says which calls an apply of simple code would make, after
 * an ordinary refresh. It reads the code with a reader of its own, shares nothing with the commands that it judges, and
 * follows what was seen with OpenTofu (docs/hand-off.md). It knows what decides about an identity, and nothing else.
 */
import { isDeepStrictEqual } from 'node:util';
import {
  CreatePodIdentityAssociationCommand,
  DeletePodIdentityAssociationCommand,
  TagResourceCommand,
  UntagResourceCommand,
  UpdateAddonCommand,
  UpdatePodIdentityAssociationCommand,
} from '@aws-sdk/client-eks';
import { UpdateAssumeRolePolicyCommand } from '@aws-sdk/client-iam';
import type { CodeFile } from '../../cli/hand-off/terraform/model.ts';
import { isLive } from '../../sandbox/eks/association-state.ts';
import type { AssociationState, RoleState } from '../../sandbox/world/world.ts';
import { type ReadBlock, readHcl, type Value } from '../lambdas/domain/hand-off/formats/hcl-reader.ts';
import type { OpenWorld } from './world.ts';

/** Addresses of the associations that Terraform manages, with their ids. */
export type State = ReadonlyMap<string, string>;

type Call =
  | { operation: 'UpdateAddon'; input: UpdateAddonCommand['input'] }
  | { operation: 'CreatePodIdentityAssociation'; input: CreatePodIdentityAssociationCommand['input'] }
  | { operation: 'UpdatePodIdentityAssociation'; input: UpdatePodIdentityAssociationCommand['input'] }
  | { operation: 'DeletePodIdentityAssociation'; input: DeletePodIdentityAssociationCommand['input'] }
  | { operation: 'TagResource'; input: TagResourceCommand['input'] }
  | { operation: 'UntagResource'; input: UntagResourceCommand['input'] }
  | { operation: 'UpdateAssumeRolePolicy'; input: UpdateAssumeRolePolicyCommand['input'] }
  | { operation: 'kubernetes: annotate'; input: { serviceAccount: string; roleArn: string | undefined } };

export interface TerraformPlan {
  calls: Call[];
  /** After an apply, if none of its calls is refused. */
  state: State;
}

const ASSOCIATION = 'aws_eks_pod_identity_association';
const ANNOTATION = 'eks.amazonaws.com/role-arn';

type Attributes = ReadonlyMap<string, Value>;

/** The code, with the values of its references. */
class Code {
  readonly #blocks: ReadBlock[];
  readonly #world: OpenWorld;

  constructor(files: readonly CodeFile[], world: OpenWorld) {
    this.#blocks = files.flatMap((file) => readHcl(file.text));
    this.#world = world;
  }

  blocks(type: string, ...labels: string[]): ReadBlock[] {
    return this.#blocks.filter((one) => one.type === type && labels.every((name, index) => one.labels[index] === name));
  }

  #block(type: string, ...labels: string[]): ReadBlock {
    const [found, ...others] = this.blocks(type, ...labels);
    if (found === undefined || others.length > 0) throw new Error(`No single ${type} ${labels.join('.')}`);
    return found;
  }

  /** Returns a text; undefined for null, an empty text, and an attribute that is absent. */
  text(value: Value | undefined): string | undefined {
    if (value === undefined || value === null || value === '') return undefined;
    if (typeof value === 'string') return value;
    if (typeof value !== 'object' || !('reference' in value)) throw new Error('Not a text');
    const { reference } = value;
    const [first = '', second = '', third = ''] = reference.split('.');
    if (first === 'local') return this.text(this.#block('locals').attributes.get(second));
    if (first === 'aws_iam_role' && third === 'arn') return this.role(this.#block('resource', first, second)).arn;
    throw new Error(`What is ${reference}?`);
  }

  /** Returns the role of the account that a resource defines. */
  role({ attributes }: ReadBlock): RoleState {
    const { backend, target } = this.#world;
    const name = this.text(attributes.get('name')) ?? '';
    const role = backend.sandbox.world.accounts.get(target.account)!.roles.get(name);
    if (role === undefined) throw new Error(`No role ${name}`);
    return role;
  }

  /** Returns the trust policy in the code of a role. */
  policy({ attributes }: ReadBlock): Policy {
    const value = attributes.get('assume_role_policy');
    if (typeof value !== 'object' || value === null || !('reference' in value)) throw new Error('No reference');
    const [, type = '', name = ''] = value.reference.split('.');
    return { Statement: this.#block('data', type, name).blocks.map(statementOf) };
  }
}

type Statement = Record<string, unknown>;
interface Policy {
  Statement: Statement | Statement[];
}

const principalOf = (blocks: readonly ReadBlock[]): unknown => {
  const byType = blocks.map(({ attributes }) => [attributes.get('type') as string, attributes.get('identifiers')]);
  return byType.length === 0 ? undefined : (Object.fromEntries(byType) as unknown);
};

/** Returns the statement that a block of aws_iam_policy_document means. */
function statementOf({ type, attributes, blocks }: ReadBlock): Statement {
  if (type !== 'statement') throw new Error(`What is ${type}?`);
  const of = (name: string): ReadBlock[] => blocks.filter((one) => one.type === name);
  const condition: Record<string, Record<string, unknown>> = {};
  for (const { attributes: one } of of('condition'))
    (condition[one.get('test') as string] ??= {})[one.get('variable') as string] = one.get('values');
  return {
    Effect: attributes.get('effect') ?? 'Allow',
    Action: attributes.get('actions'),
    NotAction: attributes.get('not_actions'),
    Principal: principalOf(of('principals')),
    NotPrincipal: principalOf(of('not_principals')),
    Condition: Object.keys(condition).length === 0 ? undefined : condition,
  };
}

/** Returns a policy so that equivalent ones are equal: the provider ignores order, and lists of one. */
function canonical(value: unknown): unknown {
  if (Array.isArray(value)) {
    const items = value.map(canonical).toSorted((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1));
    return items.length === 1 ? items[0] : items;
  }
  if (typeof value !== 'object' || value === null) return typeof value === 'boolean' ? String(value) : value;
  const entries = Object.entries(value).filter(([name, inner]) => inner !== undefined && name !== 'Sid');
  return Object.fromEntries(
    entries.map(([name, inner]) => [
      name,
      name.endsWith('Principal') && inner === '*' ? { '*': '*' } : canonical(inner),
    ]),
  );
}

const isEquivalent = (a: Policy, b: Policy): boolean =>
  isDeepStrictEqual(canonical([a.Statement].flat()), canonical([b.Statement].flat()));

interface Block {
  serviceAccount: string;
  roleArn: string;
}

const sorted = (blocks: readonly Block[]): string[] =>
  blocks.map(({ serviceAccount, roleArn }) => `${serviceAccount} ${roleArn}`).toSorted();

/** The add-ons of the code: resources, and entries of a module's argument. */
function addonsIn(code: Code): { cluster: string; name: string; role: string | undefined; blocks: Block[] }[] {
  const blockOf = (attributes: Attributes): Block => ({
    serviceAccount: code.text(attributes.get('service_account')) ?? '',
    roleArn: code.text(attributes.get('role_arn')) ?? '',
  });
  const resources = code.blocks('resource', 'aws_eks_addon').map(({ attributes, blocks }) => ({
    cluster: code.text(attributes.get('cluster_name')) ?? '',
    name: code.text(attributes.get('addon_name')) ?? '',
    role: code.text(attributes.get('service_account_role_arn')),
    blocks: blocks.filter(({ type }) => type === 'pod_identity_association').map((one) => blockOf(one.attributes)),
  }));
  const entries = code.blocks('module').flatMap(({ attributes }) => {
    const addons = attributes.get('addons');
    if (!(addons instanceof Map)) return [];
    return [...addons].map(([name, entry]) => {
      if (!(entry instanceof Map)) throw new Error(`No entry ${name}`);
      const list = entry.get('pod_identity_association') ?? [];
      return {
        cluster: code.text(attributes.get('name')) ?? '',
        name,
        role: code.text(entry.get('service_account_role_arn')),
        blocks: (Array.isArray(list) ? list : []).map((one) => blockOf(one as Map<string, Value>)),
      };
    });
  });
  return [...resources, ...entries];
}

/**
 * An attribute that is no longer set is sent as an empty text, blocks that are no longer there as an empty list. The
 * role is sent with every update as long as it is set.
 */
function addonCalls(code: Code, { cluster }: OpenWorld): Call[] {
  return addonsIn(code).flatMap(({ cluster: clusterName, name: addonName, role, blocks }): Call[] => {
    const addon = cluster.addons.get(addonName);
    if (clusterName !== cluster.name || addon === undefined) return [];
    const owned = addon.associationIds.map((id) => cluster.associations.get(id)!).filter(isLive);
    const hasOtherRole = role !== addon.serviceAccountRoleArn;
    const hasOtherBlocks = !isDeepStrictEqual(sorted(blocks), sorted(owned));
    if (!hasOtherRole && !hasOtherBlocks) return [];
    return [
      {
        operation: 'UpdateAddon',
        input: {
          clusterName,
          addonName,
          ...(hasOtherRole || role !== undefined ? { serviceAccountRoleArn: role ?? '' } : {}),
          ...(hasOtherBlocks ? { podIdentityAssociations: blocks } : {}),
        },
      },
    ];
  });
}

const tagsIn = (value: Value | undefined): Record<string, string> =>
  value instanceof Map ? (Object.fromEntries(value) as Record<string, string>) : {};

/** Returns the calls for an association that is in code and in the account. */
function associationCalls(code: Code, { attributes }: ReadBlock, now: AssociationState, clusterName: string): Call[] {
  const wanted = {
    roleArn: code.text(attributes.get('role_arn')),
    targetRoleArn: code.text(attributes.get('target_role_arn')),
    policy: code.text(attributes.get('policy')),
    disableSessionTags: attributes.get('disable_session_tags') === true,
  };
  const { roleArn, targetRoleArn, policy, disableSessionTags = false } = now;
  const tags = tagsIn(attributes.get('tags'));
  const added = Object.entries(tags).filter(([key, value]) => now.tags[key] !== value);
  const tagKeys = Object.keys(now.tags).filter((key) => !key.startsWith('aws:') && tags[key] === undefined);
  const same = isDeepStrictEqual(wanted, { roleArn, targetRoleArn, policy, disableSessionTags });
  const calls: (Call | undefined)[] = [
    same
      ? undefined
      : { operation: 'UpdatePodIdentityAssociation', input: { clusterName, associationId: now.id, ...wanted } },
    added.length === 0
      ? undefined
      : { operation: 'TagResource', input: { resourceArn: now.arn, tags: Object.fromEntries(added) } },
    tagKeys.length === 0 ? undefined : { operation: 'UntagResource', input: { resourceArn: now.arn, tagKeys } },
  ];
  return calls.filter((call) => call !== undefined);
}

const addressOf = ({ labels }: ReadBlock): string => labels.join('.');
const referenceIn = (value: Value | undefined): string =>
  typeof value === 'object' && value !== null && 'reference' in value ? value.reference : '';

/** Creates, imports, changes, forgets and deletes standalone associations. */
function associations(code: Code, { cluster }: OpenWorld, before: State): TerraformPlan {
  const clusterName = cluster.name;
  const live = (id: string | undefined): AssociationState | undefined => {
    const found = cluster.associations.get(id ?? '');
    return found && isLive(found) ? found : undefined;
  };
  const imports = new Map(
    code
      .blocks('import')
      .map(({ attributes: one }) => [referenceIn(one.get('to')), code.text(one.get('id'))?.split(',')[1] ?? '']),
  );
  const forgotten = new Set(code.blocks('removed').map(({ attributes: one }) => referenceIn(one.get('from'))));
  const resources = code.blocks('resource', ASSOCIATION);
  const state = new Map<string, string>();
  const calls = resources.flatMap((resource): Call[] => {
    const address = addressOf(resource);
    // An import of what is in the state already is none.
    const id = before.get(address) ?? imports.get(address);
    const now = live(id);
    if (now !== undefined) {
      state.set(address, now.id);
      return associationCalls(code, resource, now, clusterName);
    }
    const [namespace, serviceAccount, roleArn] = ['namespace', 'service_account', 'role_arn'].map((name) =>
      code.text(resource.attributes.get(name)),
    );
    return [{ operation: 'CreatePodIdentityAssociation', input: { clusterName, namespace, serviceAccount, roleArn } }];
  });
  const inCode = new Set(resources.map(addressOf));
  const deleted = [...before].filter(([address, id]) => !inCode.has(address) && !forgotten.has(address) && live(id));
  return {
    calls: [
      ...calls,
      ...deleted.map(([, associationId]): Call => ({
        operation: 'DeletePodIdentityAssociation',
        input: { clusterName, associationId },
      })),
    ],
    state,
  };
}

const roleCalls = (code: Code): Call[] =>
  code.blocks('resource', 'aws_iam_role').flatMap((block): Call[] => {
    const { name: RoleName, trustPolicy } = code.role(block);
    const policy = code.policy(block);
    if (isEquivalent(policy, JSON.parse(trustPolicy) as Policy)) return [];
    const PolicyDocument = JSON.stringify({ Version: '2012-10-17', ...policy });
    return [{ operation: 'UpdateAssumeRolePolicy', input: { RoleName, PolicyDocument } }];
  });

const annotationCalls = (code: Code, world: OpenWorld): Call[] =>
  code.blocks('resource', 'kubernetes_service_account_v1').flatMap(({ blocks: [metadata] }): Call[] => {
    const annotations = metadata?.attributes.get('annotations');
    const roleArn = annotations instanceof Map ? code.text(annotations.get(ANNOTATION)) : undefined;
    const name = code.text(metadata?.attributes.get('name')) ?? '';
    const namespace = code.text(metadata?.attributes.get('namespace')) ?? '';
    if (world.readAccount({ namespace, name }).annotation === roleArn) return [];
    return [{ operation: 'kubernetes: annotate', input: { serviceAccount: `${namespace}/${name}`, roleArn } }];
  });

/** Returns what an ordinary plan shows, which reads the account first. */
export function planOf(files: readonly CodeFile[], state: State, world: OpenWorld): TerraformPlan {
  const code = new Code(files, world);
  const standalone = associations(code, world, state);
  return {
    calls: [...addonCalls(code, world), ...standalone.calls, ...roleCalls(code), ...annotationCalls(code, world)],
    state: standalone.state,
  };
}

/** Returns the state of an owner whose code made what the account has. */
export function adopted(files: readonly CodeFile[], world: OpenWorld): State {
  const code = new Code(files, world);
  const live = [...world.cluster.associations.values()].filter(isLive);
  return new Map(
    code.blocks('resource', ASSOCIATION).map((resource) => {
      const [namespace, name] = ['namespace', 'service_account'].map((key) => code.text(resource.attributes.get(key)));
      const one = live.find((each) => each.namespace === namespace && each.serviceAccount === name);
      if (one === undefined) throw new Error(`No association of ${namespace}/${name}`);
      return [addressOf(resource), one.id];
    }),
  );
}

/** Makes the calls of a plan at the simulated AWS, in order. Rejects with the error of the first that is refused. */
export async function apply({ calls }: TerraformPlan, world: OpenWorld): Promise<void> {
  const clients = world.backend.sandbox.clients(undefined, world.target.region);
  const [eks, iam] = [clients.eks(), clients.iam()];
  for (const { operation, input } of calls) {
    if (operation === 'UpdateAddon') await eks.send(new UpdateAddonCommand(input));
    else if (operation === 'CreatePodIdentityAssociation')
      await eks.send(new CreatePodIdentityAssociationCommand(input));
    else if (operation === 'UpdatePodIdentityAssociation')
      await eks.send(new UpdatePodIdentityAssociationCommand(input));
    else if (operation === 'DeletePodIdentityAssociation')
      await eks.send(new DeletePodIdentityAssociationCommand(input));
    else if (operation === 'TagResource') await eks.send(new TagResourceCommand(input));
    else if (operation === 'UntagResource') await eks.send(new UntagResourceCommand(input));
    else if (operation === 'UpdateAssumeRolePolicy') await iam.send(new UpdateAssumeRolePolicyCommand(input));
    else throw new Error(`${operation} is not made here.`);
  }
  await world.later(120_000);
}
