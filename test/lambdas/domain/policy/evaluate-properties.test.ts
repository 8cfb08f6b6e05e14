/** What must hold for every trust policy, whatever its statements. */
import fc from 'fast-check';
import { describe, it } from 'vitest';
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
const noneMoreAllowed = (after: Verdict[], before: Verdict[]): boolean => after.every((verdict, index) => rank[verdict] <= rank[before[index]!]);

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
      fc.property(policy, statement, fc.nat(4), (statements, added, where) =>
        noneMoreAllowed(verdictsOf(statements.toSpliced(where, 0, { ...added, Effect: 'Deny' })), verdictsOf(statements)),
      ),
      runs,
    );
  });

  it('allows nothing less after an Allow was added', () => {
    fc.assert(
      fc.property(policy, statement, (statements, added) => noneMoreAllowed(verdictsOf(statements), verdictsOf([...statements, { ...added, Effect: 'Allow' }]))),
      runs,
    );
  });

  it('allows nothing more after a condition was added to an Allow', () => {
    fc.assert(
      fc.property(policy, action, condition, (statements, actions, added) => {
        const open: Written = { Effect: 'Allow', Principal: pods, ...actions };
        return noneMoreAllowed(verdictsOf([...statements, { ...open, Condition: added }]), verdictsOf([...statements, open]));
      }),
      runs,
    );
  });

  it('does not care for statements about somebody else', () => {
    const somebodyElse = fc.constantFrom<unknown[]>({ Service: 'ec2.amazonaws.com' }, { Federated: 'arn:aws:iam::111122223333:saml-provider/x' }, { AWS: 'arn:aws:iam::111122223333:root' });
    fc.assert(
      fc.property(policy, statement, somebodyElse, (statements, { NotPrincipal: _, ...added }, Principal) => {
        const [before, after] = [verdictsOf(statements), verdictsOf([...statements, { ...added, Principal }])];
        return after.join() === before.join();
      }),
      runs,
    );
  });

  it('does not care for the order of statements', () => {
    const shuffled = policy.chain((statements) => fc.tuple(fc.constant(statements), fc.shuffledSubarray(statements, { minLength: statements.length })));
    fc.assert(
      fc.property(shuffled, ([statements, other]) => verdictsOf(statements).join() === verdictsOf(other).join()),
      runs,
    );
  });

  it('says allowed only where one Allow alone suffices and no Deny may hold', () => {
    fc.assert(
      fc.property(policy, (statements) =>
        verdictsOf(statements).every((verdict, index) => {
          if (verdict !== 'allowed') return true;
          const alone = statements.filter((one) => one.Effect === 'Allow').some((one) => verdictsOf([one])[index] === 'allowed');
          // A Deny that might hold would, as an Allow, allow or be undecided.
          const silent = statements.filter((one) => one.Effect === 'Deny' && JSON.stringify(one.Principal) === JSON.stringify(pods)).every((one) => verdictsOf([{ ...one, Effect: 'Allow' }])[index] === 'denied');
          return alone && silent;
        }),
      ),
      runs,
    );
  });

  it('gives a reason for every verdict', () => {
    fc.assert(
      fc.property(policy, (statements) => requests.every((request) => evaluateTrust(parseTrustPolicy(policyText(...statements)), request).reasons.every((reason) => reason.length > 5))),
      runs,
    );
  });
});
