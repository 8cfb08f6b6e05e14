import { describe, expect, it } from 'vitest';
import { parsePolicy } from '../../../../lambdas/domain/policy/document.ts';
import { evaluate, type EvaluateOptions } from '../../../../lambdas/domain/policy/evaluate.ts';
import type { Evaluation, Reason, Verdict } from '../../../../lambdas/domain/policy/request.ts';
import { ABSENT, allowPods, ask, denyPods, PRESENT, policy, request, USER_GUIDE, type Keys } from './asking.ts';

const CLUSTER = 'arn:aws:eks:eu-west-1:111122223333:cluster/dev';
const keys: Keys = {
  'aws:SourceArn': CLUSTER,
  'aws:SourceAccount': '111122223333',
  'sts:ExternalId': ABSENT,
  'sts:RoleSessionName': PRESENT,
  'aws:TagKeys': ['a', 'b'],
};
const when = (Condition: unknown): object => ({ ...allowPods, Condition });
const unless = (Condition: unknown): object => ({ ...denyPods, Condition });
const yes = { StringEquals: { 'aws:SourceAccount': '111122223333' } };
const no = { StringEquals: { 'aws:SourceAccount': '444455556666' } };
const vpc = { StringEquals: { 'aws:SourceVpc': 'vpc-1' } };
const org = { StringEquals: { 'aws:SourceOrgID': 'o-1' } };
const of = (statements: unknown, options?: EvaluateOptions): Evaluation => ask(statements, request(keys), options);
const messages = (statements: unknown, options?: EvaluateOptions): string[] =>
  of(statements, options).reasons.map((one) => one.message);

describe(`how statements decide: ${USER_GUIDE}reference_policies_evaluation-logic.html`, () => {
  it.each<[what: string, statements: object[], expected: Verdict]>([
    ['one Allow', [allowPods], 'allowed'],
    ['an Allow that does not apply', [when(no)], 'denied'],
    ['Deny over Allow', [allowPods, denyPods], 'denied'],
    ['Deny over Allow, in any order', [denyPods, allowPods], 'denied'],
    ['a Deny that does not apply', [allowPods, unless(no)], 'allowed'],
    ['a Deny alone', [denyPods], 'denied'],
    ['a Deny that does not apply, alone', [unless(no)], 'denied'],
    ['an Allow that may apply', [when(vpc)], 'unknown'],
    ['an Allow that may apply besides one that does', [when(vpc), { ...allowPods, Sid: 'b' }], 'allowed'],
    ['an Allow that may apply besides one that does not', [when(vpc), { ...when(no), Sid: 'b' }], 'unknown'],
    ['a Deny that may apply', [allowPods, unless(vpc)], 'unknown'],
    ['a Deny that may apply, and nothing allows', [unless(vpc)], 'denied'],
    ['a Deny that may apply, and an Allow that does not', [when(no), unless(vpc)], 'denied'],
    ['a Deny that may apply besides one that does', [allowPods, unless(vpc), { ...denyPods, Sid: 'b' }], 'denied'],
    ['both may apply', [when(vpc), unless(org)], 'unknown'],
  ])('%s: %s', (_, statements, expected) => {
    expect(of(statements).verdict).toBe(expected);
  });
});

