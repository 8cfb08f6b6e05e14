import { describe, expect, it } from 'vitest';
import { ABSENT, USER_GUIDE, whether, type Keys } from './requests.ts';

const OPERATORS = `${USER_GUIDE}reference_policies_elements_condition_operators.html`;
const KEY = 'aws:SourceArn';
const on = (operator: string, wanted: unknown, found: string): ReturnType<typeof whether> =>
  whether({ [operator]: { [KEY]: wanted } }, { [KEY]: found });

type Row = [operator: string, wanted: unknown, found: string, expected: ReturnType<typeof whether>];

describe(`String operators: ${OPERATORS}#Conditions_String`, () => {
  it.each<Row>([
    // "Exact matching, case sensitive"
    ['StringEquals', 'johndoe', 'johndoe', 'holds'],
    ['StringEquals', 'johndoe', 'JohnDoe', 'does not'],
    ['StringEquals', 'john*', 'johndoe', 'does not'],
    ['StringEquals', 'john*', 'john*', 'holds'],
    ['StringEquals', '', '', 'holds'],
    ['StringEquals', ['jane', 'johndoe'], 'johndoe', 'holds'],
    ['StringEquals', 12, '12', 'holds'],
    ['StringEquals', true, 'true', 'holds'],
    // "Negated matching": none of the values may match
    ['StringNotEquals', 'johndoe', 'JohnDoe', 'holds'],
    ['StringNotEquals', 'johndoe', 'johndoe', 'does not'],
    ['StringNotEquals', ['jane', 'johndoe'], 'johndoe', 'does not'],
    ['StringNotEquals', ['jane', 'joe'], 'johndoe', 'holds'],
    // "Exact matching, ignoring case"
    ['StringEqualsIgnoreCase', 'johndoe', 'JohnDoe', 'holds'],
    ['StringEqualsIgnoreCase', 'JOHNDOE', 'JohnDoe', 'holds'],
    ['StringEqualsIgnoreCase', 'johndoe', 'janedoe', 'does not'],
    ['StringEqualsIgnoreCase', 'john*', 'johndoe', 'does not'],
    ['StringNotEqualsIgnoreCase', 'johndoe', 'JohnDoe', 'does not'],
    ['StringNotEqualsIgnoreCase', 'johndoe', 'janedoe', 'holds'],
    // "Case-sensitive matching … multi-character match wildcards (*) and single-character match wildcards (?) anywhere"
    ['StringLike', 'john*', 'johndoe', 'holds'],
    ['StringLike', 'John*', 'johndoe', 'does not'],
    ['StringLike', 'j?hndoe', 'johndoe', 'holds'],
    ['StringLike', 'j?ohndoe', 'johndoe', 'does not'],
    ['StringLike', '*n?o*', 'johndoe', 'holds'],
    ['StringLike', 'johndo', 'johndoe', 'does not'],
    ['StringLike', '*', '', 'holds'],
    ['StringLike', ['t1.*', 't2.*', 'm3.*'], 't2.micro', 'holds'],
    ['StringNotLike', 'john*', 'johndoe', 'does not'],
    ['StringNotLike', 'jane*', 'johndoe', 'holds'],
    ['StringNotLike', ['jane*', '*doe'], 'johndoe', 'does not'],
  ])('%s %j, request has %j: %s', (operator, wanted, has, result) => expect(on(operator, wanted, has)).toBe(result));
});

describe(`Numeric operators: ${OPERATORS}#Conditions_Numeric`, () => {
  const orders: Record<string, [less: boolean, equal: boolean, greater: boolean]> = {
    NumericEquals: [false, true, false],
    NumericNotEquals: [true, false, true],
    NumericLessThan: [true, false, false],
    NumericLessThanEquals: [true, true, false],
    NumericGreaterThan: [false, false, true],
    NumericGreaterThanEquals: [false, true, true],
  };

  it.each(Object.entries(orders))('%s', (operator, expected) => {
    expect(['9', '10', '11'].map((found) => on(operator, '10', found) === 'holds')).toEqual(expected);
    expect(['9.9', '10.0', '10.1'].map((found) => on(operator, 10, found) === 'holds')).toEqual(expected);
    expect(['-3', '-2', '+2'].map((found) => on(operator, -2, found) === 'holds')).toEqual(expected);
  });

  it.each<Row>([
    ['NumericEquals', '007', '7', 'holds'],
    ['NumericEquals', ['1', '2'], '2', 'holds'],
    ['NumericNotEquals', ['1', '2'], '2', 'does not'],
    ['NumericLessThan', ['5', '15'], '10', 'holds'],
    ['NumericEquals', '999999999999999', '999999999999999', 'holds'],
    ['NumericEquals', '9007199254740993', '9007199254740992', 'unknown'],
    ['NumericEquals', '0.00000000000001', '0.00000000000001', 'holds'],
    ['NumericEquals', '1234567890.12345', '1234567890.12345', 'holds'],
    ['NumericEquals', '-000000000000000001', '-1', 'holds'],
    ['NumericEquals', '000000000000000001', '1', 'holds'],
    ['NumericEquals', '1000000000000000', '1000000000000000', 'unknown'],
    ['NumericEquals', '-1000000000000000', '-1000000000000000', 'unknown'],
    ['NumericEquals', 'abc', '1', 'unknown'],
    ['NumericEquals', '1', 'abc', 'unknown'],
    ['NumericEquals', ['1', 'abc'], '1', 'unknown'],
    ['NumericNotEquals', 'abc', '1', 'unknown'],
    ['NumericEquals', '', '', 'unknown'],
    ['NumericEquals', '0x10', '16', 'unknown'],
    ['NumericEquals', '1e3', '1000', 'unknown'],
    ['NumericEquals', '1.', '1', 'unknown'],
    ['NumericEquals', '.5', '0.5', 'unknown'],
    ['NumericEquals', 'Infinity', 'Infinity', 'unknown'],
    ['NumericEquals', ' 1', '1', 'unknown'],
  ])('%s %j, request has %j: %s', (operator, wanted, has, result) => expect(on(operator, wanted, has)).toBe(result));
});

