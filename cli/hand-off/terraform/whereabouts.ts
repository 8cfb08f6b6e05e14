/** Excludes code that has the names of a hand-off, and is of another region or account, or has no instance. */
import type { HandOff } from '../../../lambdas/domain/terms/hand-off.ts';
import { all } from './addresses.ts';
import type { Place, Scope } from './scope.ts';
import { attributeOf, type Block, blocksOf, type Expression, textOf } from './syntax.ts';
import { type Answer, isAbsent, isText, knownText, UNKNOWN } from './value.ts';

type Target = Pick<HandOff['target'], 'account' | 'region'>;

/** Modules in modules that are followed, before their provider counts as unknown. */
const MAX_DEPTH = 16;

/** A configuration of a provider, such as `aws.us`, in the folder where it is named. */
interface Provider {
  scope: Scope;
  name: string;
  alias?: string | undefined;
}

/** Returns whether a provider's configuration is of the account; `unknown` if it leaves that open. */
function accountAnswer(scope: Scope, { body }: Block, account: string): Answer {
  const allowed = attributeOf(body, 'allowed_account_ids')?.value;
  const ids = allowed?.kind === 'list' ? allowed.items.map((item) => isText(scope.valueOf(item), account)) : [];
  const assumed = blocksOf(body, 'assume_role').map((block) => {
    const role = attributeOf(block.body, 'role_arn');
    const known = role && knownText(scope.valueOf(role.value));
    return known === undefined ? 'unknown' : isOf(known, account);
  });
  const [last = 'unknown'] = assumed.slice(-1);
  return ids.length > 0 && ids.every((answer) => answer === 'no') ? 'no' : last;
}

const isOf = (arn: string, account: string): Answer => (arn.split(':')[4] === account ? 'yes' : 'no');

const textAnswer = (scope: Scope, { body }: Block, name: string, wanted: string): Answer | undefined => {
  const attribute = attributeOf(body, name);
  const value = attribute && scope.valueOf(attribute.value);
  return value === undefined || isAbsent(value) ? undefined : isText(value, wanted);
};

interface Whereabouts {
  region: Answer;
  account: Answer;
}

const NOWHERE: Whereabouts = { region: 'unknown', account: 'unknown' };

const aliasOf = (scope: Scope, { body }: Block): string | undefined => {
  const alias = attributeOf(body, 'alias');
  return alias && knownText(scope.valueOf(alias.value));
};

const agreed = (answers: readonly Answer[]): Answer =>
  new Set(answers).size === 1 ? (answers[0] ?? 'unknown') : 'unknown';

function ofProvider({ scope, name, alias }: Provider, target: Target, depth = 0): Whereabouts {
  const [own, ...more] = scope.blocks('provider', name).filter(({ block }) => aliasOf(scope, block) === alias);
  if (more.length > 0 || depth > MAX_DEPTH) return NOWHERE;
  if (own !== undefined)
    return {
      region: textAnswer(scope, own.block, 'region', target.region) ?? 'unknown',
      account: accountAnswer(scope, own.block, target.account),
    };
  const found = scope.calls.map((call): Whereabouts => {
    const passed = passedBy(call, name, alias);
    return passed === undefined ? NOWHERE : ofProvider(passed, target, depth + 1);
  });
  return { region: agreed(found.map(({ region }) => region)), account: agreed(found.map(({ account }) => account)) };
}

const referredTo = (scope: Scope, expression: Expression): Provider | undefined => {
  const [name, alias, ...more] = expression.kind === 'reference' ? expression.path : [];
  if (typeof name !== 'string' || typeof alias === 'number' || more.length > 0) return undefined;
  return { scope, name, alias };
};

/** Returns the provider that a call of a module gives it for one of its own; a default one is inherited. */
function passedBy(
  { place: { file, block }, scope }: Scope['calls'][number],
  name: string,
  alias: string | undefined,
): Provider | undefined {
  const given = attributeOf(block.body, 'providers')?.value;
  if (given === undefined) return alias === undefined ? { scope, name } : undefined;
  const key = alias === undefined ? name : `${name}.${alias}`;
  const entry = given.kind === 'object' ? given.entries.find((one) => textOf(file, one.key).trim() === key) : undefined;
  if (entry === undefined) return alias === undefined ? { scope, name } : undefined;
  return referredTo(scope, entry.value);
}

function whereaboutsOf(scope: Scope, { file, block }: Place, target: Target): Whereabouts {
  const isModule = block.type === 'module';
  const given = attributeOf(block.body, 'provider')?.value;
  const provider = isModule
    ? passedBy({ place: { file, block }, scope }, 'aws', undefined)
    : given === undefined
      ? { scope, name: 'aws' }
      : referredTo(scope, given);
  const found = provider === undefined ? NOWHERE : ofProvider(provider, target);
  return { ...found, region: textAnswer(scope, block, 'region', target.region) ?? found.region };
}

/** Returns whether `count` certainly is 0, in the block or in a call of each module that contains it. */
function hasNoInstance(scope: Scope, block: Block, depth = 0): boolean {
  const count = attributeOf(block.body, 'count');
  const value = count === undefined ? UNKNOWN : scope.valueOf(count.value);
  if (value.kind === 'literal' && (value.value === 0 || value.value === false)) return true;
  if (depth > MAX_DEPTH || scope.calls.length === 0) return false;
  return scope.calls.every((call) => hasNoInstance(call.scope, call.place.block, depth + 1));
}

/** Returns whether a block certainly defines nothing in the cluster's region and account. */
export function isElsewhere(scope: Scope, place: Place, target: Target): boolean {
  const { region, account } = whereaboutsOf(scope, place, target);
  return all(region, account) === 'no' || hasNoInstance(scope, place.block);
}

/** Returns so for what has no region, such as a role. */
export const isInOtherAccount = (scope: Scope, place: Place, target: Target): boolean =>
  whereaboutsOf(scope, place, target).account === 'no' || hasNoInstance(scope, place.block);

/** Returns all calls of the module that contains the code, and of the modules around it. */
export function callsAround(scope: Scope, depth = 0): Scope['calls'] {
  if (depth > MAX_DEPTH) return [];
  return scope.calls.flatMap((call) => [call, ...callsAround(call.scope, depth + 1)]);
}

/** Returns whether one block of a module stands for several: it, or a module around it, has several instances. */
export function isRepeated(scope: Scope, depth = 0): boolean {
  const { calls } = scope;
  const has = calls.some(({ place }) => attributeOf(place.block.body, 'for_each') !== undefined);
  if (calls.length > 1 || has || depth > MAX_DEPTH) return true;
  return calls.some((call) => isRepeated(call.scope, depth + 1));
}
