/** The code of an association: the resource, and its import. */
import { blockLines, Expression as Code, type Hcl } from '../../../lambdas/domain/hand-off/formats/hcl.ts';
import type { HandOff, HandOffAssociation } from '../../../lambdas/domain/terms/hand-off.ts';
import { addressOf, isSingle, literalOf } from './addresses.ts';
import { roleCode } from './role-code.ts';
import type { Scope } from './scope.ts';

export const ASSOCIATION = 'aws_eks_pod_identity_association';

/** Returns the attributes that the resource must have, apart from the tags. */
export function attributesOf(scope: Scope, { roleArn, targetRoleArn, disableSessionTags, policy }: HandOffAssociation) {
  return new Map<string, Hcl>([
    ['role_arn', new Code(roleCode(scope, roleArn, []))],
    ...(targetRoleArn === undefined ? [] : [['target_role_arn', targetRoleArn] as const]),
    ...(disableSessionTags === true ? [['disable_session_tags', true] as const] : []),
    ...(policy === undefined ? [] : [['policy', policy] as const]),
  ]);
}

export const idOf = ({ target: { cluster } }: HandOff, { id }: HandOffAssociation): string | undefined =>
  id === undefined ? undefined : `${cluster},${id}`;

export const importLines = (address: string, id: string): string[] =>
  blockLines({ head: ['import'], attributes: { to: new Code(address), id } });

/** Returns a reference to the cluster, or its name. */
function clusterCode(scope: Scope, cluster: string): Hcl {
  const named = (type: 'resource' | 'data'): string[] =>
    scope
      .blocks(type, 'aws_eks_cluster')
      .filter(({ block }) => isSingle(block) && literalOf(scope, block, 'name') === cluster)
      .map(({ block }) => `${type === 'data' ? 'data.' : ''}${addressOf(block)}.name`);
  const [reference] = [...named('resource'), ...named('data')];
  return reference === undefined ? cluster : new Code(reference);
}

/** Returns a name for the resource that the folder does not have yet. */
function labelOf(scope: Scope, serviceAccount: string): string {
  const base = serviceAccount.replaceAll(/[^\w-]/g, '_').replace(/^(?=[\d-])/, '_');
  const taken = new Set(scope.blocks('resource', ASSOCIATION).map(({ block }) => block.labels[1]));
  let label = base;
  for (let number = 2; taken.has(label); number += 1) label = `${base}_${String(number)}`;
  return label;
}

/** Returns the resource, and its import, as code. */
export function resourceLines(scope: Scope, handOff: HandOff, association: HandOffAssociation, id: string): string[] {
  const label = labelOf(scope, association.serviceAccount);
  const { namespace, serviceAccount, tags } = association;
  const attributes = {
    cluster_name: clusterCode(scope, handOff.target.cluster),
    namespace,
    service_account: serviceAccount,
    ...Object.fromEntries(attributesOf(scope, association)),
    ...(Object.keys(tags).length > 0 && { tags }),
  };
  const resource = blockLines({ head: ['resource', ASSOCIATION, label], attributes });
  return [...importLines(`${ASSOCIATION}.${label}`, id), '', ...resource];
}
