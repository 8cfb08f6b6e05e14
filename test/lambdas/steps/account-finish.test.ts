/**
 * How a migration of a service account ends: what a person is told to do, and what is worth knowing although it went
 * well.
 */
import { describe, expect, it } from 'vitest';
import {
  accountRestoreCommands,
  type AccountRestoreCommandsFacts,
} from '../../../lambdas/domain/restore-commands/service-account.ts';
import { annotationUsed } from '../../../lambdas/domain/verification/pods.ts';
import type { AnnotationChange } from '../../../lambdas/domain/record/migration.ts';
import { finishStep } from '../../../lambdas/steps/finish/handler.ts';
import { ACCOUNT_NAMESPACE, SUBJECT, SUBJECT_LOCK } from '../account-example.ts';
import { anAccountWorkload, aState, ownAssociation } from '../account-fixtures.ts';
import { associated, begunAccount, type AccountChange } from './begun-account.ts';
import { runScript } from '../aws-commands.ts';
import { eksHost } from '../eks-host.ts';
import { invoke, lost } from '../fakes.ts';
import { at, MIGRATION_ID, ROLE_LOCK, target } from '../fixtures.ts';
import { containing, matching } from '../matchers.ts';
import type { Begun } from './begun.ts';
import { endedAs, RUN } from '../run-examples.ts';

const run = (fakes: Begun, outcome: string, more: object = {}): Promise<unknown> =>
  invoke(finishStep, { ...RUN, target, subject: SUBJECT, outcome, ...more }, fakes);
const isFree = async ({ ledger }: Begun, key: string) => (await ledger.readLock(key))?.holder === undefined;
const warnings = async (fakes: Begun): Promise<string[]> => (await fakes.record()).warnings.map(({ id }) => id);
const REMOVE = { annotation: 'remove' } as const;
const TAKEN: AnnotationChange = { notedAt: at(1), writtenAt: at(2) };

describe("finish of a service account's migration", () => {
  it.each([
    ['migrated', 'ready'],
    ['blocked', 'none'],
    ['rolled-back', 'injected'],
  ])('writes %s, verified at level %s, and lets go of both locks', async (outcome, verified) => {
    const fakes = await associated({ record: { verified: 'ready' } });
    expect(await run(fakes, outcome)).toEqual({ outcome });
    expect(await fakes.record()).toMatchObject({ ...endedAs(outcome, 0), verified, restoreCommands: [], warnings: [] });
    expect([await isFree(fakes, SUBJECT_LOCK), await isFree(fakes, ROLE_LOCK)]).toEqual([true, true]);
  });

  it('where a person is needed parks its lock, and has the commands that put it back, which do', async () => {
    const fakes = await associated();
    fakes.kubernetes.workloads.push(
      anAccountWorkload({ kind: 'StatefulSet', name: 'db' }),
      anAccountWorkload({ name: 'web', serviceAccount: 'web' }),
    );
    await run(fakes, 'needs-human', { failure: { Error: 'RestoreRefused', Cause: 'x' } });
    expect([await isFree(fakes, SUBJECT_LOCK), await isFree(fakes, ROLE_LOCK)]).toEqual([false, true]);
    expect(await fakes.ledger.listHeldLocks()).toEqual([]);
    const { restoreCommands } = await fakes.record();
    const host = eksHost(fakes.eks, fakes.clock);
    expect([await runScript(restoreCommands, host), fakes.eks.associations]).toEqual([[], []]);
    expect(host.said).toEqual([
      `kubectl -n ${ACCOUNT_NAMESPACE} rollout restart deployment/api`,
      `kubectl -n ${ACCOUNT_NAMESPACE} rollout restart statefulset/db`,
      `pod-identity rollback ${MIGRATION_ID} --deployed`,
    ]);
    expect(fakes.journal.names().filter((name) => /[Aa]ddon/.test(name))).toEqual([]);
  });

  it.each<[string, Partial<AccountRestoreCommandsFacts>]>([
    ['eks.listAssociations', { associations: undefined }],
    ['kubernetes.listWorkloads', { workloads: undefined }],
    ['kubernetes.getServiceAccount', { account: undefined }],
  ])('has commands although %s fails', async (call, without) => {
    const fakes = await associated({ request: REMOVE, record: { annotationChange: TAKEN } });
    const facts: AccountRestoreCommandsFacts = {
      target,
      snapshot: (await fakes.ledger.getSnapshot(MIGRATION_ID))!,
      record: await fakes.record(),
      account: { now: fakes.kubernetes.serviceAccounts[0] },
      associations: [ownAssociation()],
      workloads: [{ kind: 'Deployment', namespace: ACCOUNT_NAMESPACE, name: 'api' }],
    };
    fakes.journal.failNext(call, 'before', lost());
    await run(fakes, 'needs-human');
    expect((await fakes.record()).restoreCommands).toEqual(accountRestoreCommands({ ...facts, ...without }));
    expect(fakes.telemetry.lines).toMatchObject([{ level: 'warn' }]);
  });
});

