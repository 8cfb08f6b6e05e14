/** Who loses a role by the retirement of a trust with patterns, for arbitrary statements: exactly those that are named. */
import * as fc from 'fast-check';
import { expect, it } from 'vitest';
import { clusterArn } from '../../../../lambdas/domain/aws/arn.ts';
import { evaluateIrsa, parsePolicy } from '../../../../lambdas/domain/policy/index.ts';
import { patternTrust, proposeRetirement } from '../../../../lambdas/domain/trust/retire.ts';
import type { JsonObject, ServiceAccountUse } from '../../../../lambdas/domain/trust/statements.ts';
import { ISSUER, podIdentityStatement, policyText, target } from '../../fixtures.ts';
import { irsa, OTHER_PROVIDER, PROVIDER } from './policies.ts';
import { forAllIn } from '../../../for-all.ts';

const of = (namespace: string, serviceAccount: string): ServiceAccountUse => ({ namespace, serviceAccount });
const LEAVING = of('shop', 'api');
const EXISTING = ['shop', 'shop2', 'orders', 'default'].flatMap((namespace) =>
  ['api', 'apis', 'web', 'default'].map((name) => of(namespace, name)),
);
const SUBJECTS = [
  ['system:serviceaccount:shop:api', 'system:serviceaccount:shop:web', 'system:serviceaccount:orders:api'],
  ['system:serviceaccount:shop:*', 'system:serviceaccount:shop?:api', 'system:serviceaccount:sho?:a?i'],
  ['system:serviceaccount:*:api', 'system:serviceaccount:shop*', 'system:serviceaccount:*', '*:api', 'sys*', '*'],
  ['system:serviceaccount:${aws:PrincipalTag/team}:api', 'repo:shop/*'],
].flat();
const OPERATORS = [
  ['StringLike', 'StringLike', 'StringLike', 'StringEquals', 'StringEqualsIgnoreCase', 'ForAnyValue:StringLike'],
  ['ForAllValues:StringLike', 'StringLikeIfExists', 'StringNotLike'],
].flat();

const statement = fc
  .record({
    subjects: fc.oneof(fc.constantFrom(...SUBJECTS), fc.subarray(SUBJECTS, { minLength: 1, maxLength: 4 })),
    operator: fc.constantFrom(...OPERATORS),
    kind: fc.constantFrom('plain', 'plain', 'plain', 'plain', 'bare', 'deny', 'two providers', 'second condition'),
  })
  .map(({ subjects, operator, kind }): JsonObject => {
    const one = irsa(subjects, {}, operator);
    if (kind === 'bare') return { ...one, Condition: {} };
    if (kind === 'deny') return { ...one, Effect: 'Deny' };
    if (kind === 'two providers') return { ...one, Principal: { Federated: [PROVIDER, OTHER_PROVIDER] } };
    if (kind === 'second condition')
      return {
        ...one,
        Condition: {
          ...(one['Condition'] as JsonObject),
          StringNotEquals: { [`${ISSUER.replace('https://', '')}:sub`]: 'system:serviceaccount:shop:web' },
        },
      };
    return one;
  });

const named = ({ namespace, serviceAccount }: ServiceAccountUse): string => `${namespace}/${serviceAccount}`;
const may = (policy: string, account: ServiceAccountUse): string =>
  evaluateIrsa(parsePolicy(policy, 'trust'), { ...account, clusterArn: clusterArn(target), oidcIssuer: ISSUER })
    .verdict;

it('the retirement of any trust with patterns takes the role from no other service account than those that it names', () => {
  const met = { remove: 0, refuse: 0, nothing: 0, others: 0 };
  forAllIn(600, fc.array(statement, { minLength: 1, maxLength: 3 }), (statements) => {
    const trustPolicy = policyText(...statements, podIdentityStatement);
    const request = { trustPolicy, target, oidcIssuer: ISSUER, serviceAccounts: [LEAVING] };
    const proposal = proposeRetirement({ ...request, existing: EXISTING });
    if (proposal.do === 'list') throw new Error('It knows the service accounts.');
    met[proposal.do] += 1;
    if (proposal.do !== 'remove') return;
    expect(may(proposal.after, LEAVING)).toBe('denied');
    const others = new Set(proposal.others.map(named));
    if (others.size > 0) met.others += 1;
    const losing = EXISTING.filter(
      (one) => named(one) !== named(LEAVING) && may(trustPolicy, one) !== may(proposal.after, one),
    );
    expect(losing.map(named).filter((name) => !others.has(name))).toEqual([]);
    // Without the service accounts it is decided as soon as a pattern is removed, and only then.
    expect(proposeRetirement(request).do).toBe(proposal.patterns.length > 0 ? 'list' : 'remove');
    expect(patternTrust(trustPolicy, target, ISSUER, [LEAVING]).othersIn(EXISTING).map(named).sort()).toEqual(
      [...others].sort(),
    );
  });
  for (const count of Object.values(met)) expect(count).toBeGreaterThan(20);
});
