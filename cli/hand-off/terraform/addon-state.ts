/** Compares a resource `aws_eks_addon` with what the hand-off wants. */
import { hclString } from '../../../lambdas/domain/hand-off/formats/hcl.ts';
import type { HandOffAddon, HandOffBlock } from '../../../lambdas/domain/terms/hand-off.ts';
import type { Scope } from './scope.ts';
import {
  attributeOf,
  type Attribute,
  type Block,
  blocksOf,
  type Expression,
  type ParsedFile,
  textOf,
} from './syntax.ts';
import { type Answer, isAbsent, isRoleArn, isText, UNKNOWN, type Value } from './value.ts';

export const ROLE = 'service_account_role_arn';
export const BLOCK = 'pod_identity_association';

/** What has to change. Values are the text of expressions. */
export interface AddonChange {
  remove?: Attribute;
  set?: string;
  /** Values that are replaced where they are. */
  replace: { expression: Expression; text: string; name: string }[];
  drop: Block[];
  add: { serviceAccount: string; role: string }[];
  /** Expressions that are kept, although they cannot be evaluated. */
  assumed: Expression[];
}

export interface Resource {
  file: ParsedFile;
  block: Block;
  scope: Scope;
}

const valueOf = ({ scope }: Resource, attribute: Attribute | undefined): Value =>
  attribute === undefined ? UNKNOWN : scope.valueOf(attribute.value);

/** Returns the role's attribute, unless it is `null` or empty, which is the same as leaving it out. */
export const roleOf = (resource: Resource): Attribute | undefined => {
  const attribute = attributeOf(resource.block.body, ROLE);
  return attribute !== undefined && isAbsent(valueOf(resource, attribute)) ? undefined : attribute;
};

/** Returns whether a block with an unknown service account may be the wanted one. */
const mayBe = (resource: Resource, { body }: Block, { roleArn }: HandOffBlock): boolean => {
  const role = attributeOf(body, 'role_arn');
  return (
    attributeOf(body, 'service_account') !== undefined &&
    role !== undefined &&
    isRoleArn(valueOf(resource, role), roleArn) !== 'no'
  );
};

/** Pairs the blocks in the code with those that the hand-off wants, by the service account. */
function pairsOf(resource: Resource, wanted: readonly HandOffBlock[]) {
  const blocks = blocksOf(resource.block.body, BLOCK);
  const pairs = new Map<Block, HandOffBlock>();
  const open = new Set(wanted);
  const pair = (block: Block, answer: Answer): void => {
    const account = valueOf(resource, attributeOf(block.body, 'service_account'));
    const fits = [...open].filter(({ serviceAccount }) => isText(account, serviceAccount) === answer);
    const [fit, ...more] = fits;
    if (fit === undefined || (answer === 'unknown' && more.length > 0)) return;
    pairs.set(block, fit);
    open.delete(fit);
  };
  for (const block of blocks) pair(block, 'yes');
  const unclear = blocks.filter(
    (block) => !pairs.has(block) && !isKnown(valueOf(resource, attributeOf(block.body, 'service_account'))),
  );
  // A name that cannot be evaluated belongs to the only service account that is left, if the role may be its role.
  const [only, ...more] = unclear;
  const [last, ...others] = open;
  if (only && more.length === 0 && last && others.length === 0 && mayBe(resource, only, last)) pair(only, 'unknown');
  const rest = blocks.filter((block) => !pairs.has(block));
  return { pairs, missing: [...open], drop: rest, unclear: unclear.filter((block) => !pairs.has(block)) };
}

const isKnown = (value: Value): boolean =>
  value.kind === 'literal' || (value.kind === 'text' && value.parts.every((part) => typeof part === 'string'));

/** An expression of the code for a role, with the ARN that it gave when it was applied, if that is known. */
interface RoleExpression {
  expression: Expression;
  gave?: string;
}

/**
 * Returns the text of an expression for a role: an expression of the resource that means it, a reference to a role of
 * the same folder that has its name, or the ARN. An expression that cannot be evaluated means what it gave when it was
 * applied.
 */
