import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  decodePolicy,
  MAX_POLICY_CHARACTERS,
  parsePolicy,
  type ParsedPolicy,
  type PolicyKind,
} from '../../../../lambdas/domain/policy/document.ts';
import { allowPods, USER_GUIDE } from './requests.ts';

const trust = (Statement: unknown, more: object = {}): ParsedPolicy =>
  parsePolicy({ Version: '2012-10-17', ...more, Statement }, 'trust');
const wrong = (parsed: ParsedPolicy): string => (parsed.valid ? 'valid' : `${parsed.path}: ${parsed.reason}`);
const own = { Effect: 'Allow', Action: 'iam:PassRole', Resource: '*' };

describe('parsePolicy', () => {
  it('reads a trust policy', () => {
    const parsed = trust([
      {
        ...allowPods,
        Condition: {
          StringEquals: { 'aws:SourceAccount': ['1', '2'], 'aws:PrincipalIsAWSService': true },
          Null: { 'aws:SourceArn': 'false' },
        },
      },
      { Effect: 'Deny', NotPrincipal: { AWS: ['a', '*'], Federated: 'b', CanonicalUser: 'c' }, NotAction: '*' },
    ]);
    expect(parsed).toEqual({
      valid: true,
      version: '2012-10-17',
      statements: [
        {
          label: 'AllowPods',
          effect: 'Allow',
          principals: { negated: false, everybody: false, named: new Map([['Service', ['pods.eks.amazonaws.com']]]) },
          action: { negated: false, patterns: ['sts:AssumeRole', 'sts:TagSession'] },
          conditions: [
            { operator: 'StringEquals', key: 'aws:SourceAccount', wanted: ['1', '2'] },
            { operator: 'StringEquals', key: 'aws:PrincipalIsAWSService', wanted: ['true'] },
            { operator: 'Null', key: 'aws:SourceArn', wanted: ['false'] },
          ],
          version: '2012-10-17',
        },
        {
          label: 'statement 2',
          effect: 'Deny',
          principals: {
            negated: true,
            everybody: true,
            named: new Map([
              ['AWS', ['a', '*']],
              ['Federated', ['b']],
              ['CanonicalUser', ['c']],
            ]),
          },
          action: { negated: true, patterns: ['*'] },
          conditions: [],
          version: '2012-10-17',
        },
      ],
    });
  });

  it('reads an identity policy', () => {
    const parsed = parsePolicy(
      { Version: '2012-10-17', Id: 'x', Statement: [own, { Effect: 'Deny', Action: [], NotResource: ['a', 'b'] }] },
      'identity',
    );
    expect(parsed).toEqual({
      valid: true,
      version: '2012-10-17',
      statements: [
        {
          label: 'statement 1',
          effect: 'Allow',
          action: { negated: false, patterns: ['iam:PassRole'] },
          resource: { negated: false, patterns: ['*'] },
          conditions: [],
          version: '2012-10-17',
        },
        {
          label: 'statement 2',
          effect: 'Deny',
          action: { negated: false, patterns: [] },
          resource: { negated: true, patterns: ['a', 'b'] },
          conditions: [],
          version: '2012-10-17',
        },
      ],
    });
  });

  it('accepts a single statement instead of a list, and a wildcard principal', () => {
    expect(trust({ ...allowPods, Principal: '*' })).toEqual(trust([{ ...allowPods, Principal: '*' }]));
    expect(trust({ ...allowPods, Principal: '*' })).toMatchObject({
      statements: [{ principals: { everybody: true, named: new Map() } }],
    });
    expect(trust({ ...allowPods, Principal: { AWS: '*' } })).toMatchObject({
      statements: [{ principals: { everybody: true } }],
    });
  });

  it(`does not accept * as a service: ${USER_GUIDE}access-analyzer-reference-policy-checks.html`, () => {
    for (const element of ['Principal', 'NotPrincipal'])
      for (const Service of ['*', ['ec2.amazonaws.com', '*']]) {
        const { Principal: _, ...rest } = allowPods;
        expect(trust([{ ...rest, Effect: 'Deny', [element]: { Service } }])).toEqual({
          valid: false,
          path: `Statement[0].${element}.Service`,
          reason: '"*" does not match services: name each service, such as pods.eks.amazonaws.com',
        });
      }
    expect(trust({ ...allowPods, Principal: { Federated: '*' } })).toMatchObject({
      statements: [{ principals: { everybody: false } }],
    });
  });

  it(`accepts NotPrincipal only in a Deny: ${USER_GUIDE}reference_policies_elements_notprincipal.html`, () => {
    const { Principal, ...rest } = allowPods;
    expect(trust({ ...rest, Effect: 'Deny', NotPrincipal: Principal })).toMatchObject({
      valid: true,
      statements: [{ principals: { negated: true } }],
    });
    expect(trust({ ...rest, NotPrincipal: Principal })).toEqual({
      valid: false,
      path: 'Statement.NotPrincipal',
      reason: 'cannot be used with "Effect": "Allow": name the allowed principals with Principal',
    });
  });

  // "If you do not include a Version element, the value defaults to 2008-10-17."
  it(`reads the version: ${USER_GUIDE}reference_policies_elements_version.html`, () => {
    expect(parsePolicy({ Statement: allowPods }, 'trust')).toMatchObject({
      valid: true,
      version: '2008-10-17',
      statements: [{ version: '2008-10-17' }],
    });
    expect(trust(allowPods, { Version: '2008-10-17' })).toMatchObject({ version: '2008-10-17' });
    expect(trust(allowPods, { Version: '2012-10-17' })).toMatchObject({ version: '2012-10-17' });
    for (const Version of ['2012-10-18', '', null, 20121017, ['2012-10-17']])
      expect(wrong(trust(allowPods, { Version }))).toBe('Version: must be "2012-10-17" or "2008-10-17"');
  });

  it('numbers statements without a Sid or with an empty one', () => {
    const parsed = trust([
      { ...allowPods, Sid: '' },
      { ...allowPods, Sid: '' },
      { ...allowPods, Sid: 'x' },
    ]);
    expect(parsed.valid && parsed.statements.map((one) => one.label)).toEqual(['statement 1', 'statement 2', 'x']);
  });

  const without = (name: string): object =>
    Object.fromEntries(Object.entries(allowPods).filter(([key]) => key !== name));

  it.each<[what: string, statement: unknown, expected: string]>([
    ['not an object', 'x', 'Statement: must be an object'],
    ['null', null, 'Statement: must be an object'],
    ['a list in the list', [[allowPods]], 'Statement[0]: must be an object'],
    ['nothing', [], 'Statement: must have at least one statement'],
    ['a number', [allowPods, 1], 'Statement[1]: must be an object'],
    ['no Effect', without('Effect'), 'Statement.Effect: is missing'],
    ['Effect in other case', { ...allowPods, Effect: 'allow' }, 'Statement.Effect: must be "Allow" or "Deny"'],
    ['no Principal', [allowPods, { ...without('Principal'), Sid: 'b' }], 'Statement[1].Principal: is missing'],
    ['both', { ...allowPods, NotPrincipal: '*' }, 'Statement.NotPrincipal: cannot be combined with Principal'],
    [
      'a Principal that is a string',
      { ...allowPods, Principal: 'pods.eks.amazonaws.com' },
      'Statement.Principal: must be "*" or an object such as {"Service": "pods.eks.amazonaws.com"}',
    ],
    [
      'a Principal that is a list',
      { ...allowPods, Principal: ['*'] },
      'Statement.Principal: must be "*" or an object such as {"Service": "pods.eks.amazonaws.com"}',
    ],
    [
      'an unknown principal type',
      { ...allowPods, Principal: { service: 'x' } },
      'Statement.Principal.service: is not a principal type: use one of AWS, Service, Federated, CanonicalUser',
    ],
    [
      '__proto__ as a principal',
      { ...allowPods, Principal: JSON.parse('{"__proto__":"x"}') as unknown },
      'Statement.Principal.__proto__: is not a principal type: use one of AWS, Service, Federated, CanonicalUser',
    ],
    [
      'a principal that is an object',
      { ...allowPods, Principal: { AWS: {} } },
      'Statement.Principal.AWS: must be a string or a list of strings',
    ],
    [
      'a principal in lists',
      { ...allowPods, Principal: { AWS: ['a', ['b']] } },
      'Statement.Principal.AWS[1]: must be a string or a list of strings',
    ],
    ['no Action', without('Action'), 'Statement.Action: is missing'],
    ['both', { ...allowPods, NotAction: '*' }, 'Statement.NotAction: cannot be combined with Action'],
    [
      'an Action that is null',
      { ...allowPods, Action: null },
      'Statement.Action: must be a string or a list of strings',
    ],
    [
      'an Action without a service',
      { ...allowPods, Action: 'AssumeRole' },
      'Statement.Action: "AssumeRole" must be * or a service and an action, such as sts:AssumeRole',
    ],
    [
      'an Action with an empty service',
      { ...allowPods, Action: ':sts:AssumeRole' },
      'Statement.Action: ":sts:AssumeRole" must be * or a service and an action, such as sts:AssumeRole',
    ],
    [
      'an Action that is empty',
      { ...allowPods, Action: ['sts:*', ''] },
      'Statement.Action: "" must be * or a service and an action, such as sts:AssumeRole',
    ],
    [
      'an Action with a wildcard and no service',
      { ...allowPods, Action: 'Assume*' },
      'Statement.Action: "Assume*" must be * or a service and an action, such as sts:AssumeRole',
    ],
    [
      'an Action that begins with a wildcard',
      { ...allowPods, Action: '*Role' },
      'Statement.Action: "*Role" must be * or a service and an action, such as sts:AssumeRole',
    ],
    [
      'a long Action without a service',
      { ...allowPods, Action: 'x'.repeat(200) },
      `Statement.Action: "${'x'.repeat(100)}" must be * or a service and an action, such as sts:AssumeRole`,
    ],
    [
      'an Action without a name',
      { ...allowPods, Action: 'sts:' },
      'Statement.Action: "sts:" must be * or a service and an action, such as sts:AssumeRole',
    ],
    [
      'an Action without a service name',
      { ...allowPods, Action: ':x' },
      'Statement.Action: ":x" must be * or a service and an action, such as sts:AssumeRole',
    ],
    // "Has prohibited field Resource"
    [
      'a Resource',
      { ...allowPods, Resource: '*' },
      'Statement.Resource: is prohibited in a trust policy: the role itself is the resource',
    ],
    [
      'a NotResource',
      [{ ...allowPods, NotResource: '*' }],
      'Statement[0].NotResource: is prohibited in a trust policy: the role itself is the resource',
    ],
    ['an element in other case', { ...allowPods, condition: {} }, 'Statement.condition: must be written Condition'],
    ['another element', { ...allowPods, Comment: 'x' }, 'Statement.Comment: is not a policy element'],
    [
      'an element with unusual characters',
      { ...allowPods, 'a b.c': 'x' },
      'Statement["a b.c"]: is not a policy element',
    ],
    [
      'an element with a long name',
      { ...allowPods, ['x'.repeat(101)]: 1 },
      `Statement["${'x'.repeat(100)}"]: is not a policy element`,
    ],
    [
      'Principal twice, in different case',
      { ...allowPods, principal: '*' },
      'Statement.principal: must be written Principal',
    ],
    ['__proto__', JSON.parse('{"__proto__":{"Effect":"Allow"}}'), 'Statement.__proto__: is not a policy element'],
    ['constructor', { ...allowPods, constructor: 'x' }, 'Statement.constructor: is not a policy element'],
    [
      'a Condition that is a list',
      { ...allowPods, Condition: [] },
      'Statement.Condition: must be an object of condition operators',
    ],
    [
      'a Condition that is null',
      { ...allowPods, Condition: null },
      'Statement.Condition: must be an object of condition operators',
    ],
    [
      'an operator with a string',
      [allowPods, { ...without('Sid'), Condition: { StringEquals: 'x' } }],
      'Statement[1].Condition.StringEquals: must be an object of condition keys',
    ],
    [
      'a key with an object',
      { ...allowPods, Condition: { StringEquals: { 'aws:SourceArn': {} } } },
      'Statement.Condition.StringEquals.aws:SourceArn: must be a string or a list of strings',
    ],
    [
      'a key with null',
      { ...allowPods, Condition: { StringEquals: { 'aws:SourceArn': ['a', null] } } },
      'Statement.Condition.StringEquals.aws:SourceArn[1]: must be a string or a list of strings',
    ],
    [
      'a key twice, in different case',
      { ...allowPods, Condition: { StringEquals: { 'aws:SourceArn': 'a', 'aws:sourcearn': 'b' } } },
      'Statement.Condition.StringEquals.aws:sourcearn: occurs twice, in different case',
    ],
    ['a Sid that is a number', { ...allowPods, Sid: 1 }, 'Statement.Sid: must be a string'],
    // "In IAM, the Sid value must be unique within a JSON policy."
    [
      'the same Sid twice',
      [allowPods, { ...allowPods, Sid: 'b' }, { ...allowPods, Sid: 'b' }],
      'Statement[2].Sid: "b" is the Sid of an earlier statement',
    ],
    [
      'the same long Sid twice',
      [
        { ...allowPods, Sid: 'x'.repeat(200) },
        { ...allowPods, Sid: 'x'.repeat(200) },
      ],
      `Statement[1].Sid: "${'x'.repeat(100)}" is the Sid of an earlier statement`,
    ],
  ])(`${USER_GUIDE}reference_policies_grammar.html: %s`, (_, statement, expected) => {
    expect(wrong(trust(statement))).toBe(expected);
  });

  it.each<[what: string, source: unknown, kind: PolicyKind, expected: string]>([
    [
      'a principal',
      { Statement: { ...own, Principal: '*' } },
      'identity',
      'Statement.Principal: is prohibited in an identity policy: the role itself is the principal',
    ],
    [
      'a NotPrincipal',
      { Statement: { ...own, NotPrincipal: '*' } },
      'identity',
      'Statement.NotPrincipal: is prohibited in an identity policy: the role itself is the principal',
    ],
    ['no Resource', { Statement: [{ Effect: 'Allow', Action: '*' }] }, 'identity', 'Statement[0].Resource: is missing'],
    [
      'two Resources',
      { Statement: [{ ...own, NotResource: '*' }] },
      'identity',
      'Statement[0].NotResource: cannot be combined with Resource',
    ],
    ['no Statement', { Version: '2012-10-17' }, 'trust', 'Statement: is missing'],
    ['a Statement in other case', { statement: allowPods }, 'trust', 'statement: must be written Statement'],
    ['another element', { Statement: allowPods, Statements: [] }, 'trust', 'Statements: is not a policy element'],
    [
      'an element with unusual characters',
      { Statement: allowPods, 'a b': [] },
      'trust',
      '["a b"]: is not a policy element',
    ],
    ['an Id that is a number', { Statement: allowPods, Id: 1 }, 'trust', 'Id: must be a string'],
    ['a list', [allowPods], 'trust', 'policy: must be a JSON object'],
    ['a list as text', '[]', 'trust', 'policy: must be a JSON object'],
    ['null', null, 'trust', 'policy: must be a JSON object'],
    ['nothing', undefined, 'trust', 'policy: must be a JSON object or JSON text'],
    ['a function', () => 1, 'trust', 'policy: must be a JSON object or JSON text'],
    ['a number that JSON does not have', 1n, 'trust', 'policy: must be a JSON object or JSON text'],
    ['an empty text', '', 'trust', 'line 1, column 1: not JSON: the text ends too early'],
    [
      'not JSON',
      '{\n  "Statement": [\n    {,\n',
      'trust',
      'line 3, column 6: not JSON: expected a key in double quotes',
    ],
    [
      'an element twice',
      '{"Statement":[{"Effect":"Deny","Effect":"Allow"}]}',
      'trust',
      'line 1, column 32: not JSON: the key "Effect" occurs twice',
    ],
    [
      'a text over the limit',
      ' '.repeat(MAX_POLICY_CHARACTERS + 1),
      'trust',
      'policy: has 100001 characters, and the limit is 100000',
    ],
    [
      'nested too deeply',
      `{"Statement":${'['.repeat(60_000)}`,
      'trust',
      'line 1, column 45: not JSON: nested deeper than 32 levels',
    ],
  ])('%s', (_, source, kind, expected) => {
    expect(wrong(parsePolicy(source, kind))).toBe(expected);
  });

  it('reads a text at the length limit, and refuses an object that is longer as text', () => {
    const text = JSON.stringify({ Statement: allowPods });
    expect(wrong(parsePolicy(text.padEnd(MAX_POLICY_CHARACTERS), 'trust'))).toBe('valid');
    expect(
      wrong(parsePolicy({ Statement: { ...allowPods, Action: 'sts:'.padEnd(MAX_POLICY_CHARACTERS, 'x') } }, 'trust')),
    ).toMatch(/^policy: has \d+ characters/);
  });

  it('refuses a cyclic object, and an object of unlimited depth', () => {
    const itself: Record<string, unknown> = {};
    itself['Statement'] = itself;
    expect(wrong(parsePolicy(itself, 'trust'))).toBe('policy: must be a JSON object or JSON text');
    let deep: unknown = [];
    for (let depth = 0; depth < 100_000; depth += 1) deep = [deep];
    expect(parsePolicy({ Statement: deep }, 'trust').valid).toBe(false);
  });

  it('reads actions in every form that IAM accepts', () => {
    for (const Action of ['*', '**', 'sts:*', 'STS:assumerole', 'sts:Assume?ole', 's3:a:b', ['sts:AssumeRole'], []])
      expect(wrong(trust({ ...allowPods, Action }))).toBe('valid');
  });
});

