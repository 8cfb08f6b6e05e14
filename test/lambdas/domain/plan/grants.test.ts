/** The rule of which subjects may get a role: each ground on its own, and what a trust policy must deny. */
import * as fc from 'fast-check';
import { parseTrust } from '../../../../lambdas/domain/trust/policy.ts';
import { describe, expect, it } from 'vitest';
import { clusterArn } from '../../../../lambdas/domain/aws/arn.ts';
import { exchanged, neighboursOf } from '../../../../lambdas/domain/plan/exchanged.ts';
import { judgeGrant, judgeRepair, needsProvider } from '../../../../lambdas/domain/plan/grants.ts';
import type { GrantFacts, GrantQuestion } from '../../../../lambdas/domain/plan/grants.ts';
import { judgeRepairs } from '../../../../lambdas/domain/plan/grants-judged.ts';
import { matchesWildcard, parsePolicy } from '../../../../lambdas/domain/policy/index.ts';
import { isGranted, type RoleGrant } from '../../../../lambdas/domain/settings/role-grants.ts';
import { accountsNamedBy, addedStatement, withoutAdded } from '../../../../lambdas/domain/trust/added.ts';
import { proposeRepair } from '../../../../lambdas/domain/trust/repair.ts';
import { ISSUER, NAMESPACE, ROLE, SERVICE_ACCOUNT, target } from '../../example.ts';
import { irsaStatement, podIdentityStatement, policyText } from '../../trust-examples.ts';
import { anAssociation, planned } from '../../eks-fixtures.ts';
import { matching } from '../../matchers.ts';
import { forAllIn } from '../../../for-all.ts';

const CLUSTER_ARN = clusterArn(target);
const TAG = 'aws:RequestTag/kubernetes-service-account';
const NAMESPACE_TAG = 'aws:RequestTag/kubernetes-namespace';
const SUBJECT_TAGS = { [NAMESPACE_TAG]: NAMESPACE, [TAG]: SERVICE_ACCOUNT };
const naming = (change: Record<string, unknown> = {}, operator = 'StringEquals'): object => ({
  ...podIdentityStatement,
  Condition: { [operator]: { ...SUBJECT_TAGS, ...change }, ArnEquals: { 'aws:SourceArn': CLUSTER_ARN } },
});
const requiring = (StringEquals: object): object => ({ ...podIdentityStatement, Condition: { StringEquals } });
const factsOf = (statements: unknown[], change: Partial<GrantFacts> = {}): GrantFacts => ({
  target,
  oidcIssuer: ISSUER,
  oidcProvider: { seen: true },
  trustPolicies: { [ROLE]: parsePolicy(policyText(...statements), 'trust') },
  associations: [],
  roleGrants: [],
  ...change,
});
const QUESTION: GrantQuestion = { ...planned, isNew: false, disableSessionTags: false };
const judge = (statements: unknown[], change: Partial<GrantFacts> = {}, question: Partial<GrantQuestion> = {}) =>
  judgeGrant(factsOf(statements, change), { ...QUESTION, ...question });

const ADDON_ROLE = { addon: { roleArn: ROLE, namespace: NAMESPACE, serviceAccounts: [SERVICE_ACCOUNT] } };
const OFFICE = { IpAddress: { 'aws:SourceIp': '10.0.0.0/8' } };
const irsaFromOffice = { ...irsaStatement, Condition: { ...irsaStatement.Condition, ...OFFICE } };
const ROLE_2 = `${ROLE}-2`;
const ANNOTATED = { annotated: { seen: [{ name: SERVICE_ACCOUNT, roleArn: ROLE }] } };
const serviceAccounts = [`${NAMESPACE}/${SERVICE_ACCOUNT}`];
const GRANT: RoleGrant = { roles: [ROLE], clusters: ['cluster/dev'], serviceAccounts };