function roleText(resource: Resource, roleArn: string, known: readonly RoleExpression[]): [string, Expression?] {
  const { file, scope } = resource;
  const answers = known.map((one) => ({ ...one, answer: isRoleArn(scope.valueOf(one.expression), roleArn) }));
  const sure = answers.find(({ answer }) => answer === 'yes');
  if (sure !== undefined) return [textOf(file, sure.expression)];
  const applied = answers.find(({ answer, gave }) => answer === 'unknown' && gave === roleArn);
  if (applied !== undefined) return [textOf(file, applied.expression), applied.expression];
  return [scope.roleReference(roleArn) ?? hclString(roleArn)];
}

/** Returns the changes of the resource's role. */
function roleChange(resource: Resource, { addRoleArn }: HandOffAddon, known: readonly RoleExpression[]) {
  const attribute = attributeOf(resource.block.body, ROLE);
  const role = roleOf(resource);
  if (addRoleArn === undefined) {
    // Without a value today, it may get one by `-var` or `TF_VAR_…`.
    const remove = role ?? (attribute && resource.scope.isByDefault(attribute.value) ? attribute : undefined);
    return remove === undefined ? {} : { remove };
  }
  const answer = role === undefined ? 'no' : isRoleArn(valueOf(resource, role), addRoleArn);
  if (answer === 'yes') return {};
  if (answer === 'unknown') return { assumed: role?.value };
  const [text, assumed] = roleText(resource, addRoleArn, known);
  if (attribute === undefined) return { set: text, assumed };
  return { replace: { expression: attribute.value, text, name: ROLE }, assumed };
}

/**
 * Returns what has to change in the resource. `removed` are associations that the code may still have, with the roles
 * that they had. A block whose service account cannot be evaluated, and that may be any of several, is in `unclear`.
 */
export function compare(
  resource: Resource,
  addon: HandOffAddon,
  removed: readonly HandOffBlock[],
): { change: AddonChange; unclear: Block[] } {
  const { pairs, missing, drop, unclear } = pairsOf(resource, addon.associations);
  const role = roleOf(resource);
  const attributes = (block: Block) => attributeOf(block.body, 'role_arn');
  const ofBlocks = blocksOf(resource.block.body, BLOCK).flatMap((block): RoleExpression[] => {
    const account = valueOf(resource, attributeOf(block.body, 'service_account'));
    const former = removed.find(({ serviceAccount }) => isText(account, serviceAccount) === 'yes');
    const expression = attributes(block)?.value;
    return expression === undefined ? [] : [{ expression, ...(former && { gave: former.roleArn }) }];
  });
  const known = [...(role ? [{ expression: role.value, gave: addon.removeRoleArn }] : []), ...ofBlocks];
  const change: AddonChange = { replace: [], drop, add: [], assumed: [] };
  const ofRole = roleChange(resource, addon, known);
  if (ofRole.remove) change.remove = ofRole.remove;
  if (ofRole.set !== undefined) change.set = ofRole.set;
  if (ofRole.replace) change.replace.push(ofRole.replace);
  if (ofRole.assumed) change.assumed.push(ofRole.assumed);
  for (const [block, { roleArn }] of pairs) {
    const attribute = attributes(block);
    const answer = attribute === undefined ? 'no' : isRoleArn(valueOf(resource, attribute), roleArn);
    if (answer === 'unknown' && attribute) change.assumed.push(attribute.value);
    if (answer !== 'no') continue;
    const [text] = roleText(resource, roleArn, known);
    if (attribute) change.replace.push({ expression: attribute.value, text, name: 'role_arn' });
    else unclear.push(block);
  }
  for (const { serviceAccount, roleArn } of missing) {
    const [text, assumed] = roleText(resource, roleArn, known);
    change.add.push({ serviceAccount, role: text });
    if (assumed && !change.assumed.includes(assumed)) change.assumed.push(assumed);
  }
  return { change, unclear };
}

/** Returns whether the resource already is what the hand-off wants. */
export const isNoChange = ({ remove, set, replace, drop, add }: AddonChange): boolean =>
  remove === undefined && set === undefined && replace.length === 0 && drop.length === 0 && add.length === 0;