// "Action … names are not case-sensitive"
describe(`Action and NotAction: ${USER_GUIDE}reference_policies_elements_action.html`, () => {
  it.each<[action: object, expected: Verdict]>([
    [{ Action: 'sts:AssumeRole' }, 'allowed'],
    [{ Action: 'STS:assumerole' }, 'allowed'],
    [{ Action: ['s3:*', 'sts:AssumeRole'] }, 'allowed'],
    [{ Action: '*' }, 'allowed'],
    [{ Action: 'sts:*' }, 'allowed'],
    [{ Action: 'sts:Assume*' }, 'allowed'],
    [{ Action: 'sts:AssumeRol?' }, 'allowed'],
    [{ Action: 'sts:AssumeRole?' }, 'denied'],
    [{ Action: 'sts:TagSession' }, 'denied'],
    [{ Action: 'sts:AssumeRoleWithWebIdentity' }, 'denied'],
    [{ Action: [] }, 'denied'],
    [{ NotAction: 'sts:TagSession' }, 'allowed'],
    [{ NotAction: ['s3:*', 'sts:assume*'] }, 'denied'],
    [{ NotAction: '*' }, 'denied'],
    [{ NotAction: 's3:*' }, 'allowed'],
  ])('%j: %s', (action, expected) => {
    expect(of({ Effect: 'Allow', Principal: '*', ...action }).verdict).toBe(expected);
  });

  it('takes the action that is asked for without case', () => {
    expect(ask(allowPods, request(keys, { action: 'STS:ASSUMEROLE' })).verdict).toBe('allowed');
  });
});

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

  it('of a Deny name the key, what was wanted and what is there', () => {
    expect(
      of([allowPods, unless({ ...yes, ArnNotLike: { 'aws:SourceArn': 'arn:aws:eks:*:*:cluster/prod' } })]).reasons,
    ).toEqual<Reason[]>([
      {
        message: `"DenyPods": denies sts:AssumeRole to pods.eks.amazonaws.com: aws:SourceAccount is 111122223333, StringEquals wants 111122223333; aws:SourceArn is ${CLUSTER}, ArnNotLike wants arn:aws:eks:*:*:cluster/prod`,
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
      `"DenyPods": denies sts:AssumeRole to pods.eks.amazonaws.com: aws:SourceArn is ${CLUSTER}, Null wants it absent or present`,
    ]);
    const six = Object.fromEntries(
      ['ArnLike', 'ArnEquals', 'StringLike', 'ArnLikeIfExists', 'ArnEqualsIfExists', 'StringLikeIfExists'].map(
        (operator) => [operator, { 'aws:SourceArn': 'arn:*:*:*:*:*' }],
      ),
    );
    expect(messages([allowPods, unless(six)])[0]?.match(/wants/g)).toHaveLength(5);
    expect(messages([allowPods, denyPods])).toEqual(['"DenyPods": denies sts:AssumeRole to pods.eks.amazonaws.com']);
  });

  it('of an Allow that came near name the key, what was wanted and what is there', () => {
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
        message: `"AllowPods": AWS:SourceArn is ${CLUSTER}, ArnEquals wants arn:aws:eks:eu-west-1:111122223333:cluster/prod or arn:aws:eks:eu-west-1:111122223333:cluster/test`,
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
    [{ StringEquals: { 'sts:ExternalId': 'x' } }, 'sts:ExternalId is not part of the request, StringEquals wants x'],
    [{ Null: { 'sts:ExternalId': 'false' } }, 'sts:ExternalId is not part of the request, Null wants it present'],
    [{ null: { 'aws:SourceArn': 'true' } }, `aws:SourceArn is ${CLUSTER}, null wants it absent`],
    [{ Null: { 'sts:RoleSessionName': 'true' } }, 'sts:RoleSessionName is part of the request, Null wants it absent'],
    [
      { StringNotLike: { 'sts:RoleSessionName': '*' } },
      'sts:RoleSessionName is part of the request, StringNotLike wants *',
    ],
    [
      { 'ForAllValues:StringEquals': { 'aws:TagKeys': ['a', ''] } },
      'aws:TagKeys is a, b, ForAllValues:StringEquals wants a or ""',
    ],
    [
      { StringEquals: { 'aws:SourceAccount': ['1', '2', '3', '4', '5', '6', '7'] } },
      'aws:SourceAccount is 111122223333, StringEquals wants 1 or 2 or 3 or 4 or 5 or 2 more',
    ],
    [
      { StringEquals: { 'aws:SourceAccount': ['1', '2', '3', '4', '5'] } },
      'aws:SourceAccount is 111122223333, StringEquals wants 1 or 2 or 3 or 4 or 5',
    ],
    [
      { StringEquals: { 'aws:SourceAccount': 'x'.repeat(201) } },
      `aws:SourceAccount is 111122223333, StringEquals wants ${'x'.repeat(200)}…`,
    ],
    [
      { StringEquals: { 'aws:SourceAccount': 'x'.repeat(200) } },
      `aws:SourceAccount is 111122223333, StringEquals wants ${'x'.repeat(200)}`,
    ],
    [vpc, "aws:SourceVpc can't be known beforehand, StringEquals wants vpc-1"],
    [
      { StringEquals: { 'sts:RoleSessionName': 'x' } },
      "sts:RoleSessionName can't be known beforehand, StringEquals wants x",
    ],
    [{ StringIs: { 'aws:SourceArn': 'x' } }, 'aws:SourceArn: the operator "StringIs" is not known'],
    [{ ['S'.repeat(100)]: { 'aws:SourceArn': 'x' } }, `aws:SourceArn: the operator "${'S'.repeat(100)}" is not known`],
    [{ NumericEquals: { 'aws:TagKeys': '1' } }, 'aws:TagKeys: NumericEquals can\'t compare "a", "b"'],
    [{ ...yes, StringLike: { 'aws:SourceVpc': 'x' } }, "aws:SourceVpc can't be known beforehand, StringLike wants x"],
    [{ ['S'.repeat(101)]: { 'aws:SourceArn': 'x' } }, `aws:SourceArn: the operator "${'S'.repeat(100)}…" is not known`],
    [{ StringEquals: { 'aws:SourceArn': [] } }, 'aws:SourceArn: StringEquals has no value'],
    [{ NumericEquals: { 'aws:SourceAccount': 'abc' } }, 'aws:SourceAccount: NumericEquals can\'t read "abc"'],
    [
      { NumericEquals: { 'aws:SourceAccount': '${aws:x}' } },
      'aws:SourceAccount: NumericEquals takes no policy variables',
    ],
    [{ StringEquals: { 'aws:SourceAccount': '${aws:x' } }, 'aws:SourceAccount: a policy variable is not well-formed'],
    [
      { StringEquals: { 'aws:SourceAccount': ['${aws:x}', '${aws:y}'] } },
      "aws:SourceAccount: the variable aws:x can't be known beforehand",
    ],
    [
      { StringEquals: { 'aws:SourceAccount': '${aws:TagKeys}' } },
      'aws:SourceAccount: the variable aws:TagKeys has several values',
    ],
    [{ Bool: { 'aws:SourceAccount': 'true' } }, 'aws:SourceAccount: Bool can\'t compare "111122223333"'],
    [
      { StringEquals: { 'aws:TagKeys': 'a' } },
      'aws:TagKeys: aws:TagKeys has several values, which StringEquals takes only with ForAllValues or ForAnyValue',
    ],
    [{ Null: { 'aws:TagKeys': ['no', 'true'] } }, 'aws:TagKeys: Null can\'t read "no", "true"'],
  ])('%j', (condition, message) => {
    expect(messages([when(condition)])).toEqual([`"AllowPods": ${message}`]);
  });

  it('of a key that is empty', () => {
    expect(
      ask([when({ Null: { 'aws:TagKeys': 'true' } })], request({ 'aws:TagKeys': ['', ''] })).reasons.map(
        (one) => one.message,
      ),
    ).toEqual(['"AllowPods": aws:TagKeys: aws:TagKeys is empty']);
  });

  it('of what is undecided have what is there where it is known', () => {
    expect(of([when({ NumericEquals: { 'aws:SourceAccount': 'abc' } })]).reasons).toEqual<Reason[]>([
      {
        message: '"AllowPods": aws:SourceAccount: NumericEquals can\'t read "abc"',
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
        message: '"AllowPods": aws:SourceVpc can\'t be known beforehand, StringEquals wants vpc-1',
        statement: 'AllowPods',
        effect: 'Allow',
        action: 'sts:AssumeRole',
        operator: 'StringEquals',
        key: 'aws:SourceVpc',
        wanted: ['vpc-1'],
      },
    ]);
  });

  it('of nothing that came near say so, and what the statements for this principal allow', () => {
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

  it('leave out what is for others where something came near', () => {
    expect(
      messages([
        when(no),
        { ...when(no), Sid: 'Other', Principal: '*', Action: 's3:*' },
        { ...allowPods, Sid: 'Ec2', Principal: { Service: 'ec2.amazonaws.com' } },
      ]),
    ).toEqual(['"AllowPods": aws:SourceAccount is 111122223333, StringEquals wants 444455556666']);
  });

  it('name who asks', () => {
    const asked = (principal: Parameters<typeof request>[1]): string[] =>
      ask([{ ...allowPods, Action: 's3:*', Principal: '*' }], request(keys, principal)).reasons.map(
        (one) => one.message,
      );
    expect(asked({ principal: undefined })).toContain('no statement allows sts:AssumeRole to the role');
    expect(asked({ principal: { type: 'Federated', unknown: 'some provider' } })).toContain(
      'no statement allows sts:AssumeRole to some provider',
    );
    expect(asked({ principal: { type: 'AWS', values: [] } })).toContain('no statement allows sts:AssumeRole to nobody');
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
          message: '"Tokens": whether some provider is a or b or c can\'t be known beforehand',
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
      '"statement 1": whether its resource is the one asked for can\'t be decided',
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
    ).toEqual(['"statement 1": who asks is not known']);
    expect(
      ask([{ Effect: 'Allow', Principal: { Service: '*' }, Action: '*' }], request(keys)).reasons.map(
        (one) => one.message,
      ),
    ).toEqual(['"statement 1": a * for this type of principal is not documented']);
    expect(
      ask([{ Effect: 'Allow', NotPrincipal: { Service: 'p*' }, Action: '*' }], request(keys)).reasons.map(
        (one) => one.message,
      ),
    ).toEqual(['"statement 1": NotPrincipal has p*, a wildcard that is not documented']);
  });
});

