import { describe, expect, it } from 'vitest';
import { ABSENT, PRESENT, UNKNOWN, USER_GUIDE, whether, type Keys } from './requests.ts';

const OPERATORS = `${USER_GUIDE}reference_policies_elements_condition_operators.html`;
const KEY = 'aws:TagKeys';
const SINGLE = 'aws:SourceVpce';
const there = (...values: string[]): Keys => ({ [KEY]: values });
type Truth = ReturnType<typeof whether>;

describe(`Null: ${OPERATORS}#Conditions_Null`, () => {
  it.each<[wanted: unknown, keys: Keys, expected: Truth]>([
    ['true', { [KEY]: ABSENT }, 'holds'],
    ['false', { [KEY]: ABSENT }, 'does not'],
    [true, { [KEY]: ABSENT }, 'holds'],
    ['true', there('a'), 'does not'],
    ['false', there('a'), 'holds'],
    [false, there('a', 'b'), 'holds'],
    [['true', 'false'], there('a'), 'holds'],
    [['true', 'false'], { [KEY]: ABSENT }, 'holds'],
    ['true', { [KEY]: PRESENT }, 'does not'],
    ['false', { [KEY]: PRESENT }, 'holds'],
    ['true', { [KEY]: UNKNOWN }, 'unknown'],
    ['false', { [KEY]: UNKNOWN }, 'unknown'],
    // "the key exists and its value is not null": an empty list is null; the documentation has an empty value both ways.
    ['true', there(), 'holds'],
    ['false', there(''), 'unknown'],
    ['false', there('', 'a'), 'holds'],
    ['yes', there('a'), 'unknown'],
    [['true', 'yes'], there('a'), 'unknown'],
    [[], there('a'), 'unknown'],
  ])('%j with %j: %s', (wanted, keys, expected) => expect(whether({ Null: { [KEY]: wanted } }, keys)).toBe(expected));
});

