import { describe, expect, it } from 'vitest';
import { parseTrust } from '../../../../lambdas/domain/trust/policy.ts';
import { repairProblem, retirementProblem } from '../../../../lambdas/domain/trust/own-changes.ts';
import { proposeRepair } from '../../../../lambdas/domain/trust/repair.ts';
import { proposeRetirement } from '../../../../lambdas/domain/trust/retire.ts';
import type { JsonObject, ServiceAccountUse } from '../../../../lambdas/domain/trust/statements.ts';
import { ISSUER, irsaStatement, podIdentityStatement, policyText, target } from '../../fixtures.ts';
import { controller, ec2, irsa, shop, subject } from './policies.ts';

const other = { ...controller, serviceAccount: 'ebs-csi-node-sa' };

function repairOf(serviceAccounts: ServiceAccountUse[], ...statements: JsonObject[]) {
  const before = policyText(...statements);
  const proposal = proposeRepair({ trustPolicy: parseTrust(before), target, serviceAccounts, oidcIssuer: ISSUER });
  if (proposal.do !== 'repair') throw new Error(JSON.stringify(proposal));
  return { before, after: proposal.after, statement: proposal.statement };
}

describe('a repair', () => {
  it.each<[string, ServiceAccountUse[]]>([
    ['one service account', [controller]],
    ['two of them', [other, controller]],
    ['one without session tags', [{ ...controller, disableSessionTags: true }]],
    ['two, one without session tags', [controller, { ...other, disableSessionTags: true }]],
  ])("is this service's, as it is proposed for %s", (_, serviceAccounts) => {
    const repair = repairOf(serviceAccounts, irsaStatement, ec2);
    expect(repairProblem(repair, { target, serviceAccounts: [controller, other] })).toBeUndefined();
  });

  const repair = repairOf([controller], irsaStatement, ec2);
  const changed = (change: JsonObject): JsonObject => ({ ...repair.statement, ...change });
  it.each<[string, JsonObject]>([
    ['of another Sid', changed({ Sid: 'Mine' })],
    ['for another principal', changed({ Principal: { AWS: '*' } })],
    ['for more actions', changed({ Action: 'sts:*' })],
    ['without a condition', changed({ Condition: {} })],
    ['that denies', changed({ Effect: 'Deny' })],
    ['with one more element', changed({ NotAction: 's3:*' })],
    ['that is empty', {}],
  ])('with a statement %s is not', (_, statement) => {
    const after = policyText(irsaStatement, ec2, statement);
    expect(
      repairProblem({ before: repair.before, after, statement }, { target, serviceAccounts: [controller] }),
    ).toContain('its statement');
  });

  it('for another cluster, or another service account, is not', () => {
    expect(repairProblem(repair, { target: { ...target, cluster: 'prod' }, serviceAccounts: [controller] })).toContain(
      'cluster prod',
    );
    expect(repairProblem(repair, { target, serviceAccounts: [shop] })).toContain('its statement');
    expect(repairProblem(repair, { target, serviceAccounts: [] })).toContain('its statement');
  });

  it.each([
    ['takes a statement out', policyText(irsaStatement, repair.statement)],
    ['adds a second one', policyText(irsaStatement, ec2, repair.statement, podIdentityStatement)],
    ['is no policy', 'garbage'],
  ])('that %s is not', (_, after) => {
    expect(repairProblem({ ...repair, after }, { target, serviceAccounts: [controller] })).toContain('differ by more');
    expect(repairProblem({ ...repair, before: 'garbage' }, { target, serviceAccounts: [controller] })).toContain(
      'differ by more',
    );
  });
});

describe('a retirement', () => {
  const scope = { target, serviceAccounts: [controller], oidcIssuer: ISSUER };
  it.each<[string, JsonObject[]]>([
    ['whole', [irsaStatement, podIdentityStatement]],
    ['in part', [irsa([subject(controller), subject(shop)]), podIdentityStatement]],
    ['of several statements', [irsaStatement, irsa(subject(controller), { Sid: 'Again' }), podIdentityStatement]],
    ['with a pattern that names one', [irsa([subject(controller)], {}, 'StringLike'), podIdentityStatement]],
  ])("is this service's, as it is proposed, %s", (_, statements) => {
    const before = policyText(...statements);
    const proposal = proposeRetirement({
      trustPolicy: before,
      target,
      oidcIssuer: ISSUER,
      serviceAccounts: [controller],
    });
    if (proposal.do !== 'remove') throw new Error(JSON.stringify(proposal));
    expect(retirementProblem({ before, removed: proposal.removed }, scope)).toBeUndefined();
    expect(retirementProblem({ before, removed: proposal.removed }, { ...scope, serviceAccounts: [] })).toContain(
      'did not migrate',
    );
    expect(retirementProblem({ before, removed: proposal.removed }, { ...scope, oidcIssuer: `${ISSUER}0` })).toContain(
      'OIDC provider',
    );
    expect(retirementProblem({ before: '{}', removed: proposal.removed }, scope)).toContain('the policy before it');
  });

  it('that allows every service account is not', () => {
    const { Condition: _, ...statement } = irsa(subject(controller));
    expect(retirementProblem({ before: policyText(ec2), removed: [{ statement }] }, scope)).toContain('does not list');
  });
});
