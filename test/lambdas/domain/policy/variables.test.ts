import { describe, expect, it } from 'vitest';
import { parsePolicy } from '../../../../lambdas/domain/policy/document.ts';
import { evaluate } from '../../../../lambdas/domain/policy/evaluate.ts';
import type { Verdict } from '../../../../lambdas/domain/policy/request.ts';
import { ABSENT, PRESENT, request, USER_GUIDE, whether, type Keys } from './requests.ts';

const KEY = 'aws:SourceArn';
type Truth = ReturnType<typeof whether>;

const keys: Keys = {
  'aws:username': 'David',
  'aws:PrincipalTag/team': 'a*b',
  'aws:PrincipalTag/none': ABSENT,
  'aws:TokenIssueTime': PRESENT,
  'aws:TagKeys': ['one', 'two'],
  'aws:PrincipalTag/empty': [],
  'aws:SecureTransport': 'true',
  'aws:SourceIp': '1.2.3.4',
  'aws:MultiFactorAuthAge': '1',
  'aws:CurrentTime': '2020-01-01T00:00:00Z',
};
const on = (operator: string, wanted: unknown, found: string, Version?: string): Truth =>
  whether({ [operator]: { [KEY]: wanted } }, { ...keys, [KEY]: found }, Version);

describe(`variables in conditions: ${USER_GUIDE}reference_policies_variables.html`, () => {
  it.each<[operator: string, wanted: unknown, found: string, expected: Truth]>([
    ['StringEquals', '${aws:username}', 'David', 'holds'],
    ['StringEquals', '${AWS:UserName}', 'David', 'holds'],
    ['StringEquals', '${aws:username}', 'david', 'does not'],
    ['StringEqualsIgnoreCase', '${aws:username}', 'DAVID', 'holds'],
    ['StringEquals', 'x-${aws:username}-y', 'x-David-y', 'holds'],
    ['StringEquals', '${aws:username}${aws:username}', 'DavidDavid', 'holds'],
    ['StringLike', 'home/${aws:username}/*', 'home/David/letters', 'holds'],
    ['StringLike', '?${aws:username}', 'aDavid', 'holds'],
    ['StringNotLike', 'home/${aws:username}/*', 'home/David/letters', 'does not'],
    ['ArnLike', 'arn:aws:s3:::${aws:username}*', 'arn:aws:s3:::Davids', 'holds'],
    // The value of a variable is not a pattern.
    ['StringLike', '${aws:PrincipalTag/team}', 'a*b', 'holds'],
    ['StringLike', '${aws:PrincipalTag/team}', 'axb', 'does not'],
    ['ArnEquals', 'arn:aws:s3:::${aws:PrincipalTag/team}', 'arn:aws:s3:::axb', 'does not'],
    // Special characters
    ['StringLike', 'a${*}b', 'a*b', 'holds'],
    ['StringLike', 'a${*}b', 'axb', 'does not'],
    ['StringLike', 'a${?}b', 'a?b', 'holds'],
    ['StringLike', 'a${?}b', 'axb', 'does not'],
    ['StringLike', '${$}{aws:username}', '${aws:username}', 'holds'],
    ['StringEquals', '${*}', '*', 'holds'],
    // Default values
    ['StringEquals', "${aws:PrincipalTag/none, 'company-wide'}", 'company-wide', 'holds'],
    ['StringEquals', "${aws:PrincipalTag/empty, 'company-wide'}", 'company-wide', 'holds'],
    ['StringEquals', "${aws:username, 'anonymous'}", 'David', 'holds'],
    ['StringEquals', "${aws:PrincipalTag/none, ''}", '', 'holds'],
    ['StringLike', "${aws:PrincipalTag/none, '*'}", 'anything', 'does not'],
    // "Policy variables with no value": there is no equal or like value, and inverted operators do match.
    ['StringEquals', '${aws:PrincipalTag/none}', '', 'does not'],
    ['StringLike', '${aws:PrincipalTag/none}*', 'anything', 'does not'],
    ['StringNotEquals', '${aws:PrincipalTag/none}', 'anything', 'holds'],
    ['ArnNotLike', 'arn:aws:s3:::${aws:PrincipalTag/none}', 'arn:aws:s3:::b', 'holds'],
    ['StringEquals', ['${aws:PrincipalTag/none}', 'b'], 'b', 'holds'],
    ['StringNotEquals', ['${aws:PrincipalTag/none}', 'b'], 'b', 'does not'],
    // Not known in advance, unless another value decides it.
    ['StringEquals', '${aws:TokenIssueTime}', 'x', 'unknown'],
    ['StringNotEquals', '${aws:TokenIssueTime}', 'x', 'unknown'],
    ['StringEquals', '${aws:SourceVpc}', 'x', 'unknown'],
    ['StringEquals', ['${aws:SourceVpc}', 'x'], 'x', 'holds'],
    ['StringNotEquals', ['${aws:SourceVpc}', 'x'], 'x', 'does not'],
    ['StringEquals', "${aws:SourceVpc, 'x'}", 'x', 'unknown'],
    ['StringEquals', '${aws:PrincipalTag/none}${aws:SourceVpc}', 'x', 'does not'],
    ['StringEquals', '${aws:SourceVpc}${aws:PrincipalTag/none}', 'x', 'does not'],
    // "You can't use a multivalued context key as a policy variable."
    ['StringEquals', '${aws:TagKeys}', 'one', 'unknown'],
    // Errors of the check reference: missing brace, empty variable, missing quote, space in variable.
    ['StringEquals', '${aws:username', '${aws:username', 'unknown'],
    ['StringEquals', '${}', '${}', 'unknown'],
    ['StringEquals', "${aws:username, 'x}", 'David', 'unknown'],
    ['StringEquals', '${aws:username, x}', 'David', 'unknown'],
    ['StringEquals', "${aws:username,'x'}", 'David', 'unknown'],
    ['StringEquals', "${aws:username, 'x' }", 'David', 'unknown'],
    ['StringEquals', '${ aws:username}', 'David', 'unknown'],
    ['StringEquals', '${aws:user name}', 'David', 'unknown'],
    ['StringEquals', '${aws:${aws:username}}', 'David', 'unknown'],
    ['StringEquals', ['${', 'David'], 'David', 'unknown'],
    // No variables
    ['StringEquals', '$aws:username', '$aws:username', 'holds'],
    ['StringEquals', '{aws:username}', '{aws:username}', 'holds'],
    ['StringEquals', '$', '$', 'holds'],
    // "You can't use a policy variable with other operators, such as Numeric, Date, Boolean, Binary, IP Address, or
    // Null."
    ['NumericEquals', '${aws:MultiFactorAuthAge}', '1', 'unknown'],
    ['NumericEquals', ['1', '${aws:username}'], '1', 'unknown'],
    ['DateEquals', '${aws:CurrentTime}', '2020-01-01T00:00:00Z', 'unknown'],
    ['Bool', '${aws:SecureTransport}', 'true', 'unknown'],
    ['IpAddress', '${aws:SourceIp}', '1.2.3.4', 'unknown'],
    ['BinaryEquals', '${aws:username}', 'QUJD', 'unknown'],
    ['Null', '${aws:username}', 'a', 'unknown'],
  ])('%s %j, request has %j: %s', (operator, wanted, has, result) => expect(on(operator, wanted, has)).toBe(result));

  // "If you don't set the Version to 2012-10-17, variables like ${aws:username} are treated as literal strings."
  it.each<[operator: string, wanted: string, found: string, expected: Truth]>([
    ['StringEquals', '${aws:username}', 'David', 'does not'],
    ['StringEquals', '${aws:username}', '${aws:username}', 'holds'],
    ['StringLike', 'a${*}b', 'a${xyz}b', 'holds'],
    ['StringEquals', '${', '${', 'holds'],
    ['NumericEquals', '${aws:username}', '1', 'unknown'],
  ])('with version 2008-10-17 %s %j, request has %j: %s', (operator, wanted, found, expected) => {
    expect(on(operator, wanted, found, '2008-10-17')).toBe(expected);
    expect(whether({ [operator]: { [KEY]: wanted } }, { ...keys, [KEY]: found }, undefined)).toBe(
      on(operator, wanted, found),
    );
  });
});

