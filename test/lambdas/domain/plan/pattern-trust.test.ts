/** Roles that trust service accounts by a pattern. */
import { describe, expect, it } from 'vitest';
import type { Check } from '../../../../lambdas/domain/terms/check.ts';
import type { AddonFacts as Facts } from '../../../../lambdas/domain/plan/facts.ts';
import { planMigration } from '../../../../lambdas/domain/plan/plan.ts';
import { parseTrust } from '../../../../lambdas/domain/trust/policy.ts';
import { isOverNamespaces, patternsOverNamespaces } from '../../../../lambdas/domain/trust/patterns.ts';
import type { JsonObject } from '../../../../lambdas/domain/trust/statements.ts';
import { podIdentityStatement, policyText } from '../../trust-examples.ts';
import { aRequest, someFacts, trusting, NAMESPACE, SERVICE_ACCOUNT, anAssociation } from '../../fixtures.ts';
import { irsa, irsaOfOtherClusters, OTHER_ISSUER_NAME, OTHER_PROVIDER, PROVIDER } from '../trust/policies.ts';
import { said } from '../../matchers.ts';

const OF_NAMESPACE = `system:serviceaccount:${NAMESPACE}:*`;
const OWN = `system:serviceaccount:${NAMESPACE}:${SERVICE_ACCOUNT}`;
const OTHER = 'other service account of cluster dev';
const GITHUB = 'token.actions.githubusercontent.com';
const OVER_NAMESPACES = `system:serviceaccount:*:${SERVICE_ACCOUNT}`;
const pattern = (subjects: unknown, operator = 'StringLike'): JsonObject => irsa(subjects, {}, operator);
const ofOther = (subjects: unknown): JsonObject => ({
  ...irsaOfOtherClusters,
  Condition: { StringLike: { [`${OTHER_ISSUER_NAME}:sub`]: subjects } },
});
const ofIssuer = (issuer: string, subjects: unknown): JsonObject => ({
  ...irsaOfOtherClusters,
  Principal: { Federated: OTHER_PROVIDER.replace(OTHER_ISSUER_NAME, issuer) },
  Condition: { StringLike: { [`${issuer}:sub`]: subjects } },
});
const withTrust = (statements: JsonObject[], change: Partial<Facts> = {}): Facts =>
  someFacts({ roles: trusting(policyText(...statements, podIdentityStatement)), ...change });
const checksOf = (facts: Facts, id: string): Check[] => planMigration(facts).checks.filter((check) => check.id === id);
const accounts = (...names: string[]) => ({ seen: names.map((name) => ({ namespace: NAMESPACE, name })) });
const users = (associations: string[], more = false): Partial<Facts> => ({
  roleUsers: {
    addons: [],
    associations: associations.map((serviceAccount) => anAssociation({ serviceAccount })),
    more,
  },
});

describe('check pattern-trust', () => {
  it.each<[string, Partial<Facts>, string]>([
    ['none other that exists', { serviceAccounts: accounts(SERVICE_ACCOUNT) }, `No ${OTHER} matches.`],
    [
      'some without an association',
      { serviceAccounts: accounts(SERVICE_ACCOUNT, 'dns', 'proxy'), ...users(['dns']) },
      `2 other service accounts of cluster dev match: 1 with an association, and 1 without: ${NAMESPACE}/proxy.`,
    ],
    [
      'all with one',
      { serviceAccounts: accounts('dns'), ...users(['dns']) },
      `1 ${OTHER} matches, with an association each: ${NAMESPACE}/dns.`,
    ],
    ['more associations than are read', { serviceAccounts: accounts('dns'), ...users([], true) }, 'were not all read'],
    ['a list that was refused', { serviceAccounts: { error: 'no.' } }, 'could not be read: no.'],
    ['a list that was not read', {}, 'Which service accounts match was not read.'],
  ])('warns, with %s', (_, change, message) => {
    const facts = withTrust([pattern(OF_NAMESPACE)], change);
    expect(checksOf(facts, 'pattern-trust')).toMatchObject([said('warn', message)]);
    expect([checksOf(facts, 'pattern-fit'), planMigration(facts).verdict]).toEqual([[], 'migrate']);
  });

  it.each<[string, JsonObject]>([
    ['names', pattern(OWN)],
    ['a wildcard that is literal', pattern([OF_NAMESPACE, OWN], 'StringEquals')],
    ['a pattern for others', pattern([OWN, 'system:serviceaccount:shop:*'])],
  ])('is absent with %s', (_, statement) => expect(checksOf(withTrust([statement]), 'pattern-trust')).toEqual([]));

  it('counts a statement without a condition on the subject', () => {
    const facts = withTrust([{ ...pattern(''), Condition: {} }], { serviceAccounts: accounts('dns') });
    const [check] = checksOf(facts, 'pattern-trust');
    expect(check?.message).toContain('by a statement for every subject. 1 other service account');
  });
});

