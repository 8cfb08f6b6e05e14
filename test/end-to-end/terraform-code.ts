/**
 * Writes the Terraform code of an add-on or workload as its owner has it before a migration, from what the account has:
 * the add-on, its role with the trust policy, standalone associations, the annotation of a service account.
 */
import type { CodeFile } from '../../cli/hand-off/terraform/model.ts';
import { type AssociationState, type ClusterState, type RoleState, findRole } from '../../sandbox/world/world.ts';
import { isLive } from '../../sandbox/eks/association-state.ts';
import type { Asked, OpenWorld } from './world.ts';

/** `resource`: an aws_eks_addon. `module`: an entry in the arguments of terraform-aws-modules/eks. */
export type Form = 'resource' | 'module';

type Statement = Record<string, unknown>;

const listed = (value: unknown): string[] => (Array.isArray(value) ? value : [value]).map(String);
const label = (name: string): string => name.replaceAll(/[^\w]/g, '_');
const text = (value: string): string => JSON.stringify(value).replaceAll('${', '$${').replaceAll('%{', '%%{');
const texts = (values: readonly string[]): string => `[${values.map(text).join(', ')}]`;
const indent = (lines: readonly string[]): string[] => lines.map((line) => (line === '' ? '' : `  ${line}`));
const block = (head: string, lines: readonly string[]): string[] => [`${head} {`, ...indent(lines), '}'];
const pairs = (name: string, values: Readonly<Record<string, string>>): string[] =>
  Object.keys(values).length === 0
    ? []
    : block(
        `${name} =`,
        Object.entries(values).map(([key, value]) => `${text(key)} = ${text(value)}`),
      );

const principals = (name: string, value: unknown): string[] => {
  if (value === undefined) return [];
  const byType = value === '*' ? { '*': '*' } : (value as Record<string, unknown>);
  return Object.entries(byType).flatMap(([type, identifiers]) =>
    block(name, [`type        = ${text(type)}`, `identifiers = ${texts(listed(identifiers))}`]),
  );
};

const conditions = (value: unknown): string[] =>
  Object.entries((value ?? {}) as Record<string, Record<string, unknown>>).flatMap(([test, variables]) =>
    Object.entries(variables).flatMap(([variable, values]) =>
      block('condition', [
        `test     = ${text(test)}`,
        `variable = ${text(variable)}`,
        `values   = ${texts(listed(values))}`,
      ]),
    ),
  );

const statement = (one: Statement): string[] =>
  block('statement', [
    ...(one['Sid'] === undefined ? [] : [`sid     = ${text(one['Sid'] as string)}`]),
    `effect  = ${text(one['Effect'] as string)}`,
    ...(one['Action'] === undefined ? [] : [`actions = ${texts(listed(one['Action']))}`]),
    ...(one['NotAction'] === undefined ? [] : [`not_actions = ${texts(listed(one['NotAction']))}`]),
    ...principals('principals', one['Principal']),
    ...principals('not_principals', one['NotPrincipal']),
    ...conditions(one['Condition']),
  ]);

/** Returns the statements of a trust policy in the account. */
export const statementsOf = ({ trustPolicy }: RoleState): Statement[] =>
  [(JSON.parse(trustPolicy) as { Statement: Statement | Statement[] }).Statement].flat();

const roleCode = (role: RoleState): string[] => [
  ...block(`data "aws_iam_policy_document" "${label(role.name)}"`, statementsOf(role).flatMap(statement)),
  '',
  '# Its policies are attached elsewhere.',
  ...block(`resource "aws_iam_role" "${label(role.name)}"`, [
    `name               = ${text(role.name)}`,
    `path               = ${text(role.path)}`,
    `assume_role_policy = data.aws_iam_policy_document.${label(role.name)}.json`,
  ]),
  '',
];

/** Writes one directory. */
class Writer {
  readonly #world: OpenWorld;
  readonly #roles = new Map<string, RoleState>();

  constructor(world: OpenWorld) {
    this.#world = world;
  }

  /** Returns a reference to a role of the account, or the ARN of another account's role. */
  role(arn: string): string {
    const role = findRole(this.#world.backend.sandbox.world, arn);
    if (role === undefined || !arn.includes(`:${this.#world.target.account}:`)) return text(arn);
    this.#roles.set(arn, role);
    return `aws_iam_role.${label(role.name)}.arn`;
  }

  #identity(name: string, as: 'block' | 'entry' = 'block'): string[] {
    const { serviceAccountRoleArn: arn, associationIds } = this.#world.cluster.addons.get(name)!;
    const blocks = associationIds.flatMap((id) => {
      const one = this.#world.cluster.associations.get(id)!;
      return block(as === 'block' ? 'pod_identity_association' : '', [
        `role_arn        = ${this.role(one.roleArn)}`,
        `service_account = ${text(one.serviceAccount)}`,
      ]);
    });
    const list = blocks.map((line) => (line === '}' ? '},' : line.trimStart() === '{' ? '{' : line));
    return [
      ...(arn === undefined ? [] : [`service_account_role_arn = ${this.role(arn)} # IRSA`]),
      ...(as === 'block' || list.length === 0 ? blocks : ['pod_identity_association = [', ...indent(list), ']']),
    ];
  }

