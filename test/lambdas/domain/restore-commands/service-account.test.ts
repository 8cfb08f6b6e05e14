/**
 * Runs the commands that restore a service account against the fakes, from every state in which a migration can stop.
 */
import { describe, expect, it } from 'vitest';
import {
  accountRestoreCommands,
  type AccountRestoreCommandsFacts,
} from '../../../../lambdas/domain/restore-commands/service-account.ts';
import type { Association } from '../../../../lambdas/domain/terms/observed.ts';
import type { Migration } from '../../../../lambdas/domain/record/migration.ts';
import { ACCOUNT_NAME, ACCOUNT_NAMESPACE, ANNOTATION } from '../../account-example.ts';
import {
  accountMigration,
  accountSnapshot,
  aServiceAccount,
  anAccountAssociation,
  anAccountRequest,
  aState,
  ownAssociation,
} from '../../account-fixtures.ts';
import { runScript } from '../../aws-commands.ts';
import { eksHost, type EksHost } from '../../eks-host.ts';
import { FakeEks } from '../../fake-eks.ts';
import { FakeClock, FakeKubernetes } from '../../fakes.ts';
import { at, MIGRATION_ID, OTHER_ROLE, ROLE, target } from '../../fixtures.ts';
import { aTrustChange, BEFORE, REPAIR } from '../../steps/repaired.ts';
import { containing } from '../../matchers.ts';

const TAGS = { team: "o'hara & co" };
const KEPT = anAccountAssociation({
  disableSessionTags: true,
  tags: { ...TAGS, 'aws:cloudformation:stack-name': 'x' },
});
const THEIRS = anAccountAssociation({ id: 'a-theirs', roleArn: OTHER_ROLE });
const REF_OF_KEPT = { namespace: ACCOUNT_NAMESPACE, serviceAccount: ACCOUNT_NAME };
const API = { kind: 'Deployment', namespace: ACCOUNT_NAMESPACE, name: 'api' } as const;
const DB = { kind: 'StatefulSet', namespace: ACCOUNT_NAMESPACE, name: 'db' } as const;

interface World {
  eks: FakeEks;
  kubernetes: FakeKubernetes;
  host: EksHost;
}

/** `kubectl annotate` changes the fake; its other effects are only recorded. */
function worldOf(associations: Association[], roleArn: string | undefined): World {
  const clock = new FakeClock();
  const eks = new FakeEks(clock);
  eks.associations = structuredClone(associations);
  const kubernetes = new FakeKubernetes();
  kubernetes.serviceAccounts = [aServiceAccount({ roleArn })];
  const host = eksHost(eks, clock);
  const kubectl = async (words: string[]): Promise<void> => {
    await host.kubectl(words);
    if (!words.includes('annotate')) return;
    const [, namespace, , kind, name, annotation = '', ...more] = words;
    expect([namespace, kind, name, more]).toEqual([ACCOUNT_NAMESPACE, 'serviceaccount', ACCOUNT_NAME, []]);
    const [key, value = ''] = annotation.split('=');
    expect(key).toBe(ANNOTATION);
    const now = (await kubernetes.getServiceAccount(ACCOUNT_NAMESPACE, ACCOUNT_NAME))!;
    if (now.roleArn !== undefined && now.roleArn !== value)
      throw new Error('--overwrite is false but found the following declared annotation(s)');
    await kubernetes.annotateServiceAccount(now, value);
  };
  return { eks, kubernetes, host: { ...host, kubectl } };
}

const taken = { notedAt: at(1), writtenAt: at(2) };
const remove = anAccountRequest({ annotation: 'remove' });
const factsOf = (
  there: Association[] | undefined,
  record: Partial<Migration> = {},
  more: Partial<AccountRestoreCommandsFacts> = {},
): AccountRestoreCommandsFacts => ({
  target,
  snapshot: accountSnapshot(),
  record: accountMigration(record),
  ...(there ? { associations: there } : {}),
  workloads: [API],
  ...more,
});
const created = (...all: Association[]) => ({ associations: { purged: [], created: all, restored: [] } });
const kept = { snapshot: accountSnapshot({ associations: [KEPT] }) };

