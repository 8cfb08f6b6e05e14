/** What a plan tells its reader of who may be given a role; the rule itself is in `grants.test.ts`. */
import { describe, expect, it } from 'vitest';
import { parseTrust } from '../../../../lambdas/domain/trust/policy.ts';
import { clusterArn } from '../../../../lambdas/domain/aws/arn.ts';
import { checkGrants } from '../../../../lambdas/domain/plan/grants-check.ts';
import { planRoles } from '../../../../lambdas/domain/plan/plan.ts';
import { NAMESPACE, OTHER_ROLE, ROLE, SERVICE_ACCOUNT, target } from '../../example.ts';
import { irsaStatement, podIdentityStatement, policyText } from '../../trust-examples.ts';
import { planned } from '../../eks-fixtures.ts';
import { GRANTED, someFacts } from '../../fixtures.ts';
import { said } from '../../matchers.ts';

const ACCOUNT = `${NAMESPACE}/${SERVICE_ACCOUNT}`;
const NEW = ', which does not have it now,';
const facts = (statement: object, change: Parameters<typeof someFacts>[0] = {}) => {
  const trust = { trustPolicy: parseTrust(policyText(statement)) };
  return someFacts({ roleGrants: [], roles: { [ROLE]: trust, [OTHER_ROLE]: trust }, ...change });
};
const repairOf = (roleArn: string) => ({ roleArn, before: policyText(), after: policyText(), statement: {} });

describe('checkGrants', () => {
  it('passes with the ground that holds', () => {
    expect(checkGrants(facts(irsaStatement), [planned], [])).toMatchObject([
      said('pass', `may be given to ${ACCOUNT}: its trust policy allows IRSA`),
    ]);
    const granted = facts(podIdentityStatement, { roleGrants: GRANTED });
    expect(checkGrants(granted, [planned], [])).toMatchObject([said('pass', 'the setting roleGrants names it')]);
  });

  it('warns where IRSA allows more than that service account', () => {
    const [issuer] = Object.keys(irsaStatement.Condition.StringEquals).map((key) => key.split(':')[0]);
    const wide = {
      ...irsaStatement,
      Condition: { StringLike: { [`${issuer}:sub`]: `system:serviceaccount:${NAMESPACE}:*` } },
    };
    expect(checkGrants(facts(wide), [planned], [])).toMatchObject([
      said('warn', 'but through a wildcard, which also allows other service accounts'),
    ]);
  });

  it('says of a role whether the service account has it today, and how it may be given', () => {
    const [old] = checkGrants(facts(podIdentityStatement), [planned], []);
    const [other] = checkGrants(facts(podIdentityStatement), [{ ...planned, roleArn: OTHER_ROLE }], []);
    expect([old?.status, other?.status]).toEqual(['fail', 'fail']);
    expect(old?.message).toContain(
      `Nothing shows that role ebs-csi may be given to ${ACCOUNT} in cluster ${clusterArn(target)}.`,
    );
    expect(other?.message).toContain(`Nothing shows that role third-party may be given to ${ACCOUNT}${NEW} in cluster`);
    for (const { remedy } of [old!, other!])
      expect(remedy).toMatch(
        /^Have the owner of the role replace .*Or: Add \{.*\} to the setting roleGrants and deploy,.*; then plan again\.$/,
      );
  });

  it('says of a trust policy for whom it would be repaired, never that a role is new, and leaves the deployment to allow it', () => {
    // A statement without names allows every other service account that has the role.
    const checks = checkGrants(facts(podIdentityStatement), [], [repairOf(OTHER_ROLE)]);
    expect(checks).toMatchObject([
      said(
        'fail',
        /^Nothing shows that the trust policy of role third-party may be repaired for \*\/\* in cluster/,
        /^Add \{.*\} to the setting roleGrants and deploy/,
      ),
    ]);
  });

  it('is silent, as every check of roles is, where no role is planned', () =>
    expect(planRoles(facts(irsaStatement), [])).toEqual({ checks: [], trustRepairs: [] }));
  it('leaves roles that IAM does not show to other checks', () =>
    expect(checkGrants(facts(irsaStatement, { roles: {} }), [planned], [])).toEqual([]));
});
