/** Properties that hold for every policy. */
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parsePolicy } from '../../../../lambdas/domain/policy/document.ts';
import { evaluate, type EvaluateOptions } from '../../../../lambdas/domain/policy/evaluate.ts';
import type { Evaluation, Verdict } from '../../../../lambdas/domain/policy/request.ts';
import { ABSENT, POD_IDENTITY, policy as parsed, PRESENT, request, type Keys } from './requests.ts';
import { forAllIn } from '../../../for-all.ts';

interface Written {
  Effect: 'Allow' | 'Deny';
  Action?: string | string[];
  NotAction?: string;
  Principal?: unknown;
  NotPrincipal?: unknown;
  Condition?: unknown;
}

const [ACCOUNT, CLUSTER, NAMESPACE] = ['111122223333', 'arn:aws:eks:eu-west-1:111122223333:cluster/dev', 'kube-system'];
const keys: Keys = {
  'aws:SourceAccount': ACCOUNT,
  'aws:SourceArn': CLUSTER,
  'aws:RequestTag/kubernetes-namespace': NAMESPACE,
  'aws:RequestTag/kubernetes-pod-uid': PRESENT,
  'aws:TagKeys': ['a', NAMESPACE],
  'sts:ExternalId': ABSENT,
};
const requests = [
  request(keys),
  request(keys, { action: 'sts:TagSession' }),
  request(keys, {
    principal: {
      type: 'AWS',
      values: ['arn:aws:iam::444455556666:role/r', 'arn:aws:sts::444455556666:assumed-role/r/s', '444455556666'],
    },
  }),
  request(keys, {
    action: 'sts:AssumeRoleWithWebIdentity',
    principal: { type: 'Federated', unknown: 'some provider' },
  }),
];
const evaluations = (statements: Written[], options?: EvaluateOptions): Evaluation[] =>
  requests.map((one) => evaluate(parsed(statements), one, options));
const verdictsOf = (statements: Written[], options?: EvaluateOptions): Verdict[] =>
  evaluations(statements, options).map((one) => one.verdict);
/** The order of verdicts: unknown allows more than denied, and less than allowed. */
const rank: Record<Verdict, number> = { denied: 0, invalid: 0, unknown: 1, allowed: 2 };
/** The most that any request has more after than before. */
const gained = (after: Written[], before: Written[]): number => {
  const ranksBefore = verdictsOf(before).map((verdict) => rank[verdict]);
  return Math.max(...verdictsOf(after).map((verdict, index) => rank[verdict] - ranksBefore[index]!));
};

const action = fc.oneof(
  fc.record({
    Action: fc.constantFrom<(string | string[])[]>(
      ['sts:AssumeRole', 'sts:TagSession'],
      'sts:AssumeRole',
      'sts:*',
      '*',
      's3:GetObject',
      'sts:AssumeRoleWithWebIdentity',
    ),
  }),
  fc.record({ NotAction: fc.constantFrom('sts:TagSession', 's3:*') }),
);
const pods = { Service: POD_IDENTITY };
const principal = fc.oneof(
  { weight: 4, arbitrary: fc.constant({ Principal: pods }) },
  {
    weight: 3,
    arbitrary: fc.constantFrom(
      { Principal: '*' },
      { Principal: { AWS: '*' } },
      { Principal: { Service: 'ec2.amazonaws.com' } },
      { Principal: { Federated: 'arn:x' } },
      { Principal: { AWS: '444455556666' } },
    ),
  },
);
const wanted = fc.constantFrom<(string | string[])[]>(
  ACCOUNT,
  '444455556666',
  NAMESPACE,
  '*',
  'true',
  'false',
  `arn:aws:eks:*:${ACCOUNT}:cluster/d*`,
  '${aws:username}',
  "${sts:ExternalId, 'kube-system'}",
  [ACCOUNT, NAMESPACE],
  '2030',
  '10.0.0.0/8',
);
const conditionKey = fc.constantFrom(
  'aws:SourceAccount',
  'aws:SourceArn',
  'aws:RequestTag/kubernetes-namespace',
  'aws:PrincipalOrgID',
  'aws:RequestTag/kubernetes-pod-uid',
  'aws:TagKeys',
  'sts:ExternalId',
);
const operator = fc.constantFrom(
  'StringEquals',
  'StringNotEquals',
  'StringLike',
  'StringNotLike',
  'ArnLike',
  'ArnNotLike',
  'StringEqualsIfExists',
  'Null',
  'Bool',
  'ForAnyValue:StringLike',
  'ForAllValues:StringEquals',
  'NumericLessThan',
  'DateLessThan',
  'IpAddress',
  'NotIpAddress',
  'StringIs',
);
const condition = fc.dictionary(operator, fc.dictionary(conditionKey, wanted, { minKeys: 1, maxKeys: 2 }), {
  minKeys: 1,
  maxKeys: 2,
});
const conditionOrNone = fc.option(condition, { nil: undefined }).map((Condition) => (Condition ? { Condition } : {}));
const effect = fc.constantFrom<('Allow' | 'Deny')[]>('Allow', 'Allow', 'Deny').map((Effect) => ({ Effect }));
/** NotPrincipal is valid only in a Deny. */
const exception = fc.constantFrom({ NotPrincipal: { AWS: 'arn:aws:iam::444455556666:root' } }, { NotPrincipal: pods });
const effectAndPrincipal = fc.oneof(
  { weight: 7, arbitrary: fc.tuple(effect, principal) },
  { weight: 1, arbitrary: fc.tuple(fc.constant({ Effect: 'Deny' as const }), exception) },
);
const statement: fc.Arbitrary<Written> = fc
  .tuple(effectAndPrincipal, action, conditionOrNone)
  .map(([first, ...parts]) => Object.assign({}, ...first, ...parts) as Written);
