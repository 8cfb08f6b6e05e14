import { describe, expect, it } from 'vitest';
import { irsaCommands } from '../../../../lambdas/domain/restore-commands/irsa.ts';
import { brokenFor, type IrsaFacts, judgeIrsa, workedBefore } from '../../../../lambdas/domain/rollback/irsa.ts';
import {
  aCluster,
  aMigration,
  MIGRATION_ID,
  NAMESPACE,
  planned,
  ROLE,
  SERVICE_ACCOUNT,
  target,
} from '../../fixtures.ts';
import { matching } from '../../matchers.ts';
import { bothWays, irsaStatement, podIdentityStatement, policyText } from '../../trust-examples.ts';

const WORKS: IrsaFacts = {
  target,
  roleArn: ROLE,
  issuer: { seen: aCluster().oidcIssuer },
  audiences: { seen: ['sts.amazonaws.com'] },
  trustPolicy: { seen: bothWays },
};
const OTHER = { namespace: NAMESPACE, serviceAccount: 'other-sa' };
const [NAME, OTHER_NAME] = [`${NAMESPACE}/${SERVICE_ACCOUNT}`, `${NAMESPACE}/other-sa`];
const refused = { error: 'AccessDenied: not authorized.' };
const withoutIrsa = policyText(podIdentityStatement);
/** Another statement with the same Sid took its place. */
const replaced = policyText(podIdentityStatement, { ...podIdentityStatement, Sid: irsaStatement.Sid });
const denied = policyText({ ...irsaStatement, Effect: 'Deny' }, podIdentityStatement);

describe('IRSA, judged for a rollback', () => {
  it.each<[string, Partial<IrsaFacts>, string[], number, RegExp[]]>([
    ['works', {}, [], 0, []],
    ['lacks the issuer', { issuer: { seen: undefined } }, ['no-issuer'], 0, []],
    [
      'lacks the provider',
      { audiences: { seen: undefined } },
      ['no-provider'],
      0,
      [/^aws iam create-open-id-connect-provider .* --client-id-list sts\.amazonaws\.com$/],
    ],
    [
      'lacks the audience',
      { audiences: { seen: ['x'] } },
      ['no-audience'],
      0,
      [/^aws iam add-client-id-to-open-id-connect-provider /],
    ],
    ['lacks the role', { trustPolicy: { seen: undefined } }, ['no-role'], 0, []],
    [
      'lacks the statement',
      { trustPolicy: { seen: withoutIrsa } },
      ['no-trust'],
      0,
      [/^aws iam update-assume-role-policy .*"Sid":"PodIdentity".*"Sid":"Irsa"/],
    ],
    [
      'has another statement of that Sid',
      { trustPolicy: { seen: replaced } },
      ['no-trust'],
      0,
      [/"Sid":"Irsa".*\},\{"Effect":"Allow","Principal":\{"Federated"/],
    ],
    ['is denied', { trustPolicy: { seen: denied } }, ['no-trust'], 0, []],
    ['has an unreadable policy', { trustPolicy: { seen: '{' } }, ['no-trust'], 0, []],
    [
      'lacks provider and statement',
      { audiences: { seen: undefined }, trustPolicy: { seen: withoutIrsa } },
      ['no-provider', 'no-trust'],
      0,
      [/create-open/, /update-assume/],
    ],
    ['can not be read', { issuer: refused, audiences: refused, trustPolicy: refused }, [], 3, []],
    ['has a provider that can not be read', { audiences: refused }, [], 1, []],
  ])('%s', (_, change, is, unread, commands) => {
    const facts = { ...WORKS, ...change };
    const judged = judgeIrsa(facts, [planned], []);
    expect([judged.problems.map((one) => one.is), judged.unread.length]).toEqual([is, unread]);
    const snapshot = { trustPolicies: { [ROLE]: bothWays } };
    const lines = irsaCommands({ record: aMigration(), snapshot, facts, problems: judged.problems });
    expect(lines.filter((line) => !line.startsWith(':'))).toEqual(commands.map(matching));
    expect(lines.length >= is.length).toBe(true);
    expect(brokenFor(judged.problems, [planned])).toEqual(is.length > 0 ? [NAME] : []);
  });

  it('names the command that undoes a retirement', () => {
    const facts = { ...WORKS, trustPolicy: { seen: withoutIrsa } };
    const { problems } = judgeIrsa(facts, [planned], []);
    const record = {
      migrationId: MIGRATION_ID,
      retirements: [{ roleArn: ROLE, writtenAt: 'x' }],
    } as unknown as ReturnType<typeof aMigration>;
    expect(irsaCommands({ record, snapshot: { trustPolicies: {} }, facts, problems })).toContain(
      `pod-identity retire ${MIGRATION_ID} --undo --apply`,
    );
  });

  it('knows for which service accounts it worked before', () => {
    const { problems } = judgeIrsa(WORKS, [planned, OTHER], []);
    const irsaBroken = brokenFor(problems, [planned, OTHER]);
    expect([irsaBroken, workedBefore([planned, OTHER], { irsaBroken })]).toEqual([[OTHER_NAME], [planned]]);
    expect(workedBefore([OTHER], {})).toEqual([OTHER]);
  });
});