const MADE = created(ownAssociation());
const [OWN, TAKEN] = [[ownAssociation()], { request: remove, annotationChange: taken }];
const noted = { ...MADE, request: remove, annotationChange: { notedAt: at(1) } };
type Left = [string, Association[], string | undefined, Partial<Migration>, Partial<AccountRestoreCommandsFacts>];
/** Where the migration left it: what is associated, the annotation, the record, what there was before. */
const states: Left[] = [
  ['associated', OWN, ROLE, MADE, {}],
  ['associated by a call whose reply was lost', OWN, ROLE, {}, {}],
  ['associated, with the tag removed by hand', [ownAssociation({ tags: {} })], ROLE, MADE, {}],
  ['associated and without its annotation', OWN, undefined, { ...MADE, ...TAKEN }, {}],
  ['associated, the annotation about to go', OWN, ROLE, noted, {}],
  ['without its annotation, its association gone already', [], undefined, { ...MADE, ...TAKEN }, {}],
  ['as it was', [], ROLE, {}, {}],
  ['with the association of before', [KEPT], ROLE, {}, kept],
  ['with the association of before, and without its annotation', [KEPT], undefined, TAKEN, kept],
];

describe.each(states)('a service account that is %s', (_, there, roleArn, record, more) => {
  // Nothing but its tag tells of one whose reply was lost: who could not read EKS knows of none.
  const isKnown = record.associations !== undefined || there.every(({ id }) => id !== 'a-own');
  it.each(['EKS was read', ...(isKnown ? ['EKS could not be read'] : [])])(
    'is as it was by its commands, pasted one after the other, where %s',
    async (read) => {
      const world = worldOf(there, roleArn);
      const commands = accountRestoreCommands(factsOf(read === 'EKS was read' ? there : undefined, record, more));
      expect(await runScript(commands, world.host)).toEqual([]);
      expect(world.eks.associations.map(({ id }) => id)).toEqual(more.snapshot ? [KEPT.id] : []);
      expect(world.kubernetes.serviceAccounts[0]?.roleArn).toBe(ROLE);
      const restart = `kubectl -n ${ACCOUNT_NAMESPACE} rollout restart deployment/api`;
      expect(world.host.said.filter((line) => line.includes('rollout'))).toEqual([restart]);
      expect(world.host.said.at(-1)).toBe(`pod-identity rollback ${MIGRATION_ID} --deployed`);
    },
  );
});

