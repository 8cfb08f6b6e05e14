import { array, assert, constantFrom, oneof, property, record as recordOf } from 'fast-check';
import { clusterArn } from '../../../../lambdas/domain/aws/arn.ts';
import { describe, expect, it } from 'vitest';
import { isForThemAlone } from '../../../../lambdas/domain/plan/sole-users.ts';
import { evaluateIrsa, parsePolicy } from '../../../../lambdas/domain/policy/index.ts';
import { irsaStatement, podIdentityStatement, policyText } from '../../trust-examples.ts';
import { aRequest, trusting, ISSUER, NAMESPACE, ROLE, SERVICE_ACCOUNT, target, aCluster } from '../../fixtures.ts';

const SUB = `${ISSUER.replace('https://', '')}:sub`;
const OWN = `system:serviceaccount:${NAMESPACE}:${SERVICE_ACCOUNT}`;
const accounts = [{ namespace: NAMESPACE, serviceAccount: SERVICE_ACCOUNT }];
const facts = (trustPolicy: string) => ({ request: aRequest(), cluster: aCluster(), roles: trusting(trustPolicy) });
const isAlone = (...statements: unknown[]): boolean => isForThemAlone(facts(policyText(...statements)), ROLE, accounts);
const irsa = (sub: string | string[], operator = 'StringEquals', change: object = {}) => ({
  ...irsaStatement,
  Sid: undefined,
  Condition: { [operator]: { [SUB]: sub } },
  ...change,
});

describe('a role that IRSA gives to the planned service accounts alone', () => {
  it.each<[string, unknown[]]>([
    ['names them', [irsaStatement, podIdentityStatement]],
    ['names them by StringLike without a wildcard', [irsa(OWN, 'StringLike')]],
    ['allows no IRSA', [podIdentityStatement]],
    [
      "allows another cluster's",
      [irsaStatement, irsa('*', 'StringLike', { Principal: { Federated: 'arn:aws:iam::1:oidc-provider/other' } })],
    ],
    ['denies it to others', [irsaStatement, irsa('*', 'StringLike', { Effect: 'Deny' })]],
  ])('%s', (_, statements) => expect(isAlone(...statements)).toBe(true));

  it.each<[string, unknown[]]>([
    ['another one is named too', [irsa([OWN, 'system:serviceaccount:web:shop'])]],
    ['another statement names another one', [irsaStatement, irsa('system:serviceaccount:web:shop')]],
    ['a wildcard may stand for others', [irsa('system:serviceaccount:*:*', 'StringLike')]],
    ['it is another condition', [irsa(OWN, 'StringNotEquals')]],
    ['one that holds without the claim', [irsa(OWN, 'StringEqualsIfExists')]],
    ['there is none', [{ ...irsaStatement, Condition: undefined }]],
    ['everybody is named', [irsa(OWN, 'StringEquals', { Principal: { AWS: '*' }, Condition: undefined })]],
    [
      'others are not',
      [irsa(OWN, 'StringEquals', { Action: undefined, NotAction: 'sts:AssumeRole', Condition: undefined })],
    ],
  ])('is not one where %s', (_, statements) => expect(isAlone(...statements)).toBe(false));

  it('is not one that IAM does not have, whose policy is none, or whose cluster shows no issuer', () => {
    expect(isForThemAlone({ ...facts(''), roles: {} }, ROLE, accounts)).toBe(false);
    expect(isForThemAlone(facts('{'), ROLE, accounts)).toBe(false);
    const { oidcIssuer: _, ...cluster } = aCluster();
    expect(isForThemAlone({ ...facts(policyText(irsaStatement)), cluster }, ROLE, accounts)).toBe(false);
  });

  it('allows no other service account by any policy', () => {
    const values = constantFrom(OWN, 'system:serviceaccount:web:shop', 'system:serviceaccount:*', '*', 'other');
    const statement = recordOf({
      sub: oneof(values, array(values, { minLength: 1, maxLength: 3 })),
      operator: constantFrom('StringEquals', 'StringLike', 'StringNotEquals', 'ForAnyValue:StringLike', 'Null'),
      change: constantFrom(
        {},
        { Effect: 'Deny' },
        { Action: '*' },
        { Condition: undefined },
        { Principal: { AWS: '*' } },
      ),
    });
    assert(
      property(array(statement, { minLength: 1, maxLength: 3 }), (all) => {
        const text = policyText(...all.map(({ sub, operator, change }) => irsa(sub, operator, change)));
        if (!isForThemAlone(facts(text), ROLE, accounts)) return;
        const use = {
          clusterArn: clusterArn(target),
          namespace: 'web',
          serviceAccount: 'shop',
          roleAccount: target.account,
          oidcIssuer: ISSUER,
        };
        expect(['allowed', 'unknown']).not.toContain(evaluateIrsa(parsePolicy(text, 'trust'), use).verdict);
      }),
    );
  });
});
