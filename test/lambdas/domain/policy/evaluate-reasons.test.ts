import { describe, expect, it } from 'vitest';
import { parsePolicy } from '../../../../lambdas/domain/policy/document.ts';
import { evaluate } from '../../../../lambdas/domain/policy/evaluate.ts';
import type { Evaluation, Reason } from '../../../../lambdas/domain/policy/request.ts';
import { ABSENT, allowPods, ask, denyPods, request } from './requests.ts';
import { CLUSTER, keys, when, unless, yes, no, vpc, of, messages } from './deciding.ts';

const POD = 'pods.eks.amazonaws.com';
/** What an action of the request is asked for, and what each reason of its statement has. */
const action = 'sts:AssumeRole';
const ALLOW = { statement: 'AllowPods', effect: 'Allow', action } as const;
const NONE = `no statement allows sts:AssumeRole to ${POD}`;
const told = ({ reasons }: Evaluation): string[] => reasons.map(({ message }) => message);

describe('reasons', () => {
  it('of an Allow name the statement', () =>
    expect(of([when(yes), { ...allowPods, Sid: '' }]).reasons).toEqual<Reason[]>([
      { ...ALLOW, message: `"AllowPods": allows sts:AssumeRole to ${POD}` },
      { ...ALLOW, message: `"statement 2": allows sts:AssumeRole to ${POD}`, statement: 'statement 2' },
    ]));

  it('of a Deny name the key, the required values and those of the request', () => {
    const notProd = { ArnNotLike: { 'aws:SourceArn': 'arn:aws:eks:*:*:cluster/prod' } };
    expect(of([allowPods, unless({ ...yes, ...notProd })]).reasons).toEqual<Reason[]>([
      {
        message: `"DenyPods": denies sts:AssumeRole to pods.eks.amazonaws.com: aws:SourceAccount is 111122223333, StringEquals requires 111122223333; aws:SourceArn is ${CLUSTER}, ArnNotLike requires arn:aws:eks:*:*:cluster/prod`,
        ...ALLOW,
        statement: 'DenyPods',
        effect: 'Deny',
        operator: 'StringEquals',
        key: 'aws:SourceAccount',
        wanted: ['111122223333'],
        found: ['111122223333'],
      },
    ]);
    expect(messages([allowPods, unless({ Null: { 'aws:SourceArn': ['true', 'false'] } })])).toEqual([
      `"DenyPods": denies sts:AssumeRole to pods.eks.amazonaws.com: aws:SourceArn is ${CLUSTER}, Null requires it to be absent or present`,
    ]);
    const likes = ['ArnLike', 'ArnEquals', 'StringLike'].flatMap((name) => [name, `${name}IfExists`]);
    const six = Object.fromEntries(likes.map((operator) => [operator, { 'aws:SourceArn': 'arn:*:*:*:*:*' }]));
    expect(messages([allowPods, unless(six)])[0]?.match(/requires/g)).toHaveLength(5);
    expect(messages([allowPods, denyPods])).toEqual(['"DenyPods": denies sts:AssumeRole to pods.eks.amazonaws.com']);
  });

  it('of an Allow that nearly applies name the key, the required values and those of the request', () => {
    const wanted = ['prod', 'test'].map((name) => `arn:aws:eks:eu-west-1:111122223333:cluster/${name}`);
    expect(of([when({ ...yes, ArnEquals: { 'AWS:SourceArn': wanted } })]).reasons).toEqual<Reason[]>([
      {
        ...ALLOW,
        message: `"AllowPods": AWS:SourceArn is ${CLUSTER}, ArnEquals requires ${wanted.join(' or ')}`,
        operator: 'ArnEquals',
        key: 'AWS:SourceArn',
        wanted,
        found: [CLUSTER],
      },
    ]);
  });

  const account = (value: unknown, operator = 'StringEquals') => ({ [operator]: { 'aws:SourceAccount': value } });
  const required = 'aws:SourceAccount is 111122223333, StringEquals requires';
  const tagKeys = (operator: string, value: unknown): object => ({ [operator]: { 'aws:TagKeys': value } });
  const session = (operator: string, value: string): object => ({ [operator]: { 'sts:RoleSessionName': value } });
  const externalId = (operator: string, value: string): object => ({ [operator]: { 'sts:ExternalId': value } });
  const ALL_STRINGS = 'ForAllValues:StringEquals';
  const X200 = 'x'.repeat(200);
  it.each<[condition: unknown, message: string]>([
    [externalId('StringEquals', 'x'), 'sts:ExternalId is not part of the request, StringEquals requires x'],
    [externalId('Null', 'false'), 'sts:ExternalId is not part of the request, Null requires it to be present'],
    [{ null: { 'aws:SourceArn': 'true' } }, `aws:SourceArn is ${CLUSTER}, null requires it to be absent`],
    [session('Null', 'true'), 'sts:RoleSessionName is part of the request, Null requires it to be absent'],
    [session('StringNotLike', '*'), 'sts:RoleSessionName is part of the request, StringNotLike requires *'],
    [session('StringEquals', 'x'), 'sts:RoleSessionName is not known in advance, StringEquals requires x'],
    [tagKeys(ALL_STRINGS, ['a', '']), 'aws:TagKeys is a, b, ForAllValues:StringEquals requires a or ""'],
    [account(['1', '2', '3', '4', '5', '6', '7']), `${required} 1 or 2 or 3 or 4 or 5 or 2 more`],
    [account(['1', '2', '3', '4', '5']), `${required} 1 or 2 or 3 or 4 or 5`],
    [account('x'.repeat(201)), `${required} ${X200}…`],
    [account(X200), `${required} ${X200}`],
    [vpc, 'aws:SourceVpc is not known in advance, StringEquals requires vpc-1'],
    [{ ...yes, StringLike: { 'aws:SourceVpc': 'x' } }, 'aws:SourceVpc is not known in advance, StringLike requires x'],
    [{ StringIs: { 'aws:SourceArn': 'x' } }, 'aws:SourceArn: the operator "StringIs" is not known'],
    [{ ['S'.repeat(100)]: { 'aws:SourceArn': 'x' } }, `aws:SourceArn: the operator "${'S'.repeat(100)}" is not known`],
    [{ ['S'.repeat(101)]: { 'aws:SourceArn': 'x' } }, `aws:SourceArn: the operator "${'S'.repeat(100)}…" is not known`],
    [{ StringEquals: { 'aws:SourceArn': [] } }, 'aws:SourceArn: StringEquals has no value'],
    [tagKeys('ForAllValues:NumericEquals', '1'), 'aws:TagKeys: ForAllValues:NumericEquals cannot compare "a", "b"'],
    [account('abc', 'NumericEquals'), 'aws:SourceAccount: NumericEquals cannot read "abc"'],
    [account('${aws:x}', 'NumericEquals'), 'aws:SourceAccount: NumericEquals does not support policy variables'],
    [account('${aws:x'), 'aws:SourceAccount: a policy variable is malformed'],
    [account(['${aws:x}', '${aws:y}']), 'aws:SourceAccount: the variable aws:x is not known in advance'],
    [account('${aws:TagKeys}'), 'aws:SourceAccount: the variable aws:TagKeys may have several values'],
    [account('true', 'Bool'), 'aws:SourceAccount: Bool cannot compare "111122223333"'],
    [
      tagKeys('StringEquals', 'a'),
      'aws:TagKeys: the key may have several values, which StringEquals supports only with the prefix ForAllValues: or ForAnyValue:',
    ],
    [tagKeys('Null', ['no', 'true']), 'aws:TagKeys: Null cannot read "no", "true"'],
  ])('%j', (condition, message) => expect(messages([when(condition)])).toEqual([`"AllowPods": ${message}`]));

  it("explain a key that begins with an OIDC provider's ARN or URL, which no request has", () => {
    const name = 'oidc.eks.eu-west-1.amazonaws.com/id/E';
    const arn = `arn:aws:iam::111122223333:oidc-provider/${name}`;
    const explained = (key: string, operator = 'StringEquals'): string[] =>
      told(ask(when({ [operator]: { [key]: 'x' } }), request({ [key]: ABSENT })));
    expect(explained(`${arn}:sub`)).toEqual([
      `"AllowPods": ${arn}:sub is not part of the request, StringEquals requires x: no request has a key that begins with the ARN of an OIDC provider; write ${name}:sub instead`,
    ]);
    expect(explained(`https://${name}:aud`)).toEqual([
      `"AllowPods": https://${name}:aud is not part of the request, StringEquals requires x: no request has a key that begins with https://; write ${name}:aud instead`,
    ]);
    const absent = `"AllowPods": ${name}:sub is not part of the request, StringEquals requires x`;
    expect(explained(`${name}:sub`)).toEqual([absent]);
    expect(explained(`${arn}:${'x'.repeat(300)}`)[0]!.length).toBeLessThan(600);
  });

  it('of a key with an empty value', () =>
    expect(told(ask([when({ Null: { 'aws:TagKeys': 'true' } })], request({ 'aws:TagKeys': ['', ''] })))).toEqual([
      '"AllowPods": aws:TagKeys: aws:TagKeys is empty',
    ]));

  it('of undecided conditions have the values of the request, if they are known', () => {
    expect(of([when({ NumericEquals: { 'aws:SourceAccount': 'abc' } })]).reasons).toEqual<Reason[]>([
      {
        ...ALLOW,
        message: '"AllowPods": aws:SourceAccount: NumericEquals cannot read "abc"',
        operator: 'NumericEquals',
        key: 'aws:SourceAccount',
        wanted: ['abc'],
        found: ['111122223333'],
      },
    ]);
    expect(of([when(vpc)]).reasons).toEqual<Reason[]>([
      {
        ...ALLOW,
        message: '"AllowPods": aws:SourceVpc is not known in advance, StringEquals requires vpc-1',
        operator: 'StringEquals',
        key: 'aws:SourceVpc',
        wanted: ['vpc-1'],
      },
    ]);
  });

  it('report that nothing nearly applies, and what the statements for this principal allow', () => {
    const forEc2 = { ...allowPods, Principal: { Service: 'ec2.amazonaws.com' } };
    expect(of([forEc2]).reasons).toEqual<Reason[]>([{ message: NONE, action }]);
    const notSts = { Effect: 'Allow', Principal: '*', NotAction: ['sts:*'] };
    const others = [{ ...allowPods, Action: 'sts:AssumeRole' }, notSts];
    const tags = { effect: 'Allow' as const, action: 'sts:TagSession', found: ['sts:TagSession'] };
    const but = (allowed: string) => `is for ${POD}, but allows ${allowed} and not sts:TagSession`;
    expect(ask(others, request(keys, { action: 'sts:TagSession' })).reasons).toEqual<Reason[]>([
      { message: `no statement allows sts:TagSession to ${POD}`, action: 'sts:TagSession' },
      { ...tags, message: `"AllowPods": ${but('sts:AssumeRole')}`, statement: 'AllowPods', wanted: ['sts:AssumeRole'] },
      { ...tags, message: `"statement 2": ${but('all but sts:*')}`, statement: 'statement 2', wanted: ['sts:*'] },
    ]);
    expect(messages([{ ...forEc2, Action: 's3:*' }])).toEqual([NONE]);
    const s3AndEc2 = `"AllowPods": is for ${POD}, but allows s3:*, ec2:* and not sts:AssumeRole`;
    expect(messages([{ ...allowPods, Action: ['s3:*', 'ec2:*'] }])).toContain(s3AndEc2);
    expect([messages([unless(no)]), told(evaluate([], request()))]).toEqual([[NONE], [NONE]]);
  });

  it('omit statements for other principals if a statement nearly applies', () =>
    expect(
      messages([
        when(no),
        { ...when(no), Sid: 'Other', Principal: '*', Action: 's3:*' },
        { ...allowPods, Sid: 'Ec2', Principal: { Service: 'ec2.amazonaws.com' } },
      ]),
    ).toEqual(['"AllowPods": aws:SourceAccount is 111122223333, StringEquals requires 444455556666']));

  it('name the principal of the request', () => {
    const other = [{ ...allowPods, Action: 's3:*', Principal: '*' }];
    const asked = (principal: NonNullable<Parameters<typeof request>[1]>['principal']): string[] =>
      told(ask(other, request(keys, { principal })));
    const none = 'no statement allows sts:AssumeRole to';
    expect(asked(undefined)).toContain(`${none} the role`);
    expect(asked({ type: 'Federated', unknown: 'some provider' })).toContain(`${none} some provider`);
    expect(asked({ type: 'AWS', values: [] })).toContain(`${none} no principal`);
  });

  it('of an unknown principal, and of an unknown resource', () => {
    const statement = { Sid: 'Tokens', Effect: 'Allow', Principal: { Federated: ['a', 'b', 'c', 'd'] }, Action: '*' };
    const principal = { type: 'Federated', unknown: 'some provider' } as const;
    const { verdict, reasons, undecided } = ask([statement], request(keys, { principal }));
    expect([verdict, undecided]).toEqual(['unknown', []]);
    const message = '"Tokens": whether some provider is a or b or c is not known in advance';
    expect(reasons).toEqual([{ ...ALLOW, message, statement: 'Tokens' }]);
    const own = (Statement: object | object[], resource?: string): Evaluation =>
      evaluate(parsePolicy({ Statement }, 'identity'), request(keys, { principal: undefined, resource }));
    const any = { Effect: 'Allow', Action: '*', Resource: 'a' };
    const undecidable = 'whether its resource includes the requested resource cannot be decided';
    expect(told(own(any))).toEqual([`"statement 1": ${undecidable}`]);
    const notForB = { ...ALLOW, message: '"statement 1": is not for b', statement: 'statement 1' };
    expect(own(any, 'b').reasons).toEqual([notForB]);
    const s3 = { ...any, Action: 's3:*' };
    const nowhere = { Effect: 'Allow', Action: '*', NotResource: '*' };
    expect(told(own([nowhere, s3]))).toEqual(['"statement 1": is not for this resource']);
    expect(told(own(s3, 'b'))).toEqual([
      'no statement allows sts:AssumeRole to the role',
      '"statement 1": is for the role, but allows s3:* and not sts:AssumeRole',
    ]);
    const asked = (Principal: unknown, change: Parameters<typeof request>[1], ...more: object[]): string[] =>
      told(ask([{ Effect: 'Allow', Principal, Action: '*' }, ...more], request(keys, change)));
    const unknown = asked({ AWS: 'a' }, { principal: undefined });
    expect(unknown).toEqual(['"statement 1": the principal of the request is not known']);
    const federated = asked({ Federated: '*' }, { principal: { type: 'Federated', values: ['arn:x'] } });
    expect(federated).toEqual(['"statement 1": a * for this principal type is not documented']);
    const denied = asked('*', {}, { Effect: 'Deny', NotPrincipal: { Service: 'p*' }, Action: '*' });
    expect(denied).toEqual(['"statement 2": NotPrincipal has p*, a wildcard that is not documented']);
  });
});
