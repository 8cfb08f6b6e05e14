/** What must hold for every trust policy, whatever its statements. */
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { podIdentityRequests } from '../../../../lambdas/domain/policy/contexts.ts';
import { parseTrustPolicy } from '../../../../lambdas/domain/policy/document.ts';
import { evaluateTrust, type Verdict } from '../../../../lambdas/domain/policy/evaluate.ts';
import { ACCOUNT, CLUSTER, NAMESPACE, policyText, SERVICE_ACCOUNT, target } from '../../fixtures.ts';

interface Written {
  Effect: 'Allow' | 'Deny';
  Action?: string | string[];
  NotAction?: string;
  Principal?: unknown;
  NotPrincipal?: unknown;
  Condition?: unknown;
}

const requests = podIdentityRequests(target, NAMESPACE, SERVICE_ACCOUNT);
const verdictsOf = (statements: Written[]): Verdict[] => requests.map((request) => evaluateTrust(parseTrustPolicy(policyText(...statements)), request).verdict);
/** How much is allowed: unknown is more than denied, and less than allowed. */
const rank: Record<Verdict, number> = { denied: 0, invalid: 0, unknown: 1, allowed: 2 };
/** For each request, how much more is allowed after than before. */
const gained = (after: Written[], before: Written[]): number[] => {
  const ranksBefore = verdictsOf(before).map((verdict) => rank[verdict]);
  return verdictsOf(after).map((verdict, index) => rank[verdict] - ranksBefore[index]!);
};

const action = fc.oneof(
  fc.record({ Action: fc.constantFrom<(string | string[])[]>(['sts:AssumeRole', 'sts:TagSession'], 'sts:AssumeRole', 'sts:*', '*', 's3:GetObject', 'sts:AssumeRoleWithWebIdentity') }),
  fc.record({ NotAction: fc.constantFrom('sts:TagSession', 's3:*') }),
);
const pods = { Service: 'pods.eks.amazonaws.com' };
const principal = fc.oneof(
  { weight: 4, arbitrary: fc.constant({ Principal: pods }) },
  { weight: 2, arbitrary: fc.constantFrom({ Principal: '*' }, { Principal: { AWS: '*' } }, { Principal: { Service: 'ec2.amazonaws.com' } }, { Principal: { Federated: 'arn:x' } }) },
  { weight: 1, arbitrary: fc.constant({ NotPrincipal: { AWS: 'arn:aws:iam::444455556666:root' } }) },
);
const keys = fc.dictionary(
  fc.constantFrom('aws:SourceAccount', 'aws:SourceArn', 'aws:RequestTag/kubernetes-namespace', 'aws:PrincipalOrgID', 'aws:RequestTag/kubernetes-pod-uid'),
  fc.constantFrom(ACCOUNT, '444455556666', NAMESPACE, '*', 'true', 'false', `arn:aws:eks:*:${ACCOUNT}:cluster/${CLUSTER}`, '${aws:username}'),
  { minKeys: 1, maxKeys: 2 },
);
const condition = fc.dictionary(
  fc.constantFrom('StringEquals', 'StringNotEquals', 'StringLike', 'StringNotLike', 'ArnLike', 'ArnNotLike', 'StringEqualsIfExists', 'Null', 'Bool', 'ForAnyValue:StringLike'),
  keys,
  { minKeys: 1, maxKeys: 2 },
);
const conditionOrNone = fc.option(condition, { nil: undefined }).map((Condition) => (Condition ? { Condition } : {}));
const effect = fc.constantFrom<('Allow' | 'Deny')[]>('Allow', 'Allow', 'Deny').map((Effect) => ({ Effect }));
const statement: fc.Arbitrary<Written> = fc.tuple(effect, principal, action, conditionOrNone).map((parts) => Object.assign({}, ...parts) as Written);
const policy = fc.array(statement, { maxLength: 4 });
const runs = { numRuns: 1000 };

describe('evaluateTrust', () => {
  it('allows nothing more after a Deny was added', () => {
    fc.assert(
      fc.property(policy, statement, fc.nat(4), (statements, added, where) => {
        expect(Math.max(...gained(statements.toSpliced(where, 0, { ...added, Effect: 'Deny' }), statements))).toBeLessThanOrEqual(0);
      }),
      runs,
    );
  });

  it('allows nothing less after an Allow was added', () => {
    fc.assert(
      fc.property(policy, statement, (statements, added) => {
        expect(Math.max(...gained(statements, [...statements, { ...added, Effect: 'Allow' }]))).toBeLessThanOrEqual(0);
      }),
      runs,
    );
  });

  it('allows nothing more after a condition was added to an Allow', () => {
    fc.assert(
      fc.property(policy, action, condition, (statements, actions, added) => {
        const open: Written = { Effect: 'Allow', Principal: pods, ...actions };
        expect(Math.max(...gained([...statements, { ...open, Condition: added }], [...statements, open]))).toBeLessThanOrEqual(0);
      }),
      runs,
    );
  });

  it('does not care for statements about somebody else', () => {
    const somebodyElse = fc.constantFrom<unknown[]>({ Service: 'ec2.amazonaws.com' }, { Federated: 'arn:aws:iam::111122223333:saml-provider/x' }, { AWS: 'arn:aws:iam::111122223333:root' });
    const added = fc.tuple(effect, somebodyElse, action, conditionOrNone).map(([whether, Principal, what, when]): Written => ({ ...whether, Principal, ...what, ...when }));
    fc.assert(
      fc.property(policy, added, fc.nat(4), (statements, one, where) => {
        expect(verdictsOf(statements.toSpliced(where, 0, one))).toEqual(verdictsOf(statements));
      }),
      runs,
    );
  });

  it('does not care for the order of statements', () => {
    const shuffled = policy.chain((statements) => fc.tuple(fc.constant(statements), fc.shuffledSubarray(statements, { minLength: statements.length })));
    fc.assert(
      fc.property(shuffled, ([statements, other]) => {
        expect(verdictsOf(other)).toEqual(verdictsOf(statements));
      }),
      runs,
    );
  });

  it('says allowed only where one Allow alone suffices and no Deny for pods may hold', () => {
    const verdictIs = (statements: Written[], index: number, verdict: Verdict): boolean => verdictsOf(statements)[index] === verdict;
    fc.assert(
      fc.property(policy, (statements) => {
        const allowed = requests.map((_, index) => index).filter((index) => verdictIs(statements, index, 'allowed'));
        for (const index of allowed) {
          expect(statements.some((one) => one.Effect === 'Allow' && verdictIs([one], index, 'allowed'))).toBe(true);
          // A Deny that may hold would, as an Allow, allow or be undecided.
          const denies = statements.filter((one) => one.Effect === 'Deny' && one.Principal === pods).map((one): Written => ({ ...one, Effect: 'Allow' }));
          expect(denies.every((one) => verdictIs([one], index, 'denied'))).toBe(true);
        }
      }),
      runs,
    );
  });

  it('gives a reason for every verdict', () => {
    fc.assert(
      fc.property(policy, (statements) => {
        const reasons = requests.map((request) => evaluateTrust(parseTrustPolicy(policyText(...statements)), request).reasons);
        for (const some of reasons) expect(some.join()).toMatch(/\w{5,}/);
      }),
      runs,
    );
  });
});
