import { describe, expect, it } from 'vitest';
import type { TrustRetirement } from '../../../../lambdas/domain/terms/trust.ts';
import { proposeRetirement, undoRetirement } from '../../../../lambdas/domain/trust/retire.ts';
import type { JsonObject } from '../../../../lambdas/domain/trust/statements.ts';
import { ISSUER, irsaStatement, podIdentityStatement, policyText, ROLE, target } from '../../fixtures.ts';
import { controller, ec2, irsa, irsaOfOtherClusters, shop, statementsIn, subject, verdicts } from './policies.ts';
import { containing, matching } from '../../matchers.ts';

const NOTED_AT = '2026-01-05T09:00:00.000Z';
function retired(...statements: JsonObject[]): TrustRetirement {
  const before = JSON.stringify(JSON.parse(policyText(...statements)), undefined, 2);
  const proposal = proposeRetirement({
    trustPolicy: before,
    target,
    oidcIssuer: ISSUER,
    serviceAccounts: [controller],
  });
  if (proposal.do !== 'remove') throw new Error(JSON.stringify(proposal));
  return { roleArn: ROLE, before, after: proposal.after, removed: proposal.removed, notedAt: NOTED_AT };
}
const whole = retired(irsaStatement, podIdentityStatement);
const shared = irsa([subject(controller), subject(shop)], { Sid: 'Shared' });
const partly = retired(shared, podIdentityStatement);
const kept = partly.removed[0]!.kept!;

describe('undoRetirement', () => {
  it('writes the policy of before, byte for byte, if it has not changed since', () => {
    expect(undoRetirement(whole, whole.after)).toEqual({ do: 'write', document: whole.before });
    expect(undoRetirement(partly, partly.after)).toEqual({ do: 'write', document: partly.before });
  });

  it('writes the policy of before if it has the same statement twice', () => {
    const statement = irsa([subject(controller)]);
    const twice = retired(statement, statement, podIdentityStatement);
    expect(undoRetirement(twice, twice.after)).toEqual({ do: 'write', document: twice.before });
  });

  it('does nothing if the policy is as before, or already allows the service account again', () => {
    expect(undoRetirement(whole, policyText(irsaStatement, podIdentityStatement))).toEqual({ do: 'nothing' });
    expect(undoRetirement(whole, policyText(ec2, podIdentityStatement, irsa(subject(controller))))).toEqual({
      do: 'nothing',
    });
    const found = undoRetirement(whole, policyText(ec2, irsa('system:serviceaccount:kube-system:*', {}, 'StringLike')));
    expect(found).toEqual({ do: 'nothing' });
    expect(
      undoRetirement(
        whole,
        policyText(ec2, irsaStatement, { Effect: 'Deny', Principal: { AWS: '*' }, Action: 'sts:*' }),
      ),
    ).toEqual({ do: 'nothing' });
  });

  it('adds the statement to a policy that has changed since', () =>
    expect(undoRetirement(whole, policyText(ec2, podIdentityStatement, irsaOfOtherClusters))).toEqual({
      do: 'write',
      document: policyText(ec2, podIdentityStatement, irsaOfOtherClusters, irsaStatement),
    }));

  it('replaces the kept part by the whole statement', () =>
    expect(undoRetirement(partly, policyText(ec2, kept, podIdentityStatement))).toEqual({
      do: 'write',
      document: policyText(ec2, shared, podIdentityStatement),
    }));

  it('allows no other service account again if the kept part has changed since', () => {
    const narrowed = { ...kept, Condition: { StringEquals: { 'aws:SourceAccount': '1' } } };
    const undone = undoRetirement(partly, policyText(narrowed, podIdentityStatement));
    if (undone.do !== 'write') throw new Error(JSON.stringify(undone));
    expect(statementsIn(undone.document)).toEqual([
      narrowed,
      podIdentityStatement,
      irsa([subject(controller)], { Sid: 'Shared2' }),
    ]);
    expect(verdicts(undone.document, controller).irsa).toBe('allowed');
    expect(verdicts(undone.document, shop).irsa).toBe('denied');
  });

  it('refuses a policy that IAM would not accept', () => {
    expect(undoRetirement(whole, 'no JSON')).toMatchObject({ do: 'refuse', why: containing('line 1') });
    const others = Array.from({ length: 4 }, (_, index) => irsa(`system:serviceaccount:team-${index}:app`));
    const undone = undoRetirement(whole, policyText(...others));
    expect(undone).toMatchObject({ do: 'refuse', why: matching(/IAM allows 2048.*by hand/) });
    expect(undoRetirement(whole, policyText(...others), 4096).do).toBe('write');
  });
});