describe(`set operators: ${USER_GUIDE}reference_policies_condition-single-vs-multi-valued-context-keys.html`, () => {
  it.each<[operator: string, wanted: string[], found: string[], expected: Truth]>([
    // "If every context key value in the request matches at least one … in the policy"
    ['ForAllValues:StringEquals', ['a', 'b', 'c'], ['a', 'c'], 'holds'],
    ['ForAllValues:StringEquals', ['a', 'b', 'c'], ['a', 'd'], 'does not'],
    ['ForAllValues:StringLike', ['a*'], ['a1', 'a2'], 'holds'],
    ['ForAllValues:StringNotEquals', ['a', 'b'], ['c', 'd'], 'holds'],
    ['ForAllValues:StringNotEquals', ['a', 'b'], ['a', 'd'], 'does not'],
    // "… at least one member of the set of request context key values matches at least one"
    ['ForAnyValue:StringEquals', ['a', 'b', 'c'], ['a', 'd'], 'holds'],
    ['ForAnyValue:StringEquals', ['a', 'b', 'c'], ['d', 'e'], 'does not'],
    ['ForAnyValue:StringNotEquals', ['a', 'b'], ['a', 'd'], 'holds'],
    ['ForAnyValue:StringNotEquals', ['a', 'b'], ['a', 'b'], 'does not'],
    ['ForAnyValue:NumericLessThan', ['5'], ['9', '3'], 'holds'],
    ['ForAllValues:NumericLessThan', ['5'], ['9', '3'], 'does not'],
    ['ForAnyValue:NumericLessThan', ['5'], ['x', '3'], 'holds'],
    ['ForAllValues:NumericLessThan', ['5'], ['x', '9'], 'does not'],
    ['ForAllValues:NumericLessThan', ['5'], ['x', '3'], 'unknown'],
    // "It also returns true if there are no context keys in the request, or if the value resolves to a null dataset,
    // such as an empty string."
    ['ForAllValues:StringEquals', ['a'], [], 'holds'],
    ['ForAllValues:StringEquals', ['a'], [''], 'holds'],
    ['ForAllValues:StringEquals', ['a'], ['', 'b'], 'does not'],
    ['ForAnyValue:StringEquals', ['a'], [], 'does not'],
    ['ForAnyValue:StringEquals', [''], [''], 'does not'],
    ['ForAnyValue:StringEqualsIfExists', ['a'], [], 'holds'],
    ['ForAnyValue:StringEqualsIfExists', ['a'], ['b'], 'does not'],
    ['ForAllValues:StringEqualsIfExists', ['a'], ['b'], 'does not'],
  ])('%s %j, request has %j: %s', (operator, wanted, found, expected) =>
    expect(whether({ [operator]: { [KEY]: wanted } }, there(...found))).toBe(expected),
  );

  it.each<[operator: string, expected: Truth]>([
    ['ForAllValues:StringEquals', 'holds'],
    ['ForAllValues:StringNotEquals', 'holds'],
    ['ForAnyValue:StringEquals', 'does not'],
    ['ForAnyValue:StringNotEquals', 'does not'],
    ['ForAnyValue:StringEqualsIfExists', 'holds'],
    ['ForAllValues:StringEqualsIfExists', 'holds'],
  ])('%s, request does not have the key: %s', (operator, expected) =>
    expect(whether({ [operator]: { [KEY]: 'a' } }, { [KEY]: ABSENT })).toBe(expected),
  );

  // "Multivalued context keys require a condition set operator." How IAM evaluates one without is not documented.
  it.each<[operator: string, wanted: string, found: string[]]>([
    ['StringLike', 'a*', ['a1', 'a2']],
    ['StringLike', 'a*', ['b1', 'b2']],
    ['StringLike', 'a*', ['a1', 'b2']],
    ['StringNotLike', 'a*', ['a1', 'b2']],
    ['StringNotLike', 'a*', ['b1', 'b2']],
    ['StringEquals', 'a', ['a']],
    ['StringEquals', 'a', ['']],
    ['StringEquals', 'a', []],
    ['StringEqualsIfExists', 'a', []],
    ['StringNotEquals', 'a', []],
    ['StringNotEquals', 'a', ['b']],
  ])('a multivalued key without one: %s %j, request has %j: unknown', (operator, wanted, found) => {
    const condition = { [operator]: { [KEY]: wanted } };
    expect(whether(condition, there(...found))).toBe('unknown');
    expect(whether(condition, { [KEY]: ABSENT })).toBe('unknown');
    expect(whether(condition, { [KEY]: PRESENT })).toBe('unknown');
    expect(whether({ [operator]: { [KEY.toUpperCase()]: wanted } }, there(...found))).toBe('unknown');
  });

  it.each(
    [
      ['aws:CalledVia', 'aws:PrincipalOrgPaths', 'aws:PrincipalServiceNamesList', 'aws:ResourceOrgPaths'],
      ['aws:SourceOrgPaths', 'aws:VpceOrgPaths', 'sts:TransitiveTagKeys', 'oidc.eks.eu-west-1.amazonaws.com/id/E:amr'],
    ].flat(),
  )('%s is multivalued', (key) => {
    expect(whether({ StringEquals: { [key]: 'a' } }, { [key]: 'a' })).toBe('unknown');
    expect(whether({ 'ForAnyValue:StringEquals': { [key]: 'a' } }, { [key]: 'a' })).toBe('holds');
    expect(whether({ Null: { [key]: 'false' } }, { [key]: 'a' })).toBe('holds');
  });

  it.each<[operator: string, wanted: string, found: string[], expected: Truth]>([
    ['StringLike', 'a*', ['a1'], 'holds'],
    ['StringLike', 'a*', ['b1'], 'does not'],
    ['StringEquals', 'a', [''], 'does not'],
    ['StringEquals', 'a', [], 'does not'],
    ['StringNotEquals', 'a', [], 'holds'],
    ['StringLike', 'a*', ['a1', 'a2'], 'unknown'],
    ['StringLike', 'a*', ['b1', 'b2'], 'unknown'],
  ])('another key is single-valued: %s %j, request has %j: %s', (operator, wanted, found, expected) =>
    expect(whether({ [operator]: { [SINGLE]: wanted } }, { [SINGLE]: found })).toBe(expected),
  );
});