describe('what is undecided', () => {
  it('is each key once, as the policy writes it first', () => {
    expect(
      of([when(vpc), { ...when({ StringLike: { 'AWS:sourceVPC': 'x', 'aws:Referer': 'y' } }), Sid: 'b' }]).undecided,
    ).toEqual(['aws:SourceVpc', 'aws:Referer']);
  });

  it('are the keys of a Deny where an Allow applies, and of both where it may', () => {
    expect(of([allowPods, { ...when(org), Sid: 'b' }, unless(vpc)]).undecided).toEqual(['aws:SourceVpc']);
    expect(of([when(org), unless(vpc)])).toMatchObject({
      undecided: ['aws:SourceVpc', 'aws:SourceOrgID'],
      reasons: [{ statement: 'DenyPods' }, { statement: 'AllowPods' }],
    });
  });

  it("are the keys of variables, and of conditions that can't be read", () => {
    expect(
      of([
        when({ StringEquals: { 'aws:SourceAccount': ['${aws:x}', '${aws:y}'] }, StringIs: { 'aws:SourceArn': 'a' } }),
      ]).undecided,
    ).toEqual(['aws:x', 'aws:y', 'aws:SourceArn']);
  });

  it('is nothing where it is decided', () => {
    for (const statements of [
      [allowPods, { ...when(vpc), Sid: 'b' }],
      [when({ ...no, StringLike: { 'aws:SourceVpc': 'x' } })],
      [unless(vpc)],
      [{ ...allowPods, Effect: 'x' }],
    ])
      expect(of(statements).undecided).toEqual([]);
  });
});