describe(`Resource and NotResource: ${USER_GUIDE}reference_policies_elements_resource.html`, () => {
  const bucket = 'arn:aws:s3:::bucket/David/letters';
  const verdict = (resource: object, asked: string | null = bucket, Version = '2012-10-17'): Verdict =>
    evaluate(
      parsePolicy({ Version, Statement: { Effect: 'Allow', Action: 's3:GetObject', ...resource } }, 'identity'),
      request(keys, { action: 's3:GetObject', principal: undefined, ...(asked === null ? {} : { resource: asked }) }),
    ).verdict;

  it.each<[resource: object, expected: Verdict]>([
    [{ Resource: '*' }, 'allowed'],
    [{ Resource: bucket }, 'allowed'],
    [{ Resource: ['arn:aws:s3:::other', 'arn:aws:s3:::bucket/*'] }, 'allowed'],
    [{ Resource: 'arn:aws:s3:::bucket' }, 'denied'],
    [{ Resource: 'ARN:aws:s3:::bucket/*' }, 'denied'],
    [{ Resource: 'arn:aws:s3:::b?cket/*' }, 'allowed'],
    [{ Resource: [] }, 'denied'],
    [{ NotResource: 'arn:aws:s3:::bucket/*' }, 'denied'],
    [{ NotResource: 'arn:aws:s3:::other/*' }, 'allowed'],
    [{ NotResource: '*' }, 'denied'],
    [{ Resource: 'arn:aws:s3:::bucket/${aws:username}/*' }, 'allowed'],
    [{ NotResource: 'arn:aws:s3:::bucket/${aws:username}/*' }, 'denied'],
    [{ Resource: 'arn:aws:s3:::bucket/${aws:PrincipalTag/none}*' }, 'denied'],
    [{ NotResource: 'arn:aws:s3:::bucket/${aws:PrincipalTag/none}*' }, 'allowed'],
    [{ Resource: 'arn:aws:s3:::bucket/${aws:SourceVpc}/*' }, 'unknown'],
    [{ Resource: ['arn:aws:s3:::bucket/${aws:SourceVpc}/*', '*'] }, 'allowed'],
    // "You can't use a variable to replace parts of the ARN before the fifth colon."
    [{ Resource: 'arn:aws:s3::${aws:username}:bucket/*' }, 'unknown'],
    [{ Resource: '${aws:username}' }, 'unknown'],
  ])('%j: %s', (resource, expected) => expect(verdict(resource)).toBe(expected));

  it('treats variables as text with version 2008-10-17', () => {
    expect(verdict({ Resource: 'arn:aws:s3:::bucket/${aws:username}/*' }, bucket, '2008-10-17')).toBe('denied');
    expect(verdict({ Resource: 'arn:aws:s3::${a}:b' }, 'arn:aws:s3::${a}:b', '2008-10-17')).toBe('allowed');
  });

  it('decides without a resource only if every resource matches', () => {
    const without = (resource: object): Verdict => verdict(resource, null);
    expect([without({ Resource: '*' }), without({ NotResource: '*' })]).toEqual(['allowed', 'denied']);
    expect([without({ Resource: bucket }), without({ NotResource: bucket })]).toEqual(['unknown', 'unknown']);
  });
});
