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
    ['two service accounts', [other, controller]],
    ['one service account without session tags', [{ ...controller, disableSessionTags: true }]],
    ['two service accounts, one without session tags', [controller, { ...other, disableSessionTags: true }]],
  ])('is accepted as it is proposed for %s', (_, serviceAccounts) => {
    const repair = repairOf(serviceAccounts, irsaStatement, ec2);
    expect(repairProblem(repair, { target, serviceAccounts: [controller, other] })).toBeUndefined();
  });

  const repair = repairOf([controller], irsaStatement, ec2);
  const changed = (change: JsonObject): JsonObject => ({ ...repair.statement, ...change });
  it.each<[string, JsonObject]>([
    ['with another Sid', changed({ Sid: 'Mine' })],
    ['for another principal', changed({ Principal: { AWS: '*' } })],
    ['for more actions', changed({ Action: 'sts:*' })],
    ['without a condition', changed({ Condition: {} })],
    ['that denies', changed({ Effect: 'Deny' })],
    ['with one more element', changed({ NotAction: 's3:*' })],
    ['that is empty', {}],
  ])('is not accepted with a statement %s', (_, statement) => {
    const after = policyText(irsaStatement, ec2, statement);
    const found = repairProblem({ before: repair.before, after, statement }, { target, serviceAccounts: [controller] });
    expect(found).toContain('its statement');
  });

  it('is not accepted for another cluster or another service account', () => {
    expect(repairProblem(repair, { target: { ...target, cluster: 'prod' }, serviceAccounts: [controller] })).toContain(
      'cluster prod',
    );
    expect(repairProblem(repair, { target, serviceAccounts: [shop] })).toContain('its statement');
    expect(repairProblem(repair, { target, serviceAccounts: [] })).toContain('its statement');
  });

  it.each([
    ['removes a statement', policyText(irsaStatement, repair.statement)],
    ['adds a second statement', policyText(irsaStatement, ec2, repair.statement, podIdentityStatement)],
    ['is not a policy', 'garbage'],
  ])('is not accepted if the policy after it %s', (_, after) => {
    expect(repairProblem({ ...repair, after }, { target, serviceAccounts: [controller] })).toContain('differ in more');
    expect(repairProblem({ ...repair, before: 'garbage' }, { target, serviceAccounts: [controller] })).toContain(
      'differ in more',
    );
  });
});

describe('a retirement', () => {
  const scope = { target, serviceAccounts: [controller], oidcIssuer: ISSUER };
  it.each<[string, JsonObject[]]>([
    ['a whole statement', [irsaStatement, podIdentityStatement]],
    ['a part of a statement', [irsa([subject(controller), subject(shop)]), podIdentityStatement]],
    ['several statements', [irsaStatement, irsa(subject(controller), { Sid: 'Again' }), podIdentityStatement]],
    ['a pattern without wildcards', [irsa([subject(controller)], {}, 'StringLike'), podIdentityStatement]],
  ])('is accepted as it is proposed for %s', (_, statements) => {
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
      'was not migrated',
    );
    expect(retirementProblem({ before, removed: proposal.removed }, { ...scope, oidcIssuer: `${ISSUER}0` })).toContain(
      'OIDC provider',
    );
    expect(retirementProblem({ before: '{}', removed: proposal.removed }, scope)).toContain('the policy before it');
  });

  it('is not accepted if its statement allows every service account', () => {
    const { Condition: _, ...statement } = irsa(subject(controller));
    expect(retirementProblem({ before: policyText(ec2), removed: [{ statement }] }, scope)).toContain('does not list');
  });

  const whole = 'system:serviceaccount:kube-system:*';
  const byPattern = irsa(whole, {}, 'StringLike');
  const { Condition: _without, ...unconditional } = byPattern;
  const { StringLike: patterns } = byPattern['Condition'] as JsonObject;
  const problem = (trusted: JsonObject[] | undefined, statement: JsonObject, kept?: JsonObject): string | undefined =>
    retirementProblem(
      { before: policyText(statement, podIdentityStatement), removed: [{ statement, ...(kept ? { kept } : {}) }] },
      { ...scope, ...(trusted ? { trustBefore: policyText(...trusted, podIdentityStatement) } : {}) },
    );

  it.each<[string, JsonObject[], JsonObject, JsonObject?]>([
    ['a pattern', [byPattern], byPattern],
    [
      'a pattern next to names',
      [irsa([whole, subject(shop)], {}, 'StringLike')],
      irsa([whole, subject(shop)], {}, 'StringLike'),
      irsa([subject(shop)], {}, 'StringLike'),
    ],
    ['a pattern whose list has lost a name since', [irsa([subject(shop), whole], {}, 'StringLike')], byPattern],
    ['no condition on the subject', [unconditional], unconditional],
  ])('of %s is accepted if the role trusted it when the migration began', (_, trusted, statement, kept) => {
    expect(problem(trusted, statement, kept)).toBeUndefined();
    expect(problem(undefined, statement, kept)).toBeDefined();
    expect(problem([irsaStatement], statement, kept)).toBeDefined();
  });

  it.each<[string, JsonObject]>([
    ['a wider pattern', irsa('system:serviceaccount:*', {}, 'StringLike')],
    ['a second pattern', irsa([whole, 'system:serviceaccount:shop:*'], {}, 'StringLike')],
    ['no condition on the subject', unconditional],
    ['more actions', { ...byPattern, Action: 'sts:*' }],
    ['fewer conditions', { ...byPattern, Condition: { StringLike: patterns } }],
    ['another operator', irsa(whole, {}, 'StringLikeIfExists')],
    ['a policy variable', irsa(`${whole}\${aws:userid}`, {}, 'StringLike')],
  ])('of a pattern is not accepted with %s', (_, statement) => expect(problem([byPattern], statement)).toBeDefined());
});