describe(`Boolean operator: ${OPERATORS}#Conditions_Boolean`, () => {
  it.each<Row>([
    ['Bool', 'true', 'true', 'holds'],
    ['Bool', true, 'true', 'holds'],
    ['Bool', 'false', 'true', 'does not'],
    ['Bool', false, 'false', 'holds'],
    ['Bool', ['true', 'false'], 'false', 'holds'],
    ['Bool', 'yes', 'true', 'unknown'],
    ['Bool', 'true', '1', 'unknown'],
    ['Bool', 'True', 'true', 'unknown'],
  ])('%s %j, request has %j: %s', (operator, wanted, has, result) => expect(on(operator, wanted, has)).toBe(result));
});

describe(`Binary operator: ${OPERATORS}#Conditions_BinaryEquals`, () => {
  it.each<Row>([
    ['BinaryEquals', 'QmluYXJ5VmFsdWVJbkJhc2U2NA==', 'QmluYXJ5VmFsdWVJbkJhc2U2NA==', 'holds'],
    ['BinaryEquals', 'QmluYXJ5VmFsdWVJbkJhc2U2NA==', 'QmluYXJ5', 'does not'],
    ['BinaryEquals', 'qmluYXJ5', 'QmluYXJ5', 'does not'],
    ['BinaryEquals', '', '', 'holds'],
    ['BinaryEquals', 'QUI=', 'QUI=', 'holds'],
    ['BinaryEquals', 'QQ==', 'QQ==', 'holds'],
    // The last bits belong to no byte.
    ['BinaryEquals', 'QUJ=', 'QUJ=', 'unknown'],
    ['BinaryEquals', 'QR==', 'QR==', 'unknown'],
    ['BinaryEquals', 'QE==', 'QE==', 'unknown'],
    ['BinaryEquals', 'QUE=', 'QUE=', 'holds'],
    ['BinaryEquals', 'QUJD', 'QUJE', 'does not'],
    ['BinaryEquals', '====', '====', 'unknown'],
    ['BinaryEquals', 'QUI', 'QUI', 'unknown'],
    ['BinaryEquals', 'QU!D', 'QU!D', 'unknown'],
    ['BinaryEquals', 'QUJD', 'not base 64', 'unknown'],
    ['BinaryNotEquals', 'QUJD', 'QUJD', 'unknown'],
  ])('%s %j, request has %j: %s', (operator, wanted, has, result) => expect(on(operator, wanted, has)).toBe(result));
});