describe('finish, of an annotation that was to go,', () => {
  const LEFT = ['annotation-left'];
  const noted = (annotationChange: AnnotationChange): AccountChange => ({ record: { annotationChange } });
  const bare = { serviceAccount: aState({ roleArn: undefined }) };
  const ends: [string, string, string[], AccountChange][] = [
    ['says that it was left', 'migrated', LEFT, {}],
    ['says so where it was noted and nobody knows what became of it', 'migrated', LEFT, noted({ notedAt: at(1) })],
    ['says so where it was put back', 'migrated', LEFT, noted({ ...TAKEN, undoneAt: at(3) })],
    ['says nothing where it is off', 'migrated', [], noted(TAKEN)],
    ['says nothing where it was kept', 'migrated', [], { request: { annotation: 'keep' } }],
    ['says nothing where there was none', 'migrated', [], { plan: bare, snapshot: bare }],
    ['says nothing of one that was rolled back', 'rolled-back', [], {}],
    ['says nothing of one that was blocked', 'blocked', [], {}],
    ['says nothing of one that needs a person', 'needs-human', [], {}],
  ];
  it.each(ends)('%s', async (_, outcome, ids, change) => {
    const fakes = await associated({
      ...change,
      request: { annotation: 'remove', ...change.request },
      record: { verified: 'ready', ...change.record },
    });
    await run(fakes, outcome);
    expect(await warnings(fakes)).toEqual(ids);
  });

  it('names what uses the web identity as the step has noted it, and does not advise to remove it by hand', async () => {
    const used = annotationUsed({ namespace: 'payments', name: 'api' }, target, 'SecretStore/payments/aws uses it.');
    const fakes = await associated({ request: REMOVE, record: { verified: 'ready', warnings: [used] } });
    await run(fakes, 'migrated');
    expect((await fakes.record()).warnings).toEqual([used]);
    expect(used.remedy).toMatch(/ --service-account api --annotation remove$/);
    expect(used.remedy).not.toContain('kubectl');
    const back = await associated({ request: REMOVE, record: { warnings: [used] } });
    await run(back, 'rolled-back');
    expect((await back.record()).warnings).toEqual([]);
  });

  it('records the warning once, next to earlier warnings, and removes it after a rollback', async () => {
    const other = { id: 'another', status: 'warn' as const, message: 'of before' };
    const left = { id: 'annotation-left', status: 'warn' as const, message: 'of an earlier end' };
    const fakes = await associated({ request: REMOVE, record: { verified: 'ready', warnings: [other, left] } });
    await run(fakes, 'migrated');
    expect((await fakes.record()).warnings).toEqual([
      other,
      expect.objectContaining({
        id: 'annotation-left',
        remedy: containing('kubectl -n payments annotate serviceaccount api'),
      }),
    ]);
    const back = await associated({ request: REMOVE, record: { warnings: [other, left] } });
    await run(back, 'rolled-back');
    expect(await warnings(back)).toEqual(['another']);
  });

  it('says both where no pod was seen either', async () => {
    const fakes = await associated({ request: { annotation: 'remove', verification: 'api' } });
    await run(fakes, 'migrated');
    expect((await warnings(fakes)).sort()).toEqual(['annotation-left', 'pods-not-seen']);
  });
});

it('finish has only the last command where nothing was begun', async () => {
  const fakes = await begunAccount();
  fakes.ledger.getSnapshot = async () => undefined;
  await run(fakes, 'needs-human');
  expect((await fakes.record()).restoreCommands).toEqual([
    matching(/^: '/),
    `pod-identity rollback ${MIGRATION_ID} --deployed`,
  ]);
});
