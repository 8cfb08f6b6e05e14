/**
 * retire-trust after the migration of a service account: by its association, and by who still has its role in an
 * annotation.
 */
import type { Migration } from '../../../lambdas/domain/record/migration.ts';
import { describe, expect, test } from 'vitest';
import { ACCOUNT_TRUST, accountIrsaStatement, REF, SUBJECT_LOCK } from '../account-example.ts';
import { anAccountPod, aServiceAccount, ownAssociation } from '../account-fixtures.ts';
import { associated, type AccountChange } from './begun-account.ts';
import { aSecretStore, SECRET_STORES } from '../consumer-objects.ts';
import { ADDON, at, MIGRATION_ID, ROLE, ROLE_LOCK, ROLES_OF_ACCOUNT } from '../fixtures.ts';
import { anError, expectError } from '../matchers.ts';
import type { Begun } from './begun.ts';
import { DAY, RETIRE_EXECUTION, RETIRED, run } from './retiring.ts';

const it = test.extend('fakes', () => migrated());
/** Migrated ten days ago, its annotation gone. */
async function migrated(change: AccountChange = {}): Promise<Begun> {
  const fakes = await associated({ request: { annotation: 'remove' }, ...change });
  fakes.kubernetes.pods = [anAccountPod('pod-identity')];
  fakes.kubernetes.serviceAccounts = [aServiceAccount({ roleArn: undefined })];
  // Which has the same role in these fixtures.
  fakes.eks.addons.delete(ADDON);
  fakes.settings.repairableRoleArns.push(ROLES_OF_ACCOUNT);
  await fakes.update({
    status: 'ended',
    outcome: 'migrated',
    verified: 'ready',
    endedAt: at(-10 * DAY),
    annotationChange: { notedAt: at(-11 * DAY), writtenAt: at(-11 * DAY) },
  });
  for (const key of [SUBJECT_LOCK, ROLE_LOCK])
    await fakes.ledger.releaseLock(key, (await fakes.ledger.readLock(key))!.holder!.executionArn);
  fakes.executions.states.set(RETIRE_EXECUTION, { status: 'RUNNING' });
  fakes.journal.clear();
  return fakes;
}

describe('retire-trust of a service account', () => {
  it('takes its OIDC statement out under its lock, and looks at its association', async ({ fakes }) => {
    const answer = await run(fakes);
    expect(answer).toMatchObject({
      done: true,
      roles: [{ roleArn: ROLE, result: 'removed', before: ACCOUNT_TRUST, after: RETIRED }],
    });
    expect(answer.checks.find(({ id }) => id === 'retire-pod-identity')).toMatchObject({
      status: 'pass',
      message: 'Service account payments/api has its Pod Identity association.',
    });
    expect(fakes.journal.of('ledger.acquireLock').map(([key]) => key)).toEqual([SUBJECT_LOCK, ROLE_LOCK]);
    for (const key of [SUBJECT_LOCK, ROLE_LOCK]) expect((await fakes.ledger.readLock(key))?.holder).toBeUndefined();
    expect((await fakes.record()).retirements).toMatchObject([
      { roleArn: ROLE, removed: [{ statement: accountIrsaStatement }] },
    ]);
  });

  it('is refused while a SecretStore uses the service account, until the retirement itself accepts it by name', async () => {
    const accept = ['consumer:SecretStore/payments/aws'];
    // What the migration has accepted was about the annotation.
    const fakes = await migrated({
      request: { annotation: 'remove', accept },
    });
    fakes.kubernetes.objects = { [SECRET_STORES]: [aSecretStore('aws', REF.namespace, REF.name)] };
    await expectError(run(fakes), 'RetireRefused', 'retire-consumers: 1 object uses the web identity of payments/api');
    expect(fakes.roles.trust[ROLE]).toBe(ACCOUNT_TRUST);
    expect(fakes.journal.names()).not.toContain('ledger.acquireLock');
    expect(await run(fakes, { accept })).toMatchObject({
      done: true,
    });
  });

  it('puts it back', async ({ fakes }) => {
    await run(fakes);
    expect(await run(fakes, { action: 'reinstate' })).toMatchObject({ done: true, roles: [{ result: 'restored' }] });
    expect(JSON.parse(fakes.roles.trust[ROLE]!)).toEqual(JSON.parse(ACCOUNT_TRUST));
  });

  it("accepts any association of the service account, including another principal's", async ({ fakes }) => {
    fakes.eks.associations = [ownAssociation({ id: 'a-theirs', tags: {} })];
    expect(await run(fakes)).toMatchObject({ done: true });
  });

  const rolledBack = /was rolled back, or its rollback has begun/;
  const line = { name: 'restore-associations', startedAt: at(1), endedAt: at(2) };
  const old = anAccountPod('irsa', { name: 'old' });
  const record =
    (change: Partial<Migration>) =>
    ({ ledger }: Begun): unknown =>
      ledger.updateMigration(MIGRATION_ID, change);
  it.each<[string, string, RegExp, (fakes: Begun) => unknown]>([
    [
      'it has no association any more',
      'retire-pod-identity',
      /Service account payments\/api has no Pod Identity association/,
      ({ eks }) => (eks.associations = []),
    ],
    [
      'its annotation was kept',
      'retire-service-accounts',
      /payments\/api/,
      ({ kubernetes }) => kubernetes.annotated.push({ ...REF, roleArn: ROLE }),
    ],
    ['a pod of it is on IRSA', 'retire-pods', /payments\/old/, ({ kubernetes }) => kubernetes.pods.push(old)],
    ['its rollback has begun', 'retire-verified', rolledBack, ({ ledger }) => ledger.recordStep(MIGRATION_ID, line)],
    [
      'a rollback deleted its association',
      'retire-verified',
      rolledBack,
      ({ ledger }) => ledger.recordAssociation(MIGRATION_ID, 'purged', ownAssociation()),
    ],
    ['no pod was read', 'retire-verified', /no pod was read/, record({ verified: 'api' })],
  ])('is refused where %s, and nothing is changed', async (_, id, why, change) => {
    const fakes = await migrated();
    await change(fakes);
    const error = await run(fakes).then(
      () => undefined,
      (thrown: unknown) => thrown as Error,
    );
    expect(error).toMatchObject(anError('RetireRefused', `${id}: `));
    expect(error?.message).toMatch(why);
    expect(error?.message).not.toMatch(/the add-on/);
    expect(fakes.roles.trust[ROLE]).toBe(ACCOUNT_TRUST);
    expect(fakes.journal.mutations()).toEqual([]);
  });

  it('has nothing to retire where nobody saw its role', async () => {
    const fakes = await migrated({
      request: { verification: 'api', roleArn: ROLE },
      snapshot: { serviceAccount: undefined },
      plan: { serviceAccount: undefined },
    });
    await expectError(
      run(fakes),
      'RetireRefused',
      `Service account payments/api had no IRSA role before migration ${MIGRATION_ID}`,
    );
  });
});