describe(`ARN operators: ${OPERATORS}#Conditions_ARN`, () => {
  const arn = 'arn:aws:eks:eu-west-1:111122223333:cluster/dev';
  // The page's example of a value that a string operator matches and an ARN operator does not.
  const [finance, document] = [
    'arn:aws:someservice:*:111122223333:finance/*',
    'arn:aws:someservice:us-east-2:999999999999:store/abc:111122223333:finance/document.txt',
  ];

  it.each<Row>([
    ...['ArnEquals', 'ArnLike'].flatMap((operator): Row[] => [
      [operator, arn, arn, 'holds'],
      [operator, arn.toUpperCase(), arn, 'does not'],
      [operator, 'arn:aws:eks:*:111122223333:cluster/*', arn, 'holds'],
      [operator, 'arn:aws:eks:eu-west-?:*:cluster/d?v', arn, 'holds'],
      [operator, 'arn:aws:eks:eu-west-1:444455556666:cluster/dev', arn, 'does not'],
      [operator, 'arn:aws:*:111122223333:cluster/dev', arn, 'unknown'],
      [operator, 'arn:aws:*:111122223333::cluster/dev', arn, 'does not'],
      [operator, finance, document, 'does not'],
      [operator, 'arn:aws:s3:::b*', 'arn:aws:s3:::bucket/with:colon', 'holds'],
      [operator, 'arn:aws:s3:::bucket/with:colon', 'arn:aws:s3:::bucket/with:colon', 'holds'],
      [operator, '*:*:*:*:*:*', arn, 'holds'],
      [operator, '*', arn, 'unknown'],
      [operator, arn, 'dev', 'unknown'],
      [operator, ['arn:aws:eks:*:*:cluster/prod', arn], arn, 'holds'],
    ]),
    ...['ArnNotEquals', 'ArnNotLike'].flatMap((operator): Row[] => [
      [operator, arn, arn, 'does not'],
      [operator, 'arn:aws:eks:*:*:cluster/prod', arn, 'holds'],
      [operator, ['arn:aws:eks:*:*:cluster/prod', 'arn:aws:eks:*:*:cluster/d*'], arn, 'does not'],
      [operator, '*', arn, 'unknown'],
    ]),
    ['StringLike', finance, document, 'holds'],
  ])('%s %j, request has %j: %s', (operator, wanted, has, result) => expect(on(operator, wanted, has)).toBe(result));
});

describe(`...IfExists: ${OPERATORS}#Conditions_IfExists`, () => {
  const absent = (operator: string, wanted: string) => whether({ [operator]: { [KEY]: wanted } }, { [KEY]: ABSENT });
  const comparisons = ['Equals', 'NotEquals', 'LessThan', 'LessThanEquals', 'GreaterThan', 'GreaterThanEquals'];
  const strings = ['Equals', 'NotEquals', 'EqualsIgnoreCase', 'NotEqualsIgnoreCase', 'Like', 'NotLike'];
  const all = (type: string, names: string[], wanted: string): [string, string][] =>
    names.map((name) => [`${type}${name}`, wanted]);
  const samples: [string, string][] = [
    ...all('String', strings, 'a'),
    ...all('Numeric', comparisons, '1'),
    ...all('Date', comparisons, '2020-01-01'),
    ...all('Arn', ['Equals', 'Like', 'NotEquals', 'NotLike'], 'arn:a:b:c:d:e'),
    ['Bool', 'true'],
    ['BinaryEquals', 'QUJD'],
    ['IpAddress', '10.0.0.0/8'],
    ['NotIpAddress', '10.0.0.0/8'],
  ];

  // "If the key is not present … the condition is false"; "if the policy condition requires that the key is not matched
  // … the condition is true".
  it.each(samples)('%s, with and without IfExists, if the request does not have the key', (operator, wanted) => {
    expect(absent(operator, wanted)).toBe(operator.includes('Not') ? 'holds' : 'does not');
    expect(absent(`${operator}IfExists`, wanted)).toBe('holds');
  });

  it('makes no difference if the request has the key', () => {
    const there: Keys = { [KEY]: 'b' };
    expect(whether({ StringEqualsIfExists: { [KEY]: 'b' } }, there)).toBe('holds');
    expect(whether({ StringEqualsIfExists: { [KEY]: 'a' } }, there)).toBe('does not');
    expect(whether({ StringNotEqualsIfExists: { [KEY]: 'b' } }, there)).toBe('does not');
  });
});

describe(`operator names: ${USER_GUIDE}reference_policies_elements_condition.html`, () => {
  it.each<Row>([
    ['stringequals', 'a', 'a', 'holds'],
    ['STRINGNOTEQUALSIFEXISTS', 'a', 'a', 'does not'],
    ['foranyvalue:stringlike', 'a*', 'ab', 'holds'],
    ['StringMatches', 'a', 'a', 'unknown'],
    ['String', 'a', 'a', 'unknown'],
    ['IfExists', 'a', 'a', 'unknown'],
    ['', 'a', 'a', 'unknown'],
    ['ForAllValues:', 'a', 'a', 'unknown'],
    ['ForSomeValues:StringEquals', 'a', 'a', 'unknown'],
    ['ForAllValues:ForAnyValue:StringEquals', 'a', 'a', 'unknown'],
    ['StringEqualsIfExistsIfExists', 'a', 'a', 'unknown'],
    [' StringEquals', 'a', 'a', 'unknown'],
    ['toString', 'a', 'a', 'unknown'],
    ['constructor', 'a', 'a', 'unknown'],
    // "Error – Null with if exists" of the check reference.
    ['NullIfExists', 'false', 'a', 'unknown'],
    ['ForAnyValue:Null', 'false', 'a', 'unknown'],
  ])('%j %j, request has %j: %s', (operator, wanted, has, result) => expect(on(operator, wanted, has)).toBe(result));

  it('leave an unknown operator undecided even if the key is absent', () =>
    expect(whether({ StringMatchesIfExists: { [KEY]: 'a' } }, { [KEY]: ABSENT })).toBe('unknown'));
});