const policy = fc.array(statement, { minLength: 1, maxLength: 4 });
const RUNS = 400;

describe('evaluate', () => {
  it('allows nothing more after a Deny was added', () =>
    forAllIn(RUNS, policy, statement, fc.nat(4), (statements, added, where) =>
      expect(gained(statements.toSpliced(where, 0, { ...added, Effect: 'Deny' }), statements)).toBeLessThanOrEqual(0),
    ));

  it('allows nothing less after an Allow was added', () =>
    forAllIn(RUNS, policy, principal, action, conditionOrNone, (statements, who, what, when) => {
      const added: Written = { Effect: 'Allow', ...who, ...what, ...when };
      expect(gained(statements, [...statements, added])).toBeLessThanOrEqual(0);
    }));

  it('allows nothing more after a condition was added to an Allow, and nothing less after one was added to a Deny', () =>
    forAllIn(RUNS, policy, principal, action, condition, (statements, who, actions, added) => {
      const open = { ...who, ...actions };
      const both = (Effect: 'Allow' | 'Deny'): Written[][] =>
        [open, { ...open, Condition: added }].map((one) => [...statements, { Effect, ...one }]);
      const [allow, conditionalAllow] = both('Allow');
      expect(gained(conditionalAllow!, allow!)).toBeLessThanOrEqual(0);
      const [deny, conditionalDeny] = both('Deny');
      expect(gained(deny!, conditionalDeny!)).toBeLessThanOrEqual(0);
    }));

  it('allows nothing less when more keys are accepted, and names only accepted keys', () =>
    forAllIn(
      RUNS,
      policy,
      fc.subarray(['aws:principalorgid', 'AWS:SourceAccount', 'aws:username', 'aws:RequestTag/kubernetes-pod-uid']),
      (statements, acceptedKeys) => {
        const [before, after] = [evaluations(statements), evaluations(statements, { acceptedKeys })];
        const lower = acceptedKeys.map((key) => key.toLowerCase());
        for (const [index, { verdict, accepted, undecided }] of after.entries()) {
          expect(rank[verdict]).toBeGreaterThanOrEqual(rank[before[index]!.verdict]);
          expect(accepted.length > 0).toBe(verdict !== before[index]!.verdict);
          expect(accepted.every((key) => lower.includes(key.toLowerCase()))).toBe(true);
          expect(undecided.length === 0 || verdict === 'unknown').toBe(true);
        }
      },
    ));

  it('ignores statements about other principals', () => {
    const thirdParty = fc.constantFrom<unknown[]>(
      { Service: 'ec2.amazonaws.com' },
      { AWS: 'arn:aws:iam::111122223333:root' },
      { CanonicalUser: 'x' },
      {},
    );
    const added = fc
      .tuple(effect, thirdParty, action, conditionOrNone)
      .map(([whether, Principal, what, when]): Written => ({ ...whether, Principal, ...what, ...when }));
    forAllIn(RUNS, policy, added, fc.nat(4), (statements, one, where) =>
      expect(verdictsOf(statements.toSpliced(where, 0, one))).toEqual(verdictsOf(statements)),
    );
  });

  it('does not depend on the order of statements, nor on how they are divided into policies', () => {
    const shuffled = policy.chain((statements) =>
      fc.tuple(fc.constant(statements), fc.shuffledSubarray(statements, { minLength: statements.length })),
    );
    forAllIn(RUNS, shuffled, ([statements, other]) => {
      const [before, after] = [evaluations(statements), evaluations(other)];
      const found = ({ verdict, undecided, steps }: Evaluation): unknown => ({
        verdict,
        steps,
        undecided: undecided.map((key) => key.toLowerCase()).sort(),
      });
      expect(after.map(found)).toEqual(before.map(found));
      const others = other.map((single) => parsed(single));
      expect(requests.map((one) => found(evaluate(others, one)))).toEqual(before.map(found));
    });
  });

  it('evaluates a policy that was written again in the same way', () => {
    const indent = fc.constantFrom<(number | string)[]>(0, 2, '\t');
    forAllIn(RUNS, policy, indent, fc.boolean(), (statements, space, encoded) => {
      const Statement = statements.map((one) => Object.fromEntries(Object.entries(one).toReversed()));
      const text = JSON.stringify({ Statement, Version: '2012-10-17' }, null, space);
      const again = parsePolicy(encoded ? encodeURIComponent(text) : text, 'resource');
      expect(requests.map((one) => evaluate(again, one))).toEqual(evaluations(statements));
    });
  });

  it('returns allowed only if a single Allow suffices and no Deny may apply', () =>
    forAllIn(RUNS, policy, (statements) => {
      for (const [index, verdict] of verdictsOf(statements).entries()) {
        if (verdict !== 'allowed') continue;
        expect(statements.some((one) => one.Effect === 'Allow' && verdictsOf([one])[index] === 'allowed')).toBe(true);
        // A Deny that may apply would prevent the verdict, even with an Allow for every principal.
        const everybody: Written = { Effect: 'Allow', Action: '*', Principal: '*' };
        const denies = statements.filter((one) => one.Effect === 'Deny');
        expect(denies.every((one) => verdictsOf([everybody, one])[index] === 'allowed')).toBe(true);
      }
    }));

  it('decides nothing by a condition on a multivalued key without a set operator', () => {
    const plain = fc.constantFrom(
      'StringEquals',
      'StringNotLike',
      'StringEqualsIfExists',
      'ArnLike',
      'NumericLessThan',
    );
    const multivalued = fc.constantFrom('aws:TagKeys', 'AWS:tagkeys', 'sts:TransitiveTagKeys', 'aws:SourceOrgPaths');
    const state = fc.oneof(
      fc.constantFrom<Keys[string][]>(ABSENT, PRESENT),
      fc.array(fc.constantFrom(ACCOUNT, NAMESPACE, ''), { maxLength: 3 }),
    );
    forAllIn(
      RUNS,
      effect,
      action,
      plain,
      multivalued,
      wanted,
      state,
      (whether, what, operators, key, values, found) => {
        const hangs: Written = { ...whether, ...what, Principal: '*', Condition: { [operators]: { [key]: values } } };
        const everybody: Written = { Effect: 'Allow', Action: '*', Principal: '*' };
        const statements = hangs.Effect === 'Allow' ? [hangs] : [everybody, hangs];
        for (const { action: asked, principal: who } of requests) {
          const one = request({ [key]: found }, { action: asked, ...(who ? { principal: who } : {}) });
          const verdict = evaluate(parsed(statements), one).verdict;
          const without = evaluate(parsed([...statements.slice(0, -1), { ...hangs, Condition: {} }]), one).verdict;
          const concerned = hangs.Effect === 'Allow' ? without === 'allowed' : without === 'denied';
          expect(verdict).toBe(concerned ? 'unknown' : without);
        }
      },
    );
  });

  it('has a reason for every verdict', () =>
    forAllIn(RUNS, policy, (statements) => {
      for (const { reasons } of evaluations(statements)) {
        expect(reasons.length).toBeGreaterThan(0);
        for (const { message } of reasons) expect(message).toMatch(/\w{5,}/);
      }
    }));
});