describe('check pattern-fit', () => {
  const wide = [pattern(OVER_NAMESPACES), ofOther(OVER_NAMESPACES)];

  it('fails for a pattern over namespaces in several clusters, until it is accepted by name', () => {
    const facts = withTrust(wide);
    const [check] = checksOf(facts, 'pattern-fit');
    expect(check).toMatchObject(said('fail', /in 2 clusters.*created later\.$/));
    expect(check?.remedy).toContain(`--accept 'consumer:${OVER_NAMESPACES}'`);
    expect(planMigration(facts).verdict).toBe('keep-irsa');
    const accepted = withTrust(wide, { request: aRequest({ accept: [`consumer:${OVER_NAMESPACES}`] }) });
    expect(checksOf(accepted, 'pattern-fit')).toMatchObject([{ status: 'warn' }]);
    expect(planMigration(accepted).verdict).toBe('migrate');
    const other = withTrust(wide, { request: aRequest({ accept: [`consumer:${OF_NAMESPACE}`] }) });
    expect(checksOf(other, 'pattern-fit')).toMatchObject([{ status: 'fail' }]);
  });

  it.each<[string, JsonObject[]]>([
    ['one cluster', [pattern(OVER_NAMESPACES)]],
    ['a pattern within a namespace', [pattern(OF_NAMESPACE), ofOther(OF_NAMESPACE)]],
    ['another cluster that lists names', [pattern(OVER_NAMESPACES), irsaOfOtherClusters]],
    ['another cluster with a pattern within a namespace', [pattern(OVER_NAMESPACES), ofOther(OF_NAMESPACE)]],
    ['another issuer, which is no cluster', [pattern(OVER_NAMESPACES), ofIssuer(GITHUB, 'repo:shop/*')]],
    ['one without a condition', [pattern(OVER_NAMESPACES), { ...ofIssuer(GITHUB, ''), Condition: {} }]],
    ['another cluster with a pattern for nothing', [pattern(OVER_NAMESPACES), ofOther('repo:*')]],
    ['another cluster that is denied', [pattern(OVER_NAMESPACES), { ...ofOther(OVER_NAMESPACES), Effect: 'Deny' }]],
  ])('is absent for %s', (_, statements) => expect(checksOf(withTrust(statements), 'pattern-fit')).toEqual([]));
});

describe('a pattern that a remedy names', () => {
  const remedyFor = (subject: string): string | undefined =>
    checksOf(withTrust([pattern(subject), ofOther(subject)]), 'pattern-fit')[0]?.remedy;

  it.each(['*', 'system:*', 'system:serviceaccount*', `*:${SERVICE_ACCOUNT}`, OVER_NAMESPACES])(
    'can be accepted: %s',
    (subject) => {
      expect(remedyFor(subject)).toContain(`--accept 'consumer:${subject}'`);
      expect(aRequest({ accept: [`consumer:${subject}`] }).accept).toEqual([`consumer:${subject}`]);
    },
  );

  it('is to be replaced if a request cannot name it', () => {
    expect(remedyFor('sys*')).toMatch(/replace the pattern in the trust policy/);
    expect(() => aRequest({ accept: ['consumer:sys*'] })).toThrow(/accept/);
  });

  it.each(['SecretStore/shop/*', 'secretstores.*', 'Secret*'])('is no wildcard for objects: %s', (name) =>
    expect(() => aRequest({ accept: [`consumer:${name}`] })).toThrow(/accept/),
  );
});

it.each([OTHER_ISSUER_NAME, 'oidc-eks.eu-west-1.api.aws/id/0', 'kubernetes.example.com'])(
  'a pattern of issuer %s for service accounts is one of a cluster',
  (issuer) => {
    const trust = parseTrust(policyText(ofIssuer(issuer, OVER_NAMESPACES)));
    expect([...patternsOverNamespaces(trust).values()]).toEqual([[OVER_NAMESPACES]]);
  },
);

it.each([
  ['*', true],
  ['system:*', true],
  ['system:serviceaccount:*', true],
  ['system:serviceaccount:*:api', true],
  ['system:serviceaccount:team-?:api', true],
  ['system:serviceaccount:shop:*', false],
  ['system:serviceaccount:shop:api', false],
  ['system:serviceaccount:${aws:userid}:*', false],
])('%s is over namespaces: %s', (text, expected) => expect(isOverNamespaces(text)).toBe(expected));

it('finds the patterns of each provider', () => {
  const unconditional = { ...ofOther('x'), Condition: {} };
  const negated = pattern('*', 'StringNotLike');
  const statements = [pattern([OVER_NAMESPACES, OF_NAMESPACE]), pattern('*'), negated, unconditional];
  expect([...patternsOverNamespaces(parseTrust(policyText(...statements)))]).toEqual([
    [PROVIDER, [OVER_NAMESPACES, '*']],
    [OTHER_PROVIDER, ['*']],
  ]);
});
