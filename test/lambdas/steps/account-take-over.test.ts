/**
 * Recover, and a rollback on demand, of a service account's migration: what is left to do, and whether there is a way
 * back.
 */
import { describe, expect, it } from 'vitest';
import type { Migration } from '../../../lambdas/domain/record/migration.ts';
import { createHandler, type LambdaContext } from '../../../lambdas/runtime/handler.ts';
import { rollbackClosed } from '../../../lambdas/use-cases/rollback/recovery.ts';
import { annotateServiceAccountStep } from '../../../lambdas/steps/annotate-service-account/handler.ts';
import { restoreAssociationsStep } from '../../../lambdas/steps/restore-associations/handler.ts';
import { takeOverStep } from '../../../lambdas/steps/take-over/handler.ts';
import { ACCOUNT_TRUST, SUBJECT, SUBJECT_LOCK } from '../account-example.ts';
import { accountSnapshot, anAccountAssociation, aServiceAccount, ownAssociation } from '../account-fixtures.ts';
import { associated, type AccountChange } from './begun-account.ts';
import { invoke } from '../fakes.ts';
import { OTHER_ROLE, ROLE, target } from '../example.ts';
import { at, EXECUTION, MIGRATION_ID, RECOVERY_EXECUTION, ROLE_LOCK, endedAs } from '../run-examples.ts';
import { expectError } from '../matchers.ts';
import type { Begun } from './begun.ts';

const takeOver = (fakes: Begun, change: object = {}): Promise<unknown> =>
  invoke(
    takeOverStep,
    { migrationId: MIGRATION_ID, executionArn: RECOVERY_EXECUTION, cause: 'stranded', ...change },
    fakes,
  );
const requested = { cause: 'requested', requestedBy: 'jo' };
const TAKEN = { notedAt: at(1), writtenAt: at(2) };
const THEIRS = anAccountAssociation({ id: 'a-theirs' });
const THERE = anAccountAssociation();
const refused = (fakes: Begun): Promise<unknown> => {
  fakes.eks.associations = [THEIRS];
  return stepOf(fakes, restoreAssociationsStep).catch(() => undefined);
};
const unannotated = ({ kubernetes }: Begun) => (kubernetes.serviceAccounts = [aServiceAccount({ roleArn: undefined })]);

async function stranded(change: AccountChange = {}): Promise<Begun> {
  const fakes = await associated(change);
  fakes.executions.states.set(EXECUTION, { status: 'ABORTED', stoppedAt: at(-600) });
  fakes.executions.states.set(RECOVERY_EXECUTION, { status: 'RUNNING' });
  return fakes;
}
async function ended(outcome: Migration['outcome'], change: AccountChange = {}): Promise<Begun> {
  const fakes = await stranded(change);
  await fakes.update({ ...endedAs(outcome, 300), verified: outcome === 'migrated' ? 'injected' : 'none' });
  for (const key of [SUBJECT_LOCK, ROLE_LOCK]) await fakes.ledger.releaseLock(key, EXECUTION);
  fakes.journal.clear();
  return fakes;
}
/** Through the handler, which writes the step's line. */
const stepOf = (fakes: Begun, step: Parameters<typeof createHandler>[0], input: object = {}): Promise<unknown> =>
  createHandler(step, fakes.dependencies)({ ...fakes.input, ...input }, {
    getRemainingTimeInMillis: () => 60_000,
  } as LambdaContext);

describe('take-over of a stranded migration of a service account', () => {
  it("takes its lock and the role's, and says what it is about", async () => {
    const fakes = await stranded();
    expect(await takeOver(fakes)).toMatchObject({
      action: 'roll-back',
      target,
      subject: SUBJECT,
      fence: 2,
      attempt: 0,
      repairsTrust: false,
      removesAnnotation: false,
    });
    for (const key of [SUBJECT_LOCK, ROLE_LOCK])
      expect((await fakes.ledger.readLock(key))?.holder?.executionArn).toBe(RECOVERY_EXECUTION);
    expect(fakes.journal.mutations()).toEqual([]);
  });

  it.each<[string, Partial<Migration>, boolean]>([
    ['was never touched', {}, false],
    ['was about to go', { annotationChange: { notedAt: at(1) } }, true],
    ['is off', { annotationChange: TAKEN }, true],
    ['is back', { annotationChange: { ...TAKEN, undoneAt: at(3) } }, false],
  ])('says whether the annotation has to come back: it %s', async (_, record, removesAnnotation) =>
    expect(await takeOver(await stranded({ request: { annotation: 'remove' }, record }))).toMatchObject({
      action: 'roll-back',
      removesAnnotation,
    }),
  );

  it.each<[string, (fakes: Begun) => Promise<unknown>]>([
    ['its association was taken away', (fakes) => stepOf(fakes, restoreAssociationsStep)],
    ['that was tried, and failed', refused],
    [
      'its association was taken away by a Lambda that could not write its line',
      (fakes) => {
        fakes.ledger.recordStep = async () => undefined;
        return stepOf(fakes, restoreAssociationsStep);
      },
    ],
    ['its annotation was put back', (fakes) => stepOf(fakes, annotateServiceAccountStep, { towards: 'before' })],
  ])('does not treat verified pods as the end once the rollback has begun: %s', async (_, begin) => {
    const fakes = await stranded({
      request: { annotation: 'remove' },
      record: { verified: 'injected', annotationChange: TAKEN },
    });
    await begin(fakes);
    expect([await takeOver(fakes), (await fakes.record()).verified]).toMatchObject([{ action: 'roll-back' }, 'none']);
  });
});

