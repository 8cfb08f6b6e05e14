/**
 * retire-trust after the migration of a service account: by its association, and by who still has its role in an
 * annotation.
 */
import { describe, expect, it } from 'vitest';
import {
  ACCOUNT_TRUST,
  accountIrsaStatement,
  anAccountPod,
  aServiceAccount,
  associated,
  ownAssociation,
  REF,
  SUBJECT_LOCK,
  type AccountChange,
} from '../account-fixtures.ts';
import { aSecretStore, CLUSTER_STORES, SECRET_STORES } from '../consumer-objects.ts';
import { ADDON, at, MIGRATION_ID, ROLE, ROLE_LOCK, ROLES_OF_ACCOUNT } from '../fixtures.ts';
import type { Begun } from './begun.ts';
import { blocking, DAY, dryRun, RETIRE_EXECUTION, RETIRED, run } from './retiring.ts';
import { anError, textWith } from '../expectations.ts';

/** Migrated ten days ago, its annotation gone. */
async function migrated(change: AccountChange = {}): Promise<Begun> {
  const fakes = await associated({ request: { annotation: 'remove' }, ...change });
  fakes.kubernetes.pods = [anAccountPod('pod-identity')];
  fakes.kubernetes.serviceAccounts = [aServiceAccount({ roleArn: undefined })];
  // Which has the same role in these fixtures.
  fakes.eks.addons.delete(ADDON);
  fakes.settings.repairableRoleArns.push(ROLES_OF_ACCOUNT);
  await fakes.ledger.updateMigration(MIGRATION_ID, {
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
  it('takes its OIDC statement out under its lock, and looks at its association', async () => {
    const fakes = await migrated();
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
    const acceptConsumers = ['SecretStore/payments/aws'];
    // What the migration has accepted was about the annotation.
    const fakes = await migrated({ request: { annotation: 'remove', acceptConsumers } });
    fakes.kubernetes.objects = { [SECRET_STORES]: [aSecretStore('aws', REF.namespace, REF.name)] };
    await expect(run(fakes)).rejects.toMatchObject(
      anError('RetireRefused', textWith('retire-consumers: 1 object uses the web identity of payments/api')),
    );
    expect(fakes.roles.trust[ROLE]).toBe(ACCOUNT_TRUST);
    expect(fakes.journal.names()).not.toContain('ledger.acquireLock');
    expect(await run(fakes, { acceptConsumers })).toMatchObject({ done: true });
  });

  it('is refused if a resource may not be read, until that is accepted', async () => {
    const fakes = await migrated();
    fakes.kubernetes.forbidden.add(CLUSTER_STORES);
    expect(blocking(await dryRun(fakes))).toEqual(['retire-consumers']);
    await expect(run(fakes)).rejects.toMatchObject({ name: 'RetireRefused' });
    expect(await run(fakes, { acceptConsumers: [CLUSTER_STORES] })).toMatchObject({ done: true });
  });

  it('puts it back', async () => {
    const fakes = await migrated();
    await run(fakes);
    expect(await run(fakes, { action: 'reinstate' })).toMatchObject({ done: true, roles: [{ result: 'restored' }] });
    expect(JSON.parse(fakes.roles.trust[ROLE]!)).toEqual(JSON.parse(ACCOUNT_TRUST));
  });

  it("accepts any association of the service account, including another principal's", async () => {
    const fakes = await migrated();
    fakes.eks.associations = [ownAssociation({ id: 'a-theirs', tags: {} })];
    expect(await run(fakes)).toMatchObject({ done: true });
  });

  it.each<[string, (fakes: Begun) => unknown, string, RegExp]>([
    [
      'it has no association any more',
      ({ eks }) => (eks.associations = []),
      'retire-pod-identity',
      /Service account payments\/api has no Pod Identity association/,
    ],
    [
      'its annotation was kept',
      ({ kubernetes }) => kubernetes.annotated.push({ ...REF, roleArn: ROLE }),
      'retire-service-accounts',
      /payments\/api/,
    ],
    [
      'a pod of it is on IRSA',
      ({ kubernetes }) => kubernetes.pods.push(anAccountPod('irsa', { name: 'old' })),
      'retire-pods',
      /payments\/old/,
    ],
    [
      'its rollback has begun',
      ({ ledger }) =>
        ledger.recordStep(MIGRATION_ID, { name: 'restore-associations', startedAt: at(1), endedAt: at(2) }),
      'retire-verified',
      /was rolled back, or its rollback has begun/,
    ],
    [
      'a rollback deleted its association',
      ({ ledger }) => ledger.recordAssociation(MIGRATION_ID, 'purged', ownAssociation()),
      'retire-verified',
      /was rolled back, or its rollback has begun/,
    ],
    [
      'no pod was read',
      ({ ledger }) => ledger.updateMigration(MIGRATION_ID, { verified: 'api' }),
      'retire-verified',
      /no pod was read/,
    ],
    [
      'it is too early',
      ({ ledger }) => ledger.updateMigration(MIGRATION_ID, { endedAt: at(-6 * DAY) }),
      'retire-soak',
      /6 days/,
    ],
  ])('is refused where %s, and nothing is changed', async (_, change, id, why) => {
    const fakes = await migrated();
    await change(fakes);
    const error = await run(fakes).then(
      () => undefined,
      (thrown: unknown) => thrown as Error,
    );
    expect(error).toMatchObject(anError('RetireRefused', textWith(`${id}: `)));
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
    await expect(run(fakes)).rejects.toMatchObject(
      anError(
        'RetireRefused',
        textWith(`Service account payments/api had no IRSA role before migration ${MIGRATION_ID}`),
      ),
    );
  });
});
