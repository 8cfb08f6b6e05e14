import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodePolicy, MAX_POLICY_CHARACTERS, parsePolicy } from '../../../../lambdas/domain/policy/document.ts';
import type { ParsedPolicy } from '../../../../lambdas/domain/policy/document.ts';
import { allowPods, USER_GUIDE } from './requests.ts';
import { forAll } from '../../../for-all.ts';

const trust = (Statement: unknown, more: object = {}): ParsedPolicy =>
  parsePolicy({ Version: '2012-10-17', ...more, Statement }, 'trust');
const resource = (Statement: unknown): ParsedPolicy => parsePolicy({ Statement }, 'resource');
const wrong = (parsed: ParsedPolicy): string => (parsed.valid ? 'valid' : `${parsed.path}: ${parsed.reason}`);
const own = { Effect: 'Allow', Action: 'iam:PassRole', Resource: '*' };

describe('parsePolicy', () => {
  const { Principal: ofPods, ...nobody } = allowPods;
  it('reads a trust policy', () => {
    const parsed = trust([
      {
        ...allowPods,
        Condition: {
          StringEquals: { 'aws:SourceAccount': ['1', '2'], 'aws:PrincipalIsAWSService': true },
          Null: { 'aws:SourceArn': 'false' },
        },
      },
      { Effect: 'Deny', Principal: { AWS: ['a', '*'], Federated: 'b', CanonicalUser: 'c' }, NotAction: '*' },
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
            negated: false,
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
    const everybody = { ...allowPods, Principal: { AWS: '*' } };
    expect(trust(everybody)).toEqual(trust([everybody]));
    expect(trust(everybody)).toMatchObject({ statements: [{ principals: { everybody: true } }] });
  });

  it(`does not accept * as a service: ${USER_GUIDE}access-analyzer-reference-policy-checks.html`, () => {
    for (const element of ['Principal', 'NotPrincipal'])
      for (const Service of ['*', ['ec2.amazonaws.com', '*']]) {
        expect(resource([{ ...nobody, Effect: 'Deny', [element]: { Service } }])).toEqual({
          valid: false,
          path: `Statement[0].${element}.Service`,
          reason: '"*" does not match services: name each service, such as pods.eks.amazonaws.com',
        });
      }
    const principals = { everybody: false };
    expect(trust({ ...allowPods, Principal: { Federated: '*' } })).toMatchObject({ statements: [{ principals }] });
  });

  it(`accepts NotPrincipal only in a Deny of a resource policy: ${USER_GUIDE}reference_policies_elements_notprincipal.html`, () => {
    const excepting = { ...nobody, NotPrincipal: ofPods };
    const principals = { negated: true };
    expect(resource({ ...excepting, Effect: 'Deny' })).toMatchObject({ statements: [{ principals }] });
    const ofAllow = 'cannot be used with "Effect": "Allow": name the allowed principals with Principal';
    for (const parse of [trust, resource]) expect(wrong(parse(excepting))).toBe(`Statement.NotPrincipal: ${ofAllow}`);
  });

  const NOT_IN_TRUST = 'is not supported in a trust policy';
  // Each was `allowed` or evaluated, although IAM refuses it: ADR 38.
  it.each<[what: string, statement: object, why: string]>([
    [
      'NotPrincipal in a Deny',
      { ...nobody, Effect: 'Deny', NotPrincipal: { AWS: 'a' } },
      `.NotPrincipal: ${NOT_IN_TRUST}: use Principal {"AWS": "*"} and a condition on aws:PrincipalArn`,
    ],
    ['"Principal": "*"', { ...nobody, Principal: '*' }, `.Principal: "*" ${NOT_IN_TRUST}: write {"AWS": "*"}`],
    ...['s?s:AssumeRole', '*:AssumeRole', 'st*:*'].map((action): [string, object, string] => [
      action,
      { ...nobody, Principal: { AWS: '*' }, Action: ['sts:*', action] },
      `.Action: "${action}" has a wildcard in its service: write the service's name, as in sts:AssumeRole*`,
    ]),
  ])('refuses of a trust policy what IAM does not store, and of no resource policy: %s', (_what, statement, why) =>
    expect([wrong(trust(statement)), resource(statement).valid]).toEqual([`Statement${why}`, true]),
  );
  it('reads the resources of a resource policy, if it names any', () => {
    const named = { ...allowPods, Resource: 'a' };
    expect(resource(named)).toMatchObject({ statements: [{ resource: { patterns: ['a'] } }] });
    expect(wrong(resource({ ...named, NotResource: 'b' }))).toMatch(/^Statement\.NotResource: cannot/);
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
    const parsed = trust(['', '', 'x'].map((Sid) => ({ ...allowPods, Sid })));
    expect(parsed.valid && parsed.statements.map((one) => one.label)).toEqual(['statement 1', 'statement 2', 'x']);
  });

  const without = (name: string) => Object.fromEntries(Object.entries(allowPods).filter(([key]) => key !== name));

  const STRINGS = 'must be a string or a list of strings';
  const ACTION = 'must be * or a service and an action, such as sts:AssumeRole';
  const PRINCIPAL = 'must be an object such as {"Service": "pods.eks.amazonaws.com"}';
  const PRINCIPAL_TYPE = 'is not a principal type: use one of AWS, Service, Federated, CanonicalUser';
  const PROHIBITED = 'is prohibited in a trust policy: the role itself is the resource';
  const NO_ELEMENT = 'is not a policy element';
  const ARN = 'aws:SourceArn';
  const TWICE = { [ARN]: 'a', 'aws:sourcearn': 'b' };
  const X100 = 'x'.repeat(100);

  it.each<[expected: string, element: string, value: unknown]>([
    ['.Effect: must be "Allow" or "Deny"', 'Effect', 'allow'],
    ['.NotPrincipal: cannot be combined with Principal', 'NotPrincipal', '*'],
    [`.Principal: ${PRINCIPAL}`, 'Principal', 'pods.eks.amazonaws.com'],
    [`.Principal: ${PRINCIPAL}`, 'Principal', ['*']],
    [`.Principal.service: ${PRINCIPAL_TYPE}`, 'Principal', { service: 'x' }],
    [`.Principal.__proto__: ${PRINCIPAL_TYPE}`, 'Principal', JSON.parse('{"__proto__":"x"}')],
    [`.Principal.AWS: ${STRINGS}`, 'Principal', { AWS: {} }],
    [`.Principal.AWS[1]: ${STRINGS}`, 'Principal', { AWS: ['a', ['b']] }],
    ['.NotAction: cannot be combined with Action', 'NotAction', '*'],
    [`.Action: ${STRINGS}`, 'Action', null],
    [`.Action: "AssumeRole" ${ACTION}`, 'Action', 'AssumeRole'],
    [`.Action: ":sts:AssumeRole" ${ACTION}`, 'Action', ':sts:AssumeRole'],
    [`.Action: "" ${ACTION}`, 'Action', ['sts:*', '']],
    [`.Action: "Assume*" ${ACTION}`, 'Action', 'Assume*'],
    [`.Action: "*Role" ${ACTION}`, 'Action', '*Role'],
    [`.Action: "${X100}" ${ACTION}`, 'Action', 'x'.repeat(200)],
    [`.Action: "sts:" ${ACTION}`, 'Action', 'sts:'],
    [`.Action: ":x" ${ACTION}`, 'Action', ':x'],
    // "Has prohibited field Resource"
    [`.Resource: ${PROHIBITED}`, 'Resource', '*'],
    [`.NotResource: ${PROHIBITED}`, 'NotResource', '*'],
    ['.condition: must be written Condition', 'condition', {}],
    ['.principal: must be written Principal', 'principal', '*'],
    [`.Comment: ${NO_ELEMENT}`, 'Comment', 'x'],
    [`["a b.c"]: ${NO_ELEMENT}`, 'a b.c', 'x'],
    [`["${X100}"]: ${NO_ELEMENT}`, 'x'.repeat(101), 1],
    [`.__proto__: ${NO_ELEMENT}`, '__proto__', { Effect: 'Allow' }],
    [`.constructor: ${NO_ELEMENT}`, 'constructor', 'x'],
    ['.Condition: must be an object of condition operators', 'Condition', []],
    ['.Condition: must be an object of condition operators', 'Condition', null],
    [`.Condition.StringEquals.aws:SourceArn: ${STRINGS}`, 'Condition', { StringEquals: { [ARN]: {} } }],
    [`.Condition.StringEquals.aws:SourceArn[1]: ${STRINGS}`, 'Condition', { StringEquals: { [ARN]: ['a', null] } }],
    ['.Condition.StringEquals.aws:sourcearn: occurs twice, in different case', 'Condition', { StringEquals: TWICE }],
    ['.Sid: must be a string', 'Sid', 1],
  ])(`${USER_GUIDE}reference_policies_grammar.html: refuses Statement%s`, (expected, element, value) =>
    expect(wrong(trust({ ...allowPods, [element]: value }))).toBe(`Statement${expected}`),
  );

  const keyless = { ...without('Sid'), Condition: { StringEquals: 'x' } };
  const twoLong = [200, 200].map((length) => ({ ...allowPods, Sid: 'x'.repeat(length) }));
  it.each<[expected: string, statement: unknown]>([
    [': must be an object', 'x'],
    [': must be an object', null],
    ['[0]: must be an object', [[allowPods]]],
    ['[1]: must be an object', [allowPods, 1]],
    [': must have at least one statement', []],
    ['.Effect: is missing', without('Effect')],
    ['[1].Principal: is missing', [allowPods, { ...without('Principal'), Sid: 'b' }]],
    ['.Action: is missing', without('Action')],
    ['[1].Condition.StringEquals: must be an object of condition keys', [allowPods, keyless]],
    // "In IAM, the Sid value must be unique within a JSON policy."
    ['[2].Sid: "b" is the Sid of an earlier statement', ['a', 'b', 'b'].map((Sid) => ({ ...allowPods, Sid }))],
    [`[1].Sid: "${X100}" is the Sid of an earlier statement`, twoLong],
  ])(`${USER_GUIDE}reference_policies_grammar.html: refuses as Statement%s`, (expected, statement) =>
    expect(wrong(trust(statement))).toBe(`Statement${expected}`),
  );

  const SERVICE = "write the service's name, as in sts:AssumeRole*";
  const WILD = { NotAction: '?am:*', Resource: '*' };
  const NO_PRINCIPAL = 'is prohibited in an identity policy: the role itself is the principal';
  it.each<[expected: string, statement: unknown]>([
    [`.Principal: ${NO_PRINCIPAL}`, { ...own, Principal: { AWS: '*' } }],
    [`.NotPrincipal: ${NO_PRINCIPAL}`, { ...own, NotPrincipal: '*' }],
    ['[0].Resource: is missing', [{ Effect: 'Allow', Action: '*' }]],
    [`.NotAction: "?am:*" has a wildcard in its service: ${SERVICE}`, { ...WILD, Effect: 'Deny' }],
    ['[0].NotResource: cannot be combined with Resource', [{ ...own, NotResource: '*' }]],
  ])('refuses of an identity policy Statement%s', (expected, Statement) =>
    expect(wrong(parsePolicy({ Statement }, 'identity'))).toBe(`Statement${expected}`),
  );

  const TWICE_DENIED = '{"Statement":[{"Effect":"Deny","Effect":"Allow"}]}';
  it.each<[what: string, source: unknown, expected: string]>([
    ['no Statement', { Version: '2012-10-17' }, 'Statement: is missing'],
    ['a Statement in other case', { statement: allowPods }, 'statement: must be written Statement'],
    ['another element', { Statement: allowPods, Statements: [] }, `Statements: ${NO_ELEMENT}`],
    ['an element with unusual characters', { Statement: allowPods, 'a b': [] }, `["a b"]: ${NO_ELEMENT}`],
    ['an Id that is a number', { Statement: allowPods, Id: 1 }, 'Id: must be a string'],
    ['a list', [allowPods], 'policy: must be a JSON object'],
    ['a list as text', '[]', 'policy: must be a JSON object'],
    ['null', null, 'policy: must be a JSON object'],
    ['nothing', undefined, 'policy: must be a JSON object or JSON text'],
    ['a function', () => 1, 'policy: must be a JSON object or JSON text'],
    ['a number that JSON does not have', 1n, 'policy: must be a JSON object or JSON text'],
    ['an empty text', '', 'line 1, column 1: not JSON: the text ends too early'],
    ['no JSON', '{\n  "Statement": [\n    {,\n', 'line 3, column 6: not JSON: expected a key in double quotes'],
    ['an element twice', TWICE_DENIED, 'line 1, column 32: not JSON: the key "Effect" occurs twice'],
    ['a long text', ' '.repeat(MAX_POLICY_CHARACTERS + 1), 'policy: has 100001 characters, and the limit is 100000'],
    ['deep nesting', `{"Statement":${'['.repeat(60_000)}`, 'line 1, column 45: not JSON: nested deeper than 32 levels'],
  ])('refuses %s', (_, source, expected) => expect(wrong(parsePolicy(source, 'trust'))).toBe(expected));

  it('reads a text at the length limit, and refuses an object that is longer as text', () => {
    const text = JSON.stringify({ Statement: allowPods });
    expect(wrong(parsePolicy(text.padEnd(MAX_POLICY_CHARACTERS), 'trust'))).toBe('valid');
    const longer = { ...allowPods, Action: 'sts:'.padEnd(MAX_POLICY_CHARACTERS, 'x') };
    expect(wrong(parsePolicy({ Statement: longer }, 'trust'))).toMatch(/^policy: has \d+ characters/);
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
  ])('%j', (text, expected) => expect(decodePolicy(text)).toBe(expected));

  it('does not change what is read', () => {
    const unit = fc.constantFrom(...Array.from('aZ0 %+"\\{}/\n\u0000\u007fé\u2028🦄'), '%7B', '\ud800');
    const sid = fc.string({ unit, maxLength: 20 });
    forAll(sid, fc.constantFrom(0, 2, '\t'), fc.constantFrom('', ' ', '\n\t'), (Sid, indent, before) => {
      const document = {
        Version: '2012-10-17',
        Statement: [{ ...allowPods, Sid, Condition: { StringEquals: { [`aws:RequestTag/${Sid}`]: Sid } } }],
      };
      const text = before + JSON.stringify(document, null, indent);
      expect(parsePolicy(encodeURIComponent(text), 'trust')).toEqual(parsePolicy(text, 'trust'));
      expect(parsePolicy(document, 'trust')).toEqual(parsePolicy(text, 'trust'));
      expect(parsePolicy(text, 'trust').valid).toBe(true);
    });
  });

  it('does not change the error of a text that is not a policy', () =>
    forAll(fc.string({ unit: fc.constantFrom('{', '}', '"', 'a', ' ', '[', ':', '1') }), (rest) => {
      const text = `{${rest}`;
      expect(parsePolicy(encodeURIComponent(text), 'trust')).toEqual(parsePolicy(text, 'trust'));
    }));
});