// "The policy … is URL-encoded compliant with RFC 3986":
// https://docs.aws.amazon.com/IAM/latest/APIReference/API_GetRole.html
describe('decodePolicy', () => {
  it.each([
    ['%7B%22Version%22%3A%20%222012-10-17%22%7D', '{"Version": "2012-10-17"}'],
    ['\n %7b%22a%22:1%7d', '\n {"a":1}'],
    ['%0A%7B%7D', '\n{}'],
    ['{"Sid":"100%25"}', '{"Sid":"100%25"}'],
    ['%7B%22Sid%22%3A%22a%2Bb+c%22%7D', '{"Sid":"a+b+c"}'],
    ['%7B%', '%7B%'],
    ['', ''],
    ['no % at the beginning%20', 'no % at the beginning%20'],
  ])('%j', (text, expected) => {
    expect(decodePolicy(text)).toBe(expected);
  });

  it('does not change what is read', () => {
    const sid = fc.string({
      unit: fc.constantFrom(
        'a',
        'Z',
        '0',
        ' ',
        '%',
        '%7B',
        '+',
        '"',
        '\\',
        '{',
        '}',
        '/',
        '\n',
        '\u0000',
        '\u007f',
        'é',
        '\u2028',
        '\ud800',
        '🦄',
      ),
      maxLength: 20,
    });
    fc.assert(
      fc.property(sid, fc.constantFrom(0, 2, '\t'), fc.constantFrom('', ' ', '\n\t'), (Sid, indent, before) => {
        const document = {
          Version: '2012-10-17',
          Statement: [{ ...allowPods, Sid, Condition: { StringEquals: { [`aws:RequestTag/${Sid}`]: Sid } } }],
        };
        const text = before + JSON.stringify(document, null, indent);
        expect(parsePolicy(encodeURIComponent(text), 'trust')).toEqual(parsePolicy(text, 'trust'));
        expect(parsePolicy(document, 'trust')).toEqual(parsePolicy(text, 'trust'));
        expect(parsePolicy(text, 'trust').valid).toBe(true);
      }),
    );
  });

  it('does not change the error of a text that is not a policy', () => {
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom('{', '}', '"', 'a', ' ', '[', ':', '1') }), (rest) => {
        const text = `{${rest}`;
        expect(parsePolicy(encodeURIComponent(text), 'trust')).toEqual(parsePolicy(text, 'trust'));
      }),
    );
  });
});