describe('keys that are accepted', () => {
  const accepting = (
    statements: unknown,
    ...acceptedKeys: string[]
  ): Pick<Evaluation, 'verdict' | 'accepted' | 'undecided'> => {
    const { verdict, accepted, undecided } = of(statements, { acceptedKeys });
    return { verdict, accepted, undecided };
  };
  const allowed = (...accepted: string[]): object => ({ verdict: 'allowed', accepted, undecided: [] });

  it('count as met in an Allow and as not met in a Deny', () => {
    expect(accepting([when(vpc)], 'aws:sourcevpc')).toEqual(allowed('aws:SourceVpc'));
    expect(accepting([allowPods, unless(vpc)], 'AWS:SourceVPC')).toEqual(allowed('aws:SourceVpc'));
    expect(accepting([when(org), unless(vpc)], 'aws:SourceVpc', 'aws:SourceOrgID')).toEqual(
      allowed('aws:SourceOrgID', 'aws:SourceVpc'),
    );
    expect(
      accepting(
        [when({ StringEquals: { ...vpc.StringEquals, ...org.StringEquals } })],
        'aws:SourceVpc',
        'aws:SourceOrgID',
      ),
    ).toEqual(allowed('aws:SourceVpc', 'aws:SourceOrgID'));
  });

  it('do not change what is known', () => {
    expect(accepting([when(no)], 'aws:SourceAccount')).toEqual({ verdict: 'denied', accepted: [], undecided: [] });
    expect(accepting([allowPods, unless(yes)], 'aws:SourceAccount')).toEqual({
      verdict: 'denied',
      accepted: [],
      undecided: [],
    });
    expect(accepting([when({ ...no, StringLike: { 'aws:SourceVpc': 'x' } })], 'aws:SourceVpc')).toEqual({
      verdict: 'denied',
      accepted: [],
      undecided: [],
    });
    expect(accepting([allowPods, denyPods, { ...unless(vpc), Sid: 'b' }], 'aws:SourceVpc')).toEqual({
      verdict: 'denied',
      accepted: [],
      undecided: [],
    });
    expect(accepting([unless(vpc)], 'aws:SourceVpc')).toEqual({ verdict: 'denied', accepted: [], undecided: [] });
  });

  it('are not named where the verdict does not rest on them', () => {
    expect(accepting([allowPods, { ...when(vpc), Sid: 'b' }], 'aws:SourceVpc')).toEqual(allowed());
    expect(accepting([allowPods, { ...when(vpc), Sid: 'b' }, unless(org)], 'aws:SourceVpc', 'aws:SourceOrgID')).toEqual(
      allowed('aws:SourceOrgID'),
    );
    expect(
      accepting(
        [when(org), unless({ ...no, StringLike: { 'aws:SourceVpc': 'x' } })],
        'aws:SourceVpc',
        'aws:SourceOrgID',
      ),
    ).toEqual(allowed('aws:SourceOrgID'));
  });

  it('leave unknown what hangs on others', () => {
    expect(accepting([when(vpc)], 'aws:SourceOrgID')).toEqual({
      verdict: 'unknown',
      accepted: [],
      undecided: ['aws:SourceVpc'],
    });
    expect(accepting([when({ StringEquals: { ...vpc.StringEquals, ...org.StringEquals } })], 'aws:SourceVpc')).toEqual({
      verdict: 'unknown',
      accepted: [],
      undecided: ['aws:SourceOrgID'],
    });
    expect(accepting([allowPods, unless(vpc), { ...unless(org), Sid: 'b' }], 'aws:SourceVpc')).toEqual({
      verdict: 'unknown',
      accepted: [],
      undecided: ['aws:SourceOrgID'],
    });
    expect(accepting([when({ StringEquals: { 'aws:SourceAccount': ['${aws:x}', '${aws:y}'] } })], 'aws:x')).toEqual({
      verdict: 'unknown',
      accepted: [],
      undecided: ['aws:x', 'aws:y'],
    });
    expect(
      accepting([when({ StringEquals: { 'aws:SourceAccount': ['${aws:x}', '${aws:y}'] } })], 'aws:x', 'aws:Y'),
    ).toEqual(allowed('aws:x', 'aws:y'));
  });

  it('are named in the reason', () => {
    expect(
      messages([when({ ...vpc, StringLike: { 'aws:SourceVpc': 'x', 'aws:Referer': 'y' } })], {
        acceptedKeys: ['aws:SourceVpc', 'aws:Referer'],
      }),
    ).toEqual([
      '"AllowPods": allows sts:AssumeRole to pods.eks.amazonaws.com, with aws:SourceVpc and aws:Referer accepted',
    ]);
    expect(
      of([when({ StringEquals: { ...vpc.StringEquals, ...org.StringEquals } })], {
        acceptedKeys: ['aws:SourceVpc'],
      }).reasons.map((one) => one.key),
    ).toEqual(['aws:SourceOrgID']);
  });

  it('may be any text', () => {
    expect(accepting([when({ StringIs: { '': 'a' } })], '__proto__', '')).toEqual(allowed(''));
  });
});