describe('accountRestoreCommands', () => {
  const text = (facts: AccountRestoreCommandsFacts): string => accountRestoreCommands(facts).join('\n');

  it("deletes only the migration's associations, and describes the effect of third-party associations", () => {
    const lines = accountRestoreCommands(factsOf([THEIRS]));
    expect(lines.filter((line) => /^[^:].*delete-pod-identity-association/.test(line))).toEqual([]);
    expect(lines[2]).toMatch(
      /^: 'Another principal created a-theirs of payments\/api with .*third-party meanwhile; while it exists, new pods use it and not IRSA\./,
    );
    expect(lines[3]).toMatch(/^: aws eks delete-pod-identity-association .*--association-id a-theirs$/);
  });

  it('creates a deleted earlier association again, with all fields and a note', async () => {
    const facts = factsOf([], {}, kept);
    const note = `: 'Association ${KEPT.id}, which existed before, is gone; this migration did not delete it.'`;
    expect(text(facts)).toContain(note);
    const world = worldOf([], ROLE);
    expect(await runScript(accountRestoreCommands(facts), world.host)).toEqual([]);
    expect(world.eks.associations).toMatchObject([
      { ...REF_OF_KEPT, roleArn: ROLE, disableSessionTags: true, tags: TAGS },
    ]);
  });

  it('restores a removed annotation, and keeps one that was set meanwhile', async () => {
    for (const record of [{}, TAKEN, { request: remove, annotationChange: { ...taken, undoneAt: at(3) } }]) {
      for (const there of [undefined, ROLE, OTHER_ROLE]) {
        for (const seen of [true, false]) {
          const world = worldOf([], there);
          const [now] = world.kubernetes.serviceAccounts;
          const commands = accountRestoreCommands(factsOf([], record, seen ? { account: { now } } : {}));
          expect(await runScript(commands, world.host)).toEqual([]);
          expect(world.kubernetes.serviceAccounts[0]?.roleArn).toBe(there ?? ROLE);
        }
      }
    }
  });

  it('stops at a missing annotation that cannot be set, since new pods would have neither annotation nor association', () => {
    const lineOf = (more: Partial<AccountRestoreCommandsFacts>): string =>
      accountRestoreCommands(factsOf([ownAssociation()], MADE, more)).find((line) => line.includes('annotate '))!;
    expect(lineOf({ account: { now: aServiceAccount({ roleArn: undefined }) } })).toMatch(/^kubectl .*role-arn=\S+$/);
    expect(lineOf({})).toMatch(/^kubectl .* \|\| true$/);
    expect(lineOf({ account: { now: undefined } })).toMatch(/^kubectl -n payments annotate serviceaccount api \S+$/);
    expect(text(factsOf([], {}, { account: { now: undefined } }))).toMatch(
      /\n: 'Another principal has deleted service account payments\/api\. [^\n]*\nkubectl -n payments create serviceaccount api \|\| true\nkubectl -n payments annotate /,
    );
    const ofOther = lineOf({ account: { now: aServiceAccount({ roleArn: OTHER_ROLE }) } });
    expect(ofOther).toMatch(/^: kubectl -n payments annotate serviceaccount api \S+ --overwrite$/);
  });

  it('has no line about an annotation that could not be read or did not exist', () => {
    for (const serviceAccount of [undefined, aState({ roleArn: undefined })])
      expect(text(factsOf([], TAKEN, { snapshot: accountSnapshot({ serviceAccount }) }))).not.toContain('annotate');
  });

  it('restores the annotation before it deletes the association, and waits before it restarts anything', () => {
    const facts = factsOf([ownAssociation()], { ...MADE, ...TAKEN }, { workloads: [API, DB] });
    const lines = accountRestoreCommands(facts).filter((line) => !line.startsWith(': '));
    expect(lines.map((line) => line.split(' ').slice(0, 5).join(' '))).toEqual([
      'aws eks update-kubeconfig --region eu-west-1',
      'kubectl -n payments annotate serviceaccount',
      'aws eks delete-pod-identity-association --region eu-west-1',
      'sleep 30',
      'kubectl -n payments rollout restart',
      'kubectl -n payments rollout restart',
      `pod-identity rollback ${MIGRATION_ID} --deployed`,
    ]);
  });

  it('quotes a role with characters that are special in a shell', async () => {
    const odd = "arn:aws:iam::111122223333:role/it's$HOME";
    const world = worldOf([], undefined);
    const snapshot = accountSnapshot({ serviceAccount: aState({ roleArn: odd }) });
    await runScript(accountRestoreCommands(factsOf([], TAKEN, { snapshot })), world.host);
    expect(world.kubernetes.serviceAccounts[0]?.roleArn).toBe(odd);
  });

  it('describes what to restart if the API server could not be read, with a disabled command', () => {
    const { workloads: _, ...unread } = factsOf([]);
    const how = 'restart every workload that runs with payments/api by running the next line';
    expect(text(unread)).toContain(`\n: 'The API server could not be read: ${how}`);
    expect(accountRestoreCommands(unread)).toContain(': kubectl -n payments rollout restart KIND/NAME');
    expect(text(factsOf([], {}, { workloads: [] }))).not.toContain('rollout restart');
  });

  it('undoes the repair of a trust policy last', () => {
    const facts = factsOf([], { trustChanges: [aTrustChange()] }, { trust: { [ROLE]: REPAIR.after } });
    const lines = accountRestoreCommands(facts).filter((line) => !line.startsWith(': '));
    const last = `pod-identity rollback ${MIGRATION_ID} --deployed`;
    expect(lines.slice(-2)).toEqual([containing(`--policy-document '${BEFORE}'`), last]);
  });

  it('has no line with a line break', () => {
    for (const [, there, , record, more] of states)
      for (const line of accountRestoreCommands(factsOf(there, record, more))) expect(line).not.toContain('\n');
  });
});
