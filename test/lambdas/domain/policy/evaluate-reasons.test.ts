import { describe, expect, it } from 'vitest';
import { parsePolicy } from '../../../../lambdas/domain/policy/document.ts';
import { evaluate } from '../../../../lambdas/domain/policy/evaluate.ts';
import type { Evaluation, Reason } from '../../../../lambdas/domain/policy/request.ts';
import { ABSENT, allowPods, ask, denyPods, request } from './requests.ts';
import { CLUSTER, keys, when, unless, yes, no, vpc, of, messages } from './deciding.ts';

describe('reasons', () => {
  it('of an Allow name the statement', () => {
    expect(of([when(yes), { ...allowPods, Sid: '' }]).reasons).toEqual<Reason[]>([
      {
        message: '"AllowPods": allows sts:AssumeRole to pods.eks.amazonaws.com',
        statement: 'AllowPods',
        effect: 'Allow',
        action: 'sts:AssumeRole',
      },
      {
        message: '"statement 2": allows sts:AssumeRole to pods.eks.amazonaws.com',
        statement: 'statement 2',
        effect: 'Allow',
        action: 'sts:AssumeRole',
      },
    ]);
  });

  it('of a Deny name the key, the required values and those of the request', () => {
    expect(
      of([allowPods, unless({ ...yes, ArnNotLike: { 'aws:SourceArn': 'arn:aws:eks:*:*:cluster/prod' } })]).reasons,
    ).toEqual<Reason[]>([
      {
        message: `"DenyPods": denies sts:AssumeRole to pods.eks.amazonaws.com: aws:SourceAccount is 111122223333, StringEquals requires 111122223333; aws:SourceArn is ${CLUSTER}, ArnNotLike requires arn:aws:eks:*:*:cluster/prod`,
        statement: 'DenyPods',
        effect: 'Deny',
        action: 'sts:AssumeRole',
        operator: 'StringEquals',
        key: 'aws:SourceAccount',
        wanted: ['111122223333'],
        found: ['111122223333'],
      },
    ]);
    expect(messages([allowPods, unless({ Null: { 'aws:SourceArn': ['true', 'false'] } })])).toEqual([
      `"DenyPods": denies sts:AssumeRole to pods.eks.amazonaws.com: aws:SourceArn is ${CLUSTER}, Null requires it to be absent or present`,
    ]);
    const six = Object.fromEntries(
      ['ArnLike', 'ArnEquals', 'StringLike', 'ArnLikeIfExists', 'ArnEqualsIfExists', 'StringLikeIfExists'].map(
        (operator) => [operator, { 'aws:SourceArn': 'arn:*:*:*:*:*' }],
      ),
    );
    expect(messages([allowPods, unless(six)])[0]?.match(/requires/g)).toHaveLength(5);
    expect(messages([allowPods, denyPods])).toEqual(['"DenyPods": denies sts:AssumeRole to pods.eks.amazonaws.com']);
  });

  it('of an Allow that nearly applies name the key, the required values and those of the request', () => {
    expect(
      of([
        when({
          ...yes,
          ArnEquals: {
            'AWS:SourceArn': [
              'arn:aws:eks:eu-west-1:111122223333:cluster/prod',
              'arn:aws:eks:eu-west-1:111122223333:cluster/test',
            ],
          },
        }),
      ]).reasons,
    ).toEqual<Reason[]>([
      {
        message: `"AllowPods": AWS:SourceArn is ${CLUSTER}, ArnEquals requires arn:aws:eks:eu-west-1:111122223333:cluster/prod or arn:aws:eks:eu-west-1:111122223333:cluster/test`,
        statement: 'AllowPods',
        effect: 'Allow',
        action: 'sts:AssumeRole',
        operator: 'ArnEquals',
        key: 'AWS:SourceArn',
        wanted: ['arn:aws:eks:eu-west-1:111122223333:cluster/prod', 'arn:aws:eks:eu-west-1:111122223333:cluster/test'],
        found: [CLUSTER],
      },
    ]);
  });

  it.each<[condition: unknown, message: string]>([
    [{ StringEquals: { 'sts:ExternalId': 'x' } }, 'sts:ExternalId is not part of the request, StringEquals requires x'],
    [
      { Null: { 'sts:ExternalId': 'false' } },
      'sts:ExternalId is not part of the request, Null requires it to be present',
    ],
    [{ null: { 'aws:SourceArn': 'true' } }, `aws:SourceArn is ${CLUSTER}, null requires it to be absent`],
    [
      { Null: { 'sts:RoleSessionName': 'true' } },
      'sts:RoleSessionName is part of the request, Null requires it to be absent',
    ],
    [
      { StringNotLike: { 'sts:RoleSessionName': '*' } },
      'sts:RoleSessionName is part of the request, StringNotLike requires *',
    ],
    [
      { 'ForAllValues:StringEquals': { 'aws:TagKeys': ['a', ''] } },
      'aws:TagKeys is a, b, ForAllValues:StringEquals requires a or ""',
    ],
    [
      { StringEquals: { 'aws:SourceAccount': ['1', '2', '3', '4', '5', '6', '7'] } },
      'aws:SourceAccount is 111122223333, StringEquals requires 1 or 2 or 3 or 4 or 5 or 2 more',
    ],
    [
      { StringEquals: { 'aws:SourceAccount': ['1', '2', '3', '4', '5'] } },
      'aws:SourceAccount is 111122223333, StringEquals requires 1 or 2 or 3 or 4 or 5',
    ],
    [
      { StringEquals: { 'aws:SourceAccount': 'x'.repeat(201) } },
      `aws:SourceAccount is 111122223333, StringEquals requires ${'x'.repeat(200)}…`,
    ],
    [
      { StringEquals: { 'aws:SourceAccount': 'x'.repeat(200) } },
      `aws:SourceAccount is 111122223333, StringEquals requires ${'x'.repeat(200)}`,
    ],
    [vpc, 'aws:SourceVpc is not known in advance, StringEquals requires vpc-1'],
    [
      { StringEquals: { 'sts:RoleSessionName': 'x' } },
      'sts:RoleSessionName is not known in advance, StringEquals requires x',
    ],
    [{ StringIs: { 'aws:SourceArn': 'x' } }, 'aws:SourceArn: the operator "StringIs" is not known'],
    [{ ['S'.repeat(100)]: { 'aws:SourceArn': 'x' } }, `aws:SourceArn: the operator "${'S'.repeat(100)}" is not known`],
    [
      { 'ForAllValues:NumericEquals': { 'aws:TagKeys': '1' } },
      'aws:TagKeys: ForAllValues:NumericEquals cannot compare "a", "b"',
    ],
    [{ ...yes, StringLike: { 'aws:SourceVpc': 'x' } }, 'aws:SourceVpc is not known in advance, StringLike requires x'],
    [{ ['S'.repeat(101)]: { 'aws:SourceArn': 'x' } }, `aws:SourceArn: the operator "${'S'.repeat(100)}…" is not known`],
    [{ StringEquals: { 'aws:SourceArn': [] } }, 'aws:SourceArn: StringEquals has no value'],
    [{ NumericEquals: { 'aws:SourceAccount': 'abc' } }, 'aws:SourceAccount: NumericEquals cannot read "abc"'],
    [
      { NumericEquals: { 'aws:SourceAccount': '${aws:x}' } },
      'aws:SourceAccount: NumericEquals does not support policy variables',
    ],
    [{ StringEquals: { 'aws:SourceAccount': '${aws:x' } }, 'aws:SourceAccount: a policy variable is malformed'],
    [
      { StringEquals: { 'aws:SourceAccount': ['${aws:x}', '${aws:y}'] } },
      'aws:SourceAccount: the variable aws:x is not known in advance',
    ],
    [
      { StringEquals: { 'aws:SourceAccount': '${aws:TagKeys}' } },
      'aws:SourceAccount: the variable aws:TagKeys may have several values',
    ],
    [{ Bool: { 'aws:SourceAccount': 'true' } }, 'aws:SourceAccount: Bool cannot compare "111122223333"'],
    [
      { StringEquals: { 'aws:TagKeys': 'a' } },
      'aws:TagKeys: the key may have several values, which StringEquals supports only with the prefix ForAllValues: or ForAnyValue:',
    ],
    [{ Null: { 'aws:TagKeys': ['no', 'true'] } }, 'aws:TagKeys: Null cannot read "no", "true"'],
  ])('%j', (condition, message) => {
    expect(messages([when(condition)])).toEqual([`"AllowPods": ${message}`]);
  });

  it("explain a key that begins with an OIDC provider's ARN or URL, which no request has", () => {
    const name = 'oidc.eks.eu-west-1.amazonaws.com/id/E';
    const arn = `arn:aws:iam::111122223333:oidc-provider/${name}`;
    const explained = (key: string, operator = 'StringEquals'): string[] =>
      ask(when({ [operator]: { [key]: 'x' } }), request({ [key]: ABSENT })).reasons.map(({ message }) => message);
    expect(explained(`${arn}:sub`)).toEqual([
      `"AllowPods": ${arn}:sub is not part of the request, StringEquals requires x: no request has a key that begins with the ARN of an OIDC provider; write ${name}:sub instead`,
    ]);
    expect(explained(`https://${name}:aud`)).toEqual([
      `"AllowPods": https://${name}:aud is not part of the request, StringEquals requires x: no request has a key that begins with https://; write ${name}:aud instead`,
    ]);
    expect(explained(`${name}:sub`)).toEqual([
      `"AllowPods": ${name}:sub is not part of the request, StringEquals requires x`,
    ]);
    expect(explained(`${arn}:${'x'.repeat(300)}`)[0]!.length).toBeLessThan(600);
  });

  it('of a key with an empty value', () => {
    expect(
      ask([when({ Null: { 'aws:TagKeys': 'true' } })], request({ 'aws:TagKeys': ['', ''] })).reasons.map(
        (one) => one.message,
      ),
    ).toEqual(['"AllowPods": aws:TagKeys: aws:TagKeys is empty']);
  });

  it('of undecided conditions have the values of the request, if they are known', () => {
    expect(of([when({ NumericEquals: { 'aws:SourceAccount': 'abc' } })]).reasons).toEqual<Reason[]>([
      {
        message: '"AllowPods": aws:SourceAccount: NumericEquals cannot read "abc"',
        statement: 'AllowPods',
        effect: 'Allow',
        action: 'sts:AssumeRole',
        operator: 'NumericEquals',
        key: 'aws:SourceAccount',
        wanted: ['abc'],
        found: ['111122223333'],
      },
    ]);
    expect(of([when(vpc)]).reasons).toEqual<Reason[]>([
      {
        message: '"AllowPods": aws:SourceVpc is not known in advance, StringEquals requires vpc-1',
        statement: 'AllowPods',
        effect: 'Allow',
        action: 'sts:AssumeRole',
        operator: 'StringEquals',
        key: 'aws:SourceVpc',
        wanted: ['vpc-1'],
      },
    ]);
  });

  it('report that nothing nearly applies, and what the statements for this principal allow', () => {
    expect(of([{ ...allowPods, Principal: { Service: 'ec2.amazonaws.com' } }]).reasons).toEqual<Reason[]>([
      { message: 'no statement allows sts:AssumeRole to pods.eks.amazonaws.com', action: 'sts:AssumeRole' },
    ]);
    expect(
      ask(
        [
          { ...allowPods, Action: 'sts:AssumeRole' },
          { Effect: 'Allow', Principal: '*', NotAction: ['sts:*'] },
        ],
        request(keys, { action: 'sts:TagSession' }),
      ).reasons,
    ).toEqual<Reason[]>([
      { message: 'no statement allows sts:TagSession to pods.eks.amazonaws.com', action: 'sts:TagSession' },
      {
        message: '"AllowPods": is for pods.eks.amazonaws.com, but allows sts:AssumeRole and not sts:TagSession',
        statement: 'AllowPods',
        effect: 'Allow',
        action: 'sts:TagSession',
        wanted: ['sts:AssumeRole'],
        found: ['sts:TagSession'],
      },
      {
        message: '"statement 2": is for pods.eks.amazonaws.com, but allows all but sts:* and not sts:TagSession',
        statement: 'statement 2',
        effect: 'Allow',
        action: 'sts:TagSession',
        wanted: ['sts:*'],
        found: ['sts:TagSession'],
      },
    ]);
    expect(messages([{ ...allowPods, Principal: { Service: 'ec2.amazonaws.com' }, Action: 's3:*' }])).toEqual([
      'no statement allows sts:AssumeRole to pods.eks.amazonaws.com',
    ]);
    expect(messages([{ ...allowPods, Action: ['s3:*', 'ec2:*'] }])).toContain(
      '"AllowPods": is for pods.eks.amazonaws.com, but allows s3:*, ec2:* and not sts:AssumeRole',
    );
    expect(messages([unless(no)])).toEqual(['no statement allows sts:AssumeRole to pods.eks.amazonaws.com']);
    expect(evaluate([], request()).reasons.map((one) => one.message)).toEqual([
      'no statement allows sts:AssumeRole to pods.eks.amazonaws.com',
    ]);
  });

  it('omit statements for other principals if a statement nearly applies', () => {
    expect(
      messages([
        when(no),
        { ...when(no), Sid: 'Other', Principal: '*', Action: 's3:*' },
        { ...allowPods, Sid: 'Ec2', Principal: { Service: 'ec2.amazonaws.com' } },
      ]),
    ).toEqual(['"AllowPods": aws:SourceAccount is 111122223333, StringEquals requires 444455556666']);
  });

  it('name the principal of the request', () => {
    const asked = (principal: Parameters<typeof request>[1]): string[] =>
      ask([{ ...allowPods, Action: 's3:*', Principal: '*' }], request(keys, principal)).reasons.map(
        (one) => one.message,
      );
    expect(asked({ principal: undefined })).toContain('no statement allows sts:AssumeRole to the role');
    expect(asked({ principal: { type: 'Federated', unknown: 'some provider' } })).toContain(
      'no statement allows sts:AssumeRole to some provider',
    );
    expect(asked({ principal: { type: 'AWS', values: [] } })).toContain(
      'no statement allows sts:AssumeRole to no principal',
    );
  });

  it('of an unknown principal, and of an unknown resource', () => {
    const statement = { Sid: 'Tokens', Effect: 'Allow', Principal: { Federated: ['a', 'b', 'c', 'd'] }, Action: '*' };
    const { verdict, reasons, undecided } = ask(
      [statement],
      request(keys, { principal: { type: 'Federated', unknown: 'some provider' } }),
    );
    expect({ verdict, undecided, reasons }).toEqual({
      verdict: 'unknown',
      undecided: [],
      reasons: [
        {
          message: '"Tokens": whether some provider is a or b or c is not known in advance',
          statement: 'Tokens',
          effect: 'Allow',
          action: 'sts:AssumeRole',
        },
      ],
    });
    const own = (Resource: string, resource?: string): Evaluation =>
      evaluate(
        parsePolicy({ Statement: { Effect: 'Allow', Action: '*', Resource } }, 'identity'),
        request(keys, { principal: undefined, resource }),
      );
    expect(own('a').reasons.map((one) => one.message)).toEqual([
      '"statement 1": whether its resource includes the requested resource cannot be decided',
    ]);
    expect(own('a', 'b').reasons).toEqual([
      { message: '"statement 1": is not for b', statement: 'statement 1', effect: 'Allow', action: 'sts:AssumeRole' },
    ]);
    const not = evaluate(
      parsePolicy(
        {
          Statement: [
            { Effect: 'Allow', Action: '*', NotResource: '*' },
            { Effect: 'Allow', Action: 's3:*', Resource: 'a' },
          ],
        },
        'identity',
      ),
      request(keys, { principal: undefined }),
    );
    expect(not.reasons.map((one) => one.message)).toEqual(['"statement 1": is not for this resource']);
    const other = evaluate(
      parsePolicy({ Statement: { Effect: 'Allow', Action: 's3:*', Resource: 'a' } }, 'identity'),
      request(keys, { principal: undefined, resource: 'b' }),
    );
    expect(other.reasons.map((one) => one.message)).toEqual([
      'no statement allows sts:AssumeRole to the role',
      '"statement 1": is for the role, but allows s3:* and not sts:AssumeRole',
    ]);
    expect(
      ask(
        [{ Effect: 'Allow', Principal: { AWS: 'a' }, Action: '*' }],
        request(keys, { principal: undefined }),
      ).reasons.map((one) => one.message),
    ).toEqual(['"statement 1": the principal of the request is not known']);
    expect(
      ask(
        [{ Effect: 'Allow', Principal: { Federated: '*' }, Action: '*' }],
        request(keys, { principal: { type: 'Federated', values: ['arn:x'] } }),
      ).reasons.map((one) => one.message),
    ).toEqual(['"statement 1": a * for this principal type is not documented']);
    expect(
      ask(
        [
          { Effect: 'Allow', Principal: '*', Action: '*' },
          { Effect: 'Deny', NotPrincipal: { Service: 'p*' }, Action: '*' },
        ],
        request(keys),
      ).reasons.map((one) => one.message),
    ).toEqual(['"statement 2": NotPrincipal has p*, a wildcard that is not documented']);
  });
});
