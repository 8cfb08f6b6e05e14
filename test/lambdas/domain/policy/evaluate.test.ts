import { describe, expect, it } from 'vitest';
import { parsePolicy } from '../../../../lambdas/domain/policy/document.ts';
import { evaluate } from '../../../../lambdas/domain/policy/evaluate.ts';
import type { Evaluation, Verdict } from '../../../../lambdas/domain/policy/request.ts';
import { allowPods, ask, denyPods, policy, request, USER_GUIDE } from './requests.ts';
import { keys, when, unless, yes, no, vpc, org, of, messages } from './deciding.ts';

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
    ['an Allow that may apply, and one that does', [when(vpc), { ...allowPods, Sid: 'b' }], 'allowed'],
    ['an Allow that may apply, and one that does not', [when(vpc), { ...when(no), Sid: 'b' }], 'unknown'],
    ['a Deny that may apply', [allowPods, unless(vpc)], 'unknown'],
    ['a Deny that may apply, and nothing allows', [unless(vpc)], 'denied'],
    ['a Deny that may apply, and an Allow that does not', [when(no), unless(vpc)], 'denied'],
    ['a Deny that may apply, and one that does', [allowPods, unless(vpc), { ...denyPods, Sid: 'b' }], 'denied'],
    ['both may apply', [when(vpc), unless(org)], 'unknown'],
  ])('%s: %s', (_, statements, expected) => expect(of(statements).verdict).toBe(expected));
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
  ])('%j: %s', (action, expected) => expect(of({ Effect: 'Allow', Principal: '*', ...action }).verdict).toBe(expected));

  it('ignores the case of the requested action', () =>
    expect(ask(allowPods, request(keys, { action: 'STS:ASSUMEROLE' })).verdict).toBe('allowed'));
});

describe('the undecided keys', () => {
  it('are each named once, as first written in the policy', () =>
    expect(
      of([when(vpc), { ...when({ StringLike: { 'AWS:sourceVPC': 'x', 'aws:Referer': 'y' } }), Sid: 'b' }]).undecided,
    ).toEqual(['aws:SourceVpc', 'aws:Referer']));

  it('are those of a Deny if an Allow applies, and of both if the Allow may apply', () => {
    expect(of([allowPods, { ...when(org), Sid: 'b' }, unless(vpc)]).undecided).toEqual(['aws:SourceVpc']);
    expect(of([when(org), unless(vpc)])).toMatchObject({
      undecided: ['aws:SourceVpc', 'aws:SourceOrgID'],
      reasons: [{ statement: 'DenyPods' }, { statement: 'AllowPods' }],
    });
  });

  it('are those of variables, and of conditions that cannot be read', () =>
    expect(
      of([
        when({ StringEquals: { 'aws:SourceAccount': ['${aws:x}', '${aws:y}'] }, StringIs: { 'aws:SourceArn': 'a' } }),
      ]).undecided,
    ).toEqual(['aws:x', 'aws:y', 'aws:SourceArn']));

  it('are none if the verdict is decided', () => {
    for (const statements of [
      [allowPods, { ...when(vpc), Sid: 'b' }],
      [when({ ...no, StringLike: { 'aws:SourceVpc': 'x' } })],
      [unless(vpc)],
      [{ ...allowPods, Effect: 'x' }],
    ])
      expect(of(statements).undecided).toEqual([]);
  });
});

