/** Compares statements of trust policies in code with those of a hand-off. */
import type { Scope } from './scope.ts';
import { attributeOf, type Block, blocksOf, type Body, type Expression } from './syntax.ts';
import { knownText } from './value.ts';

/** Is part of each text that the code does not determine. It is a character for private use, which no policy has. */
export const UNKNOWN_TEXT = '\uE000';

/** Returns the JSON value of an expression, of which texts that are not known contain `UNKNOWN_TEXT`. */
export function jsonOf(scope: Scope, expression: Expression): unknown {
  if (expression.kind === 'list') return expression.items.map((item) => jsonOf(scope, item));
  if (expression.kind === 'object')
    return Object.fromEntries(
      expression.entries.map(({ name, key, value }) => [
        name ?? knownText(scope.valueOf(key)) ?? UNKNOWN_TEXT,
        jsonOf(scope, value),
      ]),
    );
  if (expression.kind === 'literal') return expression.value;
  return knownText(scope.valueOf(expression)) ?? UNKNOWN_TEXT;
}

const listOf = (scope: Scope, body: Body, name: string): unknown => {
  const attribute = attributeOf(body, name);
  return attribute === undefined ? [] : jsonOf(scope, attribute.value);
};
const textIn = (scope: Scope, body: Body, name: string): string => {
  const attribute = attributeOf(body, name);
  return attribute === undefined ? UNKNOWN_TEXT : (knownText(scope.valueOf(attribute.value)) ?? UNKNOWN_TEXT);
};

/** Returns the JSON of a block `statement` of `aws_iam_policy_document`. */
export function statementOf(scope: Scope, { body }: Block): Record<string, unknown> {
  // Several blocks of a type add up.
  const principals = blocksOf(body, 'principals').map(({ body: inner }) => ({
    [textIn(scope, inner, 'type')]: listOf(scope, inner, 'identifiers'),
  }));
  const conditions = blocksOf(body, 'condition').map(({ body: inner }) => ({
    [textIn(scope, inner, 'test')]: { [textIn(scope, inner, 'variable')]: listOf(scope, inner, 'values') },
  }));
  const other =
    ['not_actions', 'not_resources', 'resources'].some((name) => attributeOf(body, name) !== undefined) ||
    ['not_principals', 'dynamic'].some((type) => blocksOf(body, type).length > 0);
  return {
    Effect: attributeOf(body, 'effect') === undefined ? 'Allow' : textIn(scope, body, 'effect'),
    Action: listOf(scope, body, 'actions'),
    Principal: principals,
    Condition: conditions,
    ...(other && { [UNKNOWN_TEXT]: '' }),
  };
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const textsOf = (value: unknown): string[] =>
  (Array.isArray(value) ? value : [value]).flatMap((one) =>
    one === undefined ? [] : typeof one === 'string' ? [one] : isObject(one) ? [UNKNOWN_TEXT] : [String(one)],
  );

/** A statement in a form in which equal ones are equal. */
export interface Statement {
  effect: string;
  actions: string[];
  /** Such as `Service:pods.eks.amazonaws.com`. */
  principals: string[];
  /** One for each operator and key, with its values. */
  conditions: string[];
  /** Whether it has elements that are not among these. */
  hasMore: boolean;
}

const ELEMENTS = new Set(['Sid', 'Effect', 'Action', 'Principal', 'Condition']);

const pairsOf = (value: unknown): string[] =>
  Array.isArray(value)
    ? value.flatMap(pairsOf)
    : isObject(value)
      ? Object.entries(value).flatMap(([kind, names]) => textsOf(names).map((name) => `${kind}:${name}`))
      : textsOf(value);

const conditionsOf = (value: unknown): string[] =>
  (Array.isArray(value) ? value : [value]).flatMap((tests) =>
    isObject(tests)
      ? Object.entries(tests).flatMap(([test, keys]) =>
          isObject(keys)
            ? Object.entries(keys).map(
                ([key, given]) => `${test}:${key.toLowerCase()}=${textsOf(given).toSorted().join('|')}`,
              )
            : [`${test}:${UNKNOWN_TEXT}`],
        )
      : textsOf(tests),
  );

/** Returns a statement in a form in which equal ones are equal, whatever the order and the Sid. */
export function normalized(statement: unknown): Statement {
  const given = isObject(statement) ? statement : { [UNKNOWN_TEXT]: '' };
  return {
    effect: textsOf(given['Effect']).join(''),
    actions: textsOf(given['Action']).toSorted(),
    principals: [...new Set(pairsOf(given['Principal']))].toSorted(),
    conditions: conditionsOf(given['Condition']).toSorted(),
    hasMore: Object.keys(given).some((name) => !ELEMENTS.has(name)),
  };
}

const isUnknown = (texts: readonly string[]): boolean => texts.some((text) => text.includes(UNKNOWN_TEXT));

const isSame = (a: readonly string[], b: readonly string[]): boolean =>
  a.length === b.length && a.every((one, index) => one === b[index]);

/** Returns whether two statements are certainly the same. */
export const isSameStatement = (a: Statement, b: Statement): boolean =>
  !a.hasMore &&
  !b.hasMore &&
  a.effect === b.effect &&
  isSame(a.actions, b.actions) &&
  isSame(a.principals, b.principals) &&
  isSame(a.conditions, b.conditions) &&
  !isUnknown([a.effect, ...a.actions, ...a.principals, ...a.conditions]);

const PODS = 'Service:pods.eks.amazonaws.com';
const POD_ACTIONS = ['sts:AssumeRole', 'sts:TagSession'];

const allows = ({ actions }: Statement, wanted: string): boolean =>
  actions.some((action) => ['*', 'sts:*', wanted.toLowerCase()].includes(action.toLowerCase()));

export type PodStatement = 'same' | 'broader' | 'different' | 'none';

/**
 * Compares a statement with the wanted one for EKS Pod Identity. `broader`: it has no conditions. `different`: it is for
 * EKS Pod Identity, but other actions or conditions, or they are not known.
 */
export function podStatement(statement: Statement, wanted: Statement): PodStatement {
  if (!statement.principals.includes(PODS)) return 'none';
  if (statement.effect !== 'Allow' || statement.hasMore) return 'different';
  if (!POD_ACTIONS.every((action) => allows(statement, action))) return 'different';
  if (isSame(statement.conditions, wanted.conditions)) return 'same';
  return statement.conditions.length === 0 ? 'broader' : 'different';
}

const WEB_IDENTITY = 'sts:assumerolewithwebidentity';

const mayMatch = (pattern: string, action: string): boolean => {
  const source = pattern.toLowerCase().replaceAll(/[\\^$+.()[\]{}|]/g, String.raw`\$&`);
  const wild = source.replaceAll('*', '.*').replaceAll('?', '.').replaceAll(UNKNOWN_TEXT, '.*');
  return new RegExp(`^${wild}$`, 's').test(action);
};

/** Returns whether the statement allows web identities, such as those of IRSA, or may allow them. */
export const isWebIdentity = ({ effect, actions, principals, hasMore }: Statement): boolean =>
  effect !== 'Deny' &&
  (actions.some((action) => mayMatch(action, WEB_IDENTITY)) || (hasMore && actions.length === 0)) &&
  (principals.length === 0 || principals.some((one) => !one.startsWith('Service:')));

/** Returns whether two statements certainly have the same principals and conditions. */
export const isSameGrant = (a: Statement, b: Statement): boolean =>
  isSameStatement({ ...a, actions: [], hasMore: false }, { ...b, actions: [], hasMore: false });