  addon(name: string): string[] {
    const { version, configurationValues } = this.#world.cluster.addons.get(name)!;
    return block(`resource "aws_eks_addon" "${label(name)}"`, [
      'cluster_name  = local.cluster',
      `addon_name    = ${text(name)}`,
      `addon_version = ${text(version)}`,
      ...(configurationValues === undefined ? [] : [`configuration_values = ${text(configurationValues)}`]),
      '',
      '# The identity of its pods.',
      ...this.#identity(name),
      '',
      'resolve_conflicts_on_update = "PRESERVE"',
    ]);
  }

  module(name: string): string[] {
    const { version, configurationValues } = this.#world.cluster.addons.get(name)!;
    return block('module "eks"', [
      'source  = "terraform-aws-modules/eks/aws"',
      'version = "~> 21.3"',
      '',
      'name = local.cluster',
      '',
      ...block('addons =', [
        'coredns = {}',
        ...block(`${name} =`, [
          `addon_version = ${text(version)}`,
          ...(configurationValues === undefined ? [] : [`configuration_values = ${text(configurationValues)}`]),
          ...this.#identity(name, 'entry'),
        ]),
      ]),
    ]);
  }

  association({ namespace, serviceAccount, roleArn, ...more }: AssociationState): string[] {
    return block(`resource "aws_eks_pod_identity_association" "${label(`${namespace}_${serviceAccount}`)}"`, [
      'cluster_name    = local.cluster',
      `namespace       = ${text(namespace)}`,
      `service_account = ${text(serviceAccount)}`,
      `role_arn        = ${this.role(roleArn)}`,
      ...(more.targetRoleArn === undefined ? [] : [`target_role_arn = ${text(more.targetRoleArn)}`]),
      ...(more.disableSessionTags === true ? ['disable_session_tags = true'] : []),
      ...(more.policy === undefined ? [] : [`policy = ${text(more.policy)}`]),
      // Terraform neither sets nor shows the tags of AWS.
      ...pairs('tags', Object.fromEntries(Object.entries(more.tags).filter(([key]) => !key.startsWith('aws:')))),
    ]);
  }

  serviceAccount({ namespace, name }: { namespace: string; name: string }): string[] {
    const { annotation } = this.#world.readAccount({ namespace, name });
    const value = annotation === undefined ? undefined : this.role(annotation);
    return block(`resource "kubernetes_service_account_v1" "${label(name)}"`, [
      ...block('metadata', [
        `name      = ${text(name)}`,
        `namespace = ${text(namespace)}`,
        ...(value === undefined ? [] : block('annotations =', [`"eks.amazonaws.com/role-arn" = ${value}`])),
      ]),
    ]);
  }

  /** Returns the roles that the code has named so far. */
  roles(): string[] {
    return [...this.#roles.values()].flatMap(roleCode);
  }
}

const standalone = ({ associations }: ClusterState): AssociationState[] =>
  [...associations.values()].filter((one) => isLive(one) && one.ownerArn === undefined);

/** Returns the code of what the request is about, and of all standalone associations of the cluster. */
export function codeOf(world: OpenWorld, { addon, serviceAccount, roles }: Asked, form: Form): CodeFile[] {
  const writer = new Writer(world);
  const main = [
    ...block('locals', [`cluster = ${text(world.target.cluster)}`]),
    '',
    ...(addon === undefined ? [] : writer[form === 'module' ? 'module' : 'addon'](addon)),
    ...(serviceAccount === undefined ? [] : writer.serviceAccount(serviceAccount)),
  ];
  const associations = standalone(world.cluster).flatMap((one) => [...writer.association(one), '']);
  for (const arn of Object.values(roles ?? {})) writer.role(arn);
  const file = (path: string, lines: readonly string[]): CodeFile => ({ path, text: `${lines.join('\n').trim()}\n` });
  return [
    file('main.tf', main),
    ...(associations.length === 0 ? [] : [file('associations.tf', associations)]),
    file('roles.tf', writer.roles()),
  ];
}