describe('accepted keys', () => {
  type Decided = Pick<Evaluation, 'verdict' | 'accepted' | 'undecided'>;
  const accepting = (statements: unknown, ...acceptedKeys: string[]): Decided => {
    const { verdict, accepted, undecided } = of(statements, { acceptedKeys });
    return { verdict, accepted, undecided };
  };
  const allowed = (...accepted: string[]): Decided => ({ verdict: 'allowed', accepted, undecided: [] });
  const unknown = (...undecided: string[]): Decided => ({ verdict: 'unknown', accepted: [], undecided });
  const DENIED: Decided = { verdict: 'denied', accepted: [], undecided: [] };
  const both = when({ StringEquals: { ...vpc.StringEquals, ...org.StringEquals } });
  const variables = when({ StringEquals: { 'aws:SourceAccount': ['${aws:x}', '${aws:y}'] } });
  const BOTH = ['aws:SourceVpc', 'aws:SourceOrgID'];

  it('count as met in an Allow and as not met in a Deny', () => {
    expect(accepting([when(vpc)], 'aws:sourcevpc')).toEqual(allowed('aws:SourceVpc'));
    expect(accepting([allowPods, unless(vpc)], 'AWS:SourceVPC')).toEqual(allowed('aws:SourceVpc'));
    expect(accepting([when(org), unless(vpc)], ...BOTH)).toEqual(allowed('aws:SourceOrgID', 'aws:SourceVpc'));
    expect(accepting([both], ...BOTH)).toEqual(allowed('aws:SourceVpc', 'aws:SourceOrgID'));
  });

  it('do not change what is known', () => {
    expect(accepting([when(no)], 'aws:SourceAccount')).toEqual(DENIED);
    expect(accepting([allowPods, unless(yes)], 'aws:SourceAccount')).toEqual(DENIED);
    expect(accepting([when({ ...no, StringLike: { 'aws:SourceVpc': 'x' } })], 'aws:SourceVpc')).toEqual(DENIED);
    expect(accepting([allowPods, denyPods, { ...unless(vpc), Sid: 'b' }], 'aws:SourceVpc')).toEqual(DENIED);
    expect(accepting([unless(vpc)], 'aws:SourceVpc')).toEqual(DENIED);
  });

  it('are not named if the verdict does not depend on them', () => {
    const [two, one] = [allowed('aws:SourceOrgID'), [allowPods, { ...when(vpc), Sid: 'b' }]];
    expect([accepting(one, 'aws:SourceVpc'), accepting([...one, unless(org)], ...BOTH)]).toEqual([allowed(), two]);
    expect(accepting([when(org), unless({ ...no, StringLike: { 'aws:SourceVpc': 'x' } })], ...BOTH)).toEqual(two);
  });

  it('leave a verdict unknown that depends on other keys', () => {
    expect(accepting([when(vpc)], 'aws:SourceOrgID')).toEqual(unknown('aws:SourceVpc'));
    expect(accepting([both], 'aws:SourceVpc')).toEqual(unknown('aws:SourceOrgID'));
    expect(accepting([allowPods, unless(vpc), { ...unless(org), Sid: 'b' }], 'aws:SourceVpc')).toEqual(
      unknown('aws:SourceOrgID'),
    );
    expect(accepting([variables], 'aws:x')).toEqual(unknown('aws:x', 'aws:y'));
    expect(accepting([variables], 'aws:x', 'aws:Y')).toEqual(allowed('aws:x', 'aws:y'));
  });

  it('are named in the reason', () => {
    expect(
      messages([when({ ...vpc, StringLike: { 'aws:SourceVpc': 'x', 'aws:Referer': 'y' } })], {
        acceptedKeys: ['aws:SourceVpc', 'aws:Referer'],
      }),
    ).toEqual([
      '"AllowPods": allows sts:AssumeRole to pods.eks.amazonaws.com, with aws:SourceVpc and aws:Referer accepted',
    ]);
    expect(of([both], { acceptedKeys: ['aws:SourceVpc'] }).reasons.map((one) => one.key)).toEqual(['aws:SourceOrgID']);
  });

  it('may be any text', () =>
    expect(accepting([when({ StringIs: { '': 'a' } })], '__proto__', '')).toEqual(allowed('')));
});

describe('several policies', () => {
  const [allow, deny, invalid] = [policy(allowPods), policy(denyPods), policy({ ...allowPods, Effect: 'x' })];

  it('are evaluated together', () => {
    expect(evaluate([policy(when(no)), allow], request(keys)).verdict).toBe('allowed');
    expect(evaluate([allow, deny], request(keys)).verdict).toBe('denied');
    expect(evaluate([deny, allow], request(keys)).verdict).toBe('denied');
    expect(evaluate([allow, policy(unless(vpc))], request(keys)).verdict).toBe('unknown');
    expect(evaluate([], request(keys)).verdict).toBe('denied');
  });

  it('are invalid if one is', () => {
    const reason = {
      message: 'the policy is not valid: Statement.Effect: must be "Allow" or "Deny"',
      path: 'Statement.Effect',
    };
    const refused = { verdict: 'invalid', reasons: [reason], undecided: [], accepted: [], steps: 0 };
    expect(evaluate([allow, invalid, deny], request(keys))).toEqual(refused);
    expect(evaluate(invalid, request(keys))).toEqual(refused);
    expect(evaluate([invalid, policy('x')], request(keys)).reasons).toHaveLength(2);
  });

  it('each have their own version', () => {
    const variable = { StringEquals: { 'aws:SourceAccount': '${aws:x}' } };
    expect(evaluate([policy(when(variable), '2008-10-17'), policy(when(no))], request(keys)).verdict).toBe('denied');
    expect(evaluate([policy(when(variable)), policy(when(no), '2008-10-17')], request(keys)).verdict).toBe('unknown');
  });
});

it('steps count the comparisons', () => {
  // Two actions and one principal.
  expect([of([allowPods]).steps, of([{ ...allowPods, Principal: '*' }]).steps]).toEqual([3, 3]);
  // For each condition, one lookup, and each of its values compared with each of the request's.
  expect(of([when({ StringEquals: { 'aws:SourceAccount': ['1', '2', '3'] } })]).steps).toBe(3 + 1 + 3);
  expect(of([when({ 'ForAnyValue:StringEquals': { 'aws:TagKeys': ['1', '2', '3'] } })]).steps).toBe(3 + 1 + 6);
  expect(of([when(vpc)]).steps).toBe(3 + 1 + 1);
  // A statement with another action or principal is not evaluated further.
  expect(of([{ ...when(vpc), Action: 's3:*' }]).steps).toBe(1 + 1);
  expect(of([{ ...when(vpc), Principal: { Service: ['a', 'b'] } }]).steps).toBe(2 + 2);
  expect(
    evaluate(
      parsePolicy({ Statement: [{ Effect: 'Allow', Action: '*', Resource: ['a', 'b'] }] }, 'identity'),
      request(keys, { principal: undefined }),
    ).steps,
  ).toBe(1 + 2);
});