describe('a rollback on demand of a service account', () => {
  it('takes the free locks where nobody has changed anything since', async () => {
    const fakes = await ended('migrated');
    expect(await takeOver(fakes, requested)).toMatchObject({ action: 'roll-back', fence: 2, subject: SUBJECT });
    expect(fakes.journal.mutations()).toEqual([]);
  });

  it('can roll back if the migration has removed the annotation', async () => {
    const fakes = await ended('migrated', { request: { annotation: 'remove' }, record: { annotationChange: TAKEN } });
    unannotated(fakes);
    expect(await takeOver(fakes, requested)).toMatchObject({ action: 'roll-back', removesAnnotation: true });
  });

  const accounts =
    (...changes: Partial<ReturnType<typeof aServiceAccount>>[]) =>
    ({ kubernetes }: Begun): unknown =>
      (kubernetes.serviceAccounts = changes.map(aServiceAccount));
  it.each<[string, RegExp, (fakes: Begun) => unknown]>([
    ['the annotation was removed', /removed the annotation .* from service account payments\/api/, unannotated],
    ['the service account is gone', /deleted service account payments\/api/, accounts()],
    [
      'it was associated outside this migration',
      /association a-theirs of payments\/api .*was created outside this migration/,
      ({ eks }) => (eks.associations = [THEIRS]),
    ],
  ])('is refused where %s, and nothing is changed by it', async (_, why, change) => {
    const fakes = await ended('migrated');
    await change(fakes);
    await expectError(takeOver(fakes, requested), 'RollbackRefused', why);
    expect(await fakes.record()).toMatchObject({ status: 'ended', outcome: 'migrated', verified: 'injected' });
    expect(fakes.journal.mutations()).toEqual([]);
  });
});

describe('rollbackClosed for a service account', () => {
  const closed = async (
    change: AccountChange,
    world: (fakes: Begun) => unknown = () => undefined,
  ): Promise<string | undefined> => {
    const fakes = await associated(change);
    world(fakes);
    const answer = await rollbackClosed(await fakes.record(), accountSnapshot(change.snapshot), fakes.dependencies);
    expect(fakes.journal.names().filter((name) => /[Aa]ddon/.test(name))).toEqual([]);
    return answer;
  };

  it.each<[string, AccountChange, (fakes: Begun) => unknown]>([
    ['IRSA would let it in', {}, () => undefined],
    ['the association is gone already', {}, ({ eks }) => (eks.associations = [])],
    ['the association was there', { snapshot: { associations: [THERE] } }, ({ eks }) => (eks.associations = [THERE])],
    [
      'what EKS says is enough, and the API server is not asked',
      { request: { verification: 'api' } },
      ({ kubernetes }) => (kubernetes.serviceAccounts = []),
    ],
    [
      'nobody saw its role',
      { request: { verification: 'api', roleArn: ROLE }, snapshot: { serviceAccount: undefined } },
      ({ roles }) => delete roles.trust[ROLE],
    ],
  ])('is open where %s', async (_, change, world) => expect(await closed(change, world)).toBeUndefined());
  it('goes by the trust of the role of its annotation, not of the one that it got', async () => {
    const named: AccountChange = { request: { roleArn: OTHER_ROLE } };
    const own = ({ eks }: Begun): unknown => (eks.associations = [ownAssociation({ roleArn: OTHER_ROLE })]);
    expect(await closed(named, own)).toBeUndefined();
    expect(
      await closed(
        named,
        (fakes) => (own(fakes), (fakes.roles.trust[OTHER_ROLE] = ACCOUNT_TRUST), delete fakes.roles.trust[ROLE]),
      ),
    ).toContain(`the IRSA role ${ROLE}`);
  });
});