it.each<[operator: string, wanted: unknown, ofPresent: Truth]>([
  ['StringLike', '*', 'holds'],
  ['StringLike', '**', 'holds'],
  ['StringLike', ['a', '*'], 'holds'],
  ['StringLikeIfExists', '*', 'holds'],
  ['ForAnyValue:StringLike', '*', 'holds'],
  ['ForAllValues:StringLike', '*', 'holds'],
  ['StringNotLike', '*', 'does not'],
  ['StringNotLike', ['a', '*'], 'does not'],
  ['StringLike', '*a', 'unknown'],
  ['StringLike', '', 'unknown'],
  ['StringLike', '?*', 'unknown'],
  ['StringLike', '${*}', 'unknown'],
  ['StringLike', '${aws:SourceVpc}', 'unknown'],
  ['StringLike', '${', 'unknown'],
  ['StringLike', ['${aws:SourceVpc}', '*'], 'holds'],
  ['StringEquals', '*', 'unknown'],
  ['StringNotEquals', 'a', 'unknown'],
  ['StringEqualsIfExists', 'a', 'unknown'],
  ['ArnLike', 'arn:*:*:*:*:*', 'unknown'],
])('a key with an unknown value %s %j', (operator, wanted, ofPresent) => {
  expect(whether({ [operator]: { [SINGLE]: wanted } }, { [SINGLE]: PRESENT })).toBe(ofPresent);
  expect(whether({ [operator]: { [SINGLE]: wanted } }, { [SINGLE]: UNKNOWN })).toBe('unknown');
  expect(whether({ [operator]: { [SINGLE]: wanted } }, {})).toBe('unknown');
});

describe(`several conditions: ${USER_GUIDE}reference_policies_condition-logic-multiple-context-keys-or-values.html`, () => {
  const account = { 'aws:SourceAccount': '111122223333' };
  const cluster = { 'aws:SourceArn': 'arn:aws:eks:eu-west-1:111122223333:cluster/dev' };
  const keys: Keys = { ...account, ...cluster };

  it('are met only if every operator and every key is', () => {
    expect(whether({ StringEquals: { ...account, ...cluster } }, keys)).toBe('holds');
    expect(whether({ StringEquals: account, ArnEquals: cluster }, keys)).toBe('holds');
    expect(whether({ StringEquals: { 'aws:SourceAccount': '444455556666', ...cluster } }, keys)).toBe('does not');
    expect(whether({ StringEquals: account, ArnNotEquals: cluster }, keys)).toBe('does not');
  });

  it('are not met if one is not, even if others are unknown', () => {
    expect(whether({ StringEquals: { 'aws:SourceVpc': 'vpc-1', 'aws:SourceAccount': '444455556666' } }, keys)).toBe(
      'does not',
    );
    expect(whether({ StringEquals: { 'aws:SourceVpc': 'vpc-1', ...account } }, keys)).toBe('unknown');
  });

  it('are met if there are none', () => {
    expect([whether({}, keys), whether(undefined, keys)]).toEqual(['holds', 'holds']);
    expect(whether({ StringEquals: {} }, keys)).toBe('holds');
  });

  it('are unknown for a key with an empty list of values', () =>
    expect(whether({ StringEquals: { 'aws:SourceAccount': [] } }, keys)).toBe('unknown'));

  // "Condition key names are not case-sensitive."
  it('ignore the case of key names', () => {
    expect(whether({ StringEquals: { 'AWS:sourceACCOUNT': '111122223333' } }, keys)).toBe('holds');
    expect(whether({ Null: { 'AWS:sourceACCOUNT': 'false' } }, keys)).toBe('holds');
  });

  it.each(['__proto__', 'constructor', 'toString', 'hasOwnProperty', ''])('treat %j as a key like any other', (key) => {
    expect(whether(JSON.parse(`{"StringEquals":{${JSON.stringify(key)}:"a"}}`) as unknown, {})).toBe('unknown');
    expect(whether(JSON.parse(`{${JSON.stringify(key)}:{"aws:SourceAccount":"a"}}`), keys)).toBe('unknown');
  });
});