describe('several policies', () => {
  const [allow, deny, invalid] = [policy(allowPods), policy(denyPods), policy({ ...allowPods, Effect: 'x' })];

  it('are taken together', () => {
    expect(evaluate([policy(when(no)), allow], request(keys)).verdict).toBe('allowed');
    expect(evaluate([allow, deny], request(keys)).verdict).toBe('denied');
    expect(evaluate([deny, allow], request(keys)).verdict).toBe('denied');
    expect(evaluate([allow, policy(unless(vpc))], request(keys)).verdict).toBe('unknown');
    expect(evaluate([], request(keys)).verdict).toBe('denied');
  });

  it('are invalid where one is', () => {
    const reason = {
      message: 'the policy is not valid: Statement.Effect: must be "Allow" or "Deny"',
      path: 'Statement.Effect',
    };
    expect(evaluate([allow, invalid, deny], request(keys))).toEqual({
      verdict: 'invalid',
      reasons: [reason],
      undecided: [],
      accepted: [],
      steps: 0,
    });
    expect(evaluate(invalid, request(keys))).toEqual({
      verdict: 'invalid',
      reasons: [reason],
      undecided: [],
      accepted: [],
      steps: 0,
    });
    expect(evaluate([invalid, policy('x')], request(keys)).reasons).toHaveLength(2);
  });

  it('each have their own version', () => {
    const variable = { StringEquals: { 'aws:SourceAccount': '${aws:x}' } };
    expect(evaluate([policy(when(variable), '2008-10-17'), policy(when(no))], request(keys)).verdict).toBe('denied');
    expect(evaluate([policy(when(variable)), policy(when(no), '2008-10-17')], request(keys)).verdict).toBe('unknown');
  });
});

describe('steps', () => {
  it('count the comparisons', () => {
    // Two actions and one principal.
    expect(of([allowPods]).steps).toBe(3);
    expect(of([{ ...allowPods, Principal: '*' }]).steps).toBe(3);
    // For each condition one look, and each wanted value with each that is there.
    expect(of([when({ StringEquals: { 'aws:SourceAccount': ['1', '2', '3'] } })]).steps).toBe(3 + 1 + 3);
    expect(of([when({ 'ForAnyValue:StringEquals': { 'aws:TagKeys': ['1', '2', '3'] } })]).steps).toBe(3 + 1 + 6);
    expect(of([when(vpc)]).steps).toBe(3 + 1 + 1);
    // What an action or a principal rules out is not looked at further.
    expect(of([{ ...when(vpc), Action: 's3:*' }]).steps).toBe(1 + 1);
    expect(of([{ ...when(vpc), Principal: { Service: ['a', 'b'] } }]).steps).toBe(2 + 2);
    expect(
      evaluate(
        parsePolicy({ Statement: [{ Effect: 'Allow', Action: '*', Resource: ['a', 'b'] }] }, 'identity'),
        request(keys, { principal: undefined }),
      ).steps,
    ).toBe(1 + 2);
  });
});