describe('a role may be given', () => {
  it.each<[string, string, unknown[], Partial<GrantFacts>]>([
    ['by its IRSA trust', 'irsa-trust', [irsaStatement], {}],
    ['by an association', 'association', [podIdentityStatement], { associations: [anAssociation()] }],
    ["as the add-on's own", 'addon-role', [podIdentityStatement], { ...ADDON_ROLE, ...ANNOTATED }],
    ['by a trust that names it', 'pod-identity-trust', [naming()], {}],
    ['by one that names others too', 'pod-identity-trust', [naming({ [TAG]: [SERVICE_ACCOUNT, 'second-sa'] })], {}],
    ['by the setting', 'role-grants', [podIdentityStatement], { roleGrants: [GRANT] }],
  ])('%s', (_, ground, statements, change) =>
    expect(judge(statements, change)).toEqual({ verdict: 'allowed', ground, why: [] }),
  );

  const { addon } = ADDON_ROLE;
  const POD = [podIdentityStatement];
  const OTHERS = /for other subjects than this/;
  const ofRole = { associations: [anAssociation({ roleArn: ROLE_2 })] };
  const ofNamesake = { associations: [anAssociation({ namespace: 'web' })] };
  const elsewhere = { roleGrants: [{ ...GRANT, clusters: ['cluster/prod'] }] };
  it.each<[string, RegExp, unknown[], Partial<GrantFacts>]>([
    ['by IRSA from another issuer', /does not allow IRSA/, [irsaStatement], { oidcIssuer: `${ISSUER}0` }],
    ['by IRSA of a cluster without an issuer', /has no OIDC issuer/, [irsaStatement], { oidcIssuer: undefined }],
    ['by IRSA without its provider', /no OIDC provider/, [irsaStatement], { oidcProvider: { seen: false } }],
    ['by an association of another role', /no finished association/, POD, ofRole],
    ['by an association of a namesake', /no finished association/, POD, ofNamesake],
    ["as another add-on's", /not an add-on's IRSA role/, POD, { addon: { ...addon, roleArn: ROLE_2 }, ...ANNOTATED }],
    [
      'by an annotation, to whom the add-on does not know',
      /not one of the add-on's/,
      POD,
      { addon: { ...addon, serviceAccounts: ['other'] }, ...ANNOTATED },
    ],
    ['without the annotation', /is not annotated with it/, POD, { addon, annotated: { seen: [] } }],
    ['by a trust that names another', /does not allow EKS Pod Identity/, [naming({ [TAG]: 'other' })], {}],
    ['by a trust for everybody', OTHERS, POD, {}],
    ['by a trust for a namespace', OTHERS, [requiring({ 'aws:RequestTag/kubernetes-namespace': NAMESPACE })], {}],
    ['by a trust for that name in every cluster', OTHERS, [requiring(SUBJECT_TAGS)], {}],
    ['by a trust with a wildcard', OTHERS, [naming({ [TAG]: 'ebs-*' }, 'StringLike')], {}],
    [
      'by a trust for clusters of that name in every region',
      OTHERS,
      [requiring({ ...SUBJECT_TAGS, 'aws:RequestTag/eks-cluster-name': target.cluster })],
      {},
    ],
    ['by a setting for another cluster', /roleGrants does not name it/, POD, elsewhere],
  ])('not %s', (_, why, statements, change) => {
    const { verdict, why: reasons } = judge(statements, change);
    expect([verdict, reasons.join('; ')]).toEqual(['denied', matching(why)]);
  });

  it.each<[string, RegExp, unknown[], Partial<GrantFacts>]>([
    ['the provider was not read', /was not read/, [irsaStatement], { oidcProvider: undefined }],
    ['the provider can not be read', /\(you may not\)/, [irsaStatement], { oidcProvider: { error: 'you may not.' } }],
    ['the annotation was not read', /was not read/, POD, ADDON_ROLE],
    ['the annotation can not be read', /could not be read/, POD, { addon, annotated: { error: 'no' } }],
    ['a condition of IRSA is not known', /is not known/, [irsaFromOffice], {}],
    ['a condition of Pod Identity is not known', /is not known/, [{ ...podIdentityStatement, Condition: OFFICE }], {}],
  ])('unknown where %s', (_, why, statements, change) => {
    const { verdict, why: reasons } = judge(statements, change);
    expect([verdict, reasons.join('; ')]).toEqual(['unknown', matching(why)]);
    // What is known decides all the same.
    expect(judge(statements, { ...change, roleGrants: [GRANT] }).verdict).toBe('allowed');
  });

  it('as a new one by a trust that names it, or by the setting, alone', () => {
    const everything = { ...ADDON_ROLE, ...ANNOTATED };
    expect(judge([irsaStatement, podIdentityStatement], everything, { isNew: true }).verdict).toBe('denied');
    expect(judge([naming()], {}, { isNew: true }).ground).toBe('pod-identity-trust');
    expect(judge([irsaStatement], { roleGrants: [GRANT] }, { isNew: true }).ground).toBe('role-grants');
  });
  it('by no trust that goes by session tags, where the association will have none', () => {
    expect(judge([naming()], {}, { disableSessionTags: true }).verdict).toBe('denied');
    expect(judge([irsaStatement], {}, { disableSessionTags: true }).verdict).toBe('allowed');
  });
});

describe('a role is not given to evil/evil, of which no statement has the name,', () => {
  const EVIL = { namespace: 'evil', serviceAccount: 'evil', isNew: true };
  const [SAME, OTHERS] = [`\${${NAMESPACE_TAG}}`, /for other subjects than this/];
  const ofCluster = (StringEquals: object, more: object = {}): object => ({
    ...podIdentityStatement,
    Sid: '',
    Condition: { StringEquals, ArnEquals: { 'aws:SourceArn': CLUSTER_ARN }, ...more },
  });
  const deny = (...conditions: object[]): object[] =>
    conditions.map((Condition) => ({ Effect: 'Deny', Principal: { AWS: '*' }, Action: 'sts:*', Condition }));
  const elsewhere = { ArnNotEquals: { 'aws:SourceArn': CLUSTER_ARN } };
  const differs = { StringNotEquals: { [TAG]: SAME } };
  const HAS_NAME = { [NAMESPACE_TAG]: 'evil', [TAG]: 'evil' };
  const variable = (key: string): RegExp => new RegExp(`policy variable \\$\\{${key}\\} instead of naming`);
  const OF_OFFICE = { IpAddress: { 'aws:SourceIp': '10.0.0.0/8' } };
  it.each<[string, RegExp, ...object[]]>([
    ['by comparing the name with the namespace', variable(NAMESPACE_TAG), ofCluster({ [TAG]: SAME })],
    [
      'or the namespace with the name',
      variable(TAG),
      ofCluster({}, { StringLike: { [NAMESPACE_TAG]: `\${${TAG}}*` } }),
    ],
    [
      'in another case, with a default',
      variable('AWS:requesttag/Kubernetes-Namespace'),
      ofCluster({ [TAG]: "${AWS:requesttag/Kubernetes-Namespace, 'x'}" }),
    ],
    [
      'by an ARN with the name',
      variable('aws:SourceArn'),
      ofCluster({ ...HAS_NAME, 'aws:RequestTag/eks-cluster-arn': '${aws:SourceArn}' }),
    ],
    [
      'in one of several statements that allow it',
      variable(NAMESPACE_TAG),
      ofCluster(HAS_NAME),
      ofCluster({ [TAG]: SAME }),
    ],
    [
      'for one of the two actions',
      variable(NAMESPACE_TAG),
      { ...ofCluster({ [TAG]: SAME }), Action: 'sts:TagSession' },
      { ...ofCluster(HAS_NAME), Action: 'sts:AssumeRole' },
    ],
    ['with a condition that is not known', variable(NAMESPACE_TAG), ofCluster({ [TAG]: SAME }, OF_OFFICE)],
    ['by a Deny for names unlike the namespace', OTHERS, podIdentityStatement, ...deny(differs, elsewhere)],
    [
      'by a Deny of those that have one part of it',
      OTHERS,
      ofCluster({}),
      ...deny(
        { StringEquals: { [NAMESPACE_TAG]: 'evil' }, StringNotEquals: { [TAG]: 'evil' } },
        { StringEquals: { [TAG]: 'evil' }, StringNotEquals: { [NAMESPACE_TAG]: 'evil' } },
      ),
    ],
  ])('%s', (_, why, ...statements) => {
    const { verdict, why: reasons } = judge(statements, {}, EVIL);
    expect([verdict, reasons[0]]).toEqual(['denied', matching(why)]);
  });
  it.each<[string, ...object[]]>([
    ['of the account', ofCluster({ ...HAS_NAME, 'aws:SourceAccount': '${aws:ResourceAccount}' })],
    ['in a Deny next to its name', ofCluster(HAS_NAME), ...deny(differs)],
    ['in a statement for others', ofCluster(HAS_NAME), ofCluster({ [TAG]: `${SAME}-sa` })],
    ['that stands for a character', ofCluster(HAS_NAME, { StringLike: { [TAG]: ['evil', 'e${*}', '${?}', '${$}'] } })],
  ])('but is where a statement has it, despite a variable %s', (_, ...statements) =>
    expect(judge(statements, {}, EVIL).ground).toBe('pod-identity-trust'),
  );
  it('nor to evil/evil-sa by a Deny for names that lack the namespace', () => {
    const lacks = { StringNotEquals: { [TAG]: `${SAME}-sa` } };
    const { verdict, why } = judge([ofCluster({}), ...deny(lacks)], {}, { ...EVIL, serviceAccount: 'evil-sa' });
    expect([verdict, why[0]]).toEqual(['denied', matching(OTHERS)]);
  });
  it('where a policy of 2008 has text that only looks like a variable', () => {
    const policy = parsePolicy({ Version: '2008-10-17', Statement: ofCluster({ [TAG]: SAME }) }, 'trust');
    expect(judge([], { trustPolicies: { [ROLE]: policy } }, EVIL).why[0]).toMatch(/does not allow EKS Pod Identity/);
  });
});

describe('a trust policy may be repaired', () => {
  const repair = (statements: unknown[], isNarrow: boolean, change: Partial<GrantFacts> = {}) =>
    judgeRepair(factsOf(statements, change), QUESTION, { isNarrow });
  it('for whom IRSA, an association or the setting names, and for nobody by what only the API server says', () => {
    expect(repair([irsaStatement], true).ground).toBe('irsa-trust');
    expect(repair([], true, { associations: [anAssociation()] }).ground).toBe('association');
    expect(repair([], true, { roleGrants: [GRANT] }).ground).toBe('role-grants');
    expect(repair([podIdentityStatement], true, { ...ADDON_ROLE, ...ANNOTATED }).verdict).toBe('denied');
    expect(repair([naming()], true).verdict).toBe('denied');
  });
  it('by a statement that names nobody where the setting says so alone', () => {
    const all = { associations: [anAssociation()] };
    expect(repair([irsaStatement], false, all).verdict).toBe('denied');
    expect(repair([irsaStatement], false, { ...all, roleGrants: [GRANT] }).ground).toBe('role-grants');
  });

  const BEFORE = policyText(irsaStatement);
  const asked = { trustPolicy: parseTrust(BEFORE), target, serviceAccounts: [planned], oidcIssuer: ISSUER };
  const proposal = proposeRepair(asked);
  const after = proposal.do === 'repair' ? proposal.after : '';
  const statement = proposal.do === 'repair' ? proposal.statement : {};
  const judged = (change: { after?: string; associations?: (typeof planned)[] }) =>
    judgeRepairs(factsOf([irsaStatement]), {
      associations: change.associations ?? [planned],
      trustRepairs: [{ roleArn: ROLE, before: BEFORE, after: change.after ?? after, statement }],
      irsaRole: ROLE,
      losesSessionTags: () => false,
    }).map(({ answer: { verdict }, question: { namespace, serviceAccount } }) => [namespace, serviceAccount, verdict]);
  it('by the statement that the service proposes', () =>
    expect(judged({})).toEqual([[NAMESPACE, SERVICE_ACCOUNT, 'allowed']]));
  it.each<[string, { after?: string; associations?: (typeof planned)[] }]>([
    ['that names nobody', { after: policyText(irsaStatement, podIdentityStatement) }],
    ['for whom no association is planned', { associations: [{ ...planned, serviceAccount: 'other' }] }],
    ['of a role that the plan gives to nobody', { associations: [] }],
    ['together with another change', { after: policyText(statement) }],
    ['with another one', { after: policyText(irsaStatement, { ...podIdentityStatement, Action: '*' }, statement) }],
    ['that is none of EKS', { after: policyText(irsaStatement, { ...statement, Principal: { AWS: '*' } }) }],
  ])('not by one %s', (_, change) => {
    const verdicts = judged(change).map(([, , verdict]) => verdict);
    expect(verdicts.length).toBeGreaterThan(0);
    expect(new Set(verdicts)).toEqual(new Set(['denied']));
  });

  it('and what was added is known, and taken out again', () => {
    expect(addedStatement({ before: BEFORE, after })).toEqual(statement);
    expect(accountsNamedBy(statement, target)).toEqual([{ namespace: NAMESPACE, serviceAccount: SERVICE_ACCOUNT }]);
    expect(accountsNamedBy(statement, { ...target, cluster: 'prod' })).toBeUndefined();
    expect(JSON.parse(withoutAdded(after, statement)!)).toEqual(JSON.parse(BEFORE));
    expect(withoutAdded(policyText(statement), statement)).toBeUndefined();
    expect(withoutAdded('{', statement)).toBe('{');
  });
});

it('the provider is asked for where a trust policy allows IRSA, and else not', () => {
  expect(needsProvider(factsOf([irsaStatement]), [planned])).toBe(true);
  expect(needsProvider(factsOf([podIdentityStatement]), [planned])).toBe(false);
  expect(needsProvider(factsOf([]), [{ ...planned, roleArn: 'another' }])).toBe(false);
});

describe('a neighbour', () => {
  const name = fc.stringMatching(/^[a-z0-9]([a-z0-9-]{0,12}[a-z0-9])?$/);
  it('is matched by each pattern with a wildcard that matches the name, and by no list of names', () =>
    forAllIn(300, name, fc.nat(), fc.nat(), fc.constantFrom('*', '?'), (text, from, length, wildcard) => {
      const at = from % text.length;
      const taken = wildcard === '?' ? 1 : length % (text.length - at + 1);
      const pattern = text.slice(0, at) + wildcard + text.slice(at + taken);
      expect(matchesWildcard(pattern, text)).toBe(true);
      expect(neighboursOf(text).some((one) => matchesWildcard(pattern, one))).toBe(true);
      expect(neighboursOf(text)).not.toContain(text);
    }));
  it('of a subject differs in one thing, and the last ones in several', () => {
    const parts = exchanged({ target, ...planned }).map((one) => Object.keys(one).length);
    expect([new Set(parts.slice(0, -8)), parts.slice(-8)]).toEqual([new Set([1]), [2, 2, 2, 3, 2, 2, 2, 3]]);
  });
});

describe('the setting roleGrants', () => {
  const subject = { target, namespace: NAMESPACE, serviceAccount: SERVICE_ACCOUNT };
  it.each<[string, Partial<RoleGrant>, boolean]>([
    ['as it stands', {}, true],
    ['with a *', { roles: ['*:role/app/*'], clusters: ['cluster/*'], serviceAccounts: ['kube-*/ebs-*-sa'] }, true],
    ['by the ARN of the cluster', { clusters: [CLUSTER_ARN] }, true],
    ['of another account', { clusters: [CLUSTER_ARN.replace(target.account, '444455556666')] }, false],
    ['of another role', { roles: [ROLE_2] }, false],
    ['of another namespace', { serviceAccounts: [`web/${SERVICE_ACCOUNT}`] }, false],
    ['whose wildcard would reach over the slash', { serviceAccounts: ['kube*/sa'] }, false],
    ['of no name', { serviceAccounts: [NAMESPACE] }, false],
  ])('%s', (_, change, expected) => expect(isGranted([{ ...GRANT, ...change }], ROLE, subject)).toBe(expected));
});
