import { describe, expect, test } from 'vitest';
import { MigrationError } from '../../../../lambdas/domain/failures/errors.ts';
import { newMigration } from '../../../../lambdas/domain/record/migration.ts';
import { requestMigration, type Wish } from '../../../../lambdas/use-cases/migration/request.ts';
import { faultCases, MOMENTS } from '../../../faults/contract.ts';
import { type Fakes, newFakes } from '../../fakes.ts';
import { aRequest, at, EXECUTION, MIGRATION_ID, OTHER_MIGRATION_ID } from '../../fixtures.ts';
import { expectError } from '../../matchers.ts';

const it = test.extend('fakes', () => newFakes());
const wish = (change: Partial<Wish> = {}): Wish => ({
  key: 'K',
  fingerprint: 'f',
  migrationId: MIGRATION_ID,
  request: aRequest({ reason: 'first' }),
  isOver: () => false,
  ...change,
});
const other = (change: Partial<Wish> = {}): Wish =>
  wish({ migrationId: OTHER_MIGRATION_ID, request: aRequest({ reason: 'second' }), ...change });
const ask = ({ dependencies }: Fakes, one: Wish) => requestMigration(one, dependencies);
const started = ({ executions }: Fakes): string[] => executions.migrations.map((one) => one.migrationId);
/** Claim, record, execution. */
const CALLS = ['ledger.claim', 'ledger.getMigration', 'ledger.putMigration', 'executions.startMigration'];

describe('a migration that is requested', () => {
  it('is claimed, recorded and started, in that order', async ({ fakes }) => {
    const trigger = { kind: 'cross-account-pass-role' as const, eventId: 'e', at: at(-60) };
    expect(await ask(fakes, wish({ trigger }))).toMatchObject({
      first: true,
      claim: { migrationId: MIGRATION_ID, fingerprint: 'f', at: at(0) },
    });
    expect(fakes.journal.names()).toEqual(CALLS);
    expect(await fakes.ledger.getMigration(MIGRATION_ID)).toMatchObject({
      status: 'running',
      startedAt: at(0),
      trigger,
      request: { reason: 'first' },
    });
    expect(fakes.executions.migrations).toEqual([
      { migrationId: MIGRATION_ID, request: aRequest({ reason: 'first' }) },
    ]);
  });

  it('is the first one for each later caller with the same key', async ({ fakes }) => {
    await ask(fakes, wish());
    expect(await ask(fakes, other())).toMatchObject({ first: false, claim: { migrationId: MIGRATION_ID } });
    expect(started(fakes)).toEqual([MIGRATION_ID]);
    expect(await fakes.ledger.getMigration(OTHER_MIGRATION_ID)).toBeUndefined();
  });

  it('gives way to the next where its claim is over, and is told of what stood there', async ({ fakes }) => {
    await ask(fakes, wish());
    const seen: string[] = [];
    const isOver: Wish['isOver'] = ({ migrationId }) => seen.push(migrationId) > 0;
    expect(await ask(fakes, other({ isOver }))).toMatchObject({
      first: true,
      claim: { migrationId: OTHER_MIGRATION_ID },
    });
    expect([seen, started(fakes)]).toEqual([[MIGRATION_ID], [MIGRATION_ID, OTHER_MIGRATION_ID]]);
  });

  it('never gives way to itself', async ({ fakes }) => {
    await ask(fakes, wish());
    const again = wish({ isOver: () => Promise.reject(new Error('not to be asked')) });
    expect(await ask(fakes, again)).toMatchObject({ first: true });
  });

  it.each(faultCases(MOMENTS, CALLS))(
    'is started once where $call fails $kind its effect, and it is asked for again',
    async ({ position, kind }) => {
      for (const next of [wish(), other()]) {
        const fakes = newFakes();
        fakes.journal.failAt(position, kind);
        await expect(ask(fakes, wish())).rejects.toThrow('socket hang up');
        const claimed = !(position === 0 && kind === 'before');
        const id = claimed ? MIGRATION_ID : next.migrationId;
        expect(await ask(fakes, next)).toMatchObject({ claim: { migrationId: id } });
        expect(started(fakes)).toEqual([id]);
        // It is stored as the first caller sent it, no matter which caller stores it.
        expect(await fakes.ledger.getMigration(id)).toMatchObject({
          request: { reason: id === MIGRATION_ID ? 'first' : 'second' },
          startedAt: at(0),
        });
      }
    },
  );

  it('is left alone once an execution works on it, or it has ended', async () => {
    for (const change of [{ executionArn: EXECUTION }, { status: 'ended' as const, outcome: 'planned' as const }]) {
      const fakes = newFakes();
      fakes.executions.startMigration = () => Promise.reject(new Error('not to be called'));
      await fakes.ledger.putMigration(
        newMigration({ migrationId: MIGRATION_ID, request: aRequest(), startedAt: at(-60), ...change }),
      );
      await fakes.ledger.updateMigration(MIGRATION_ID, change);
      expect(await ask(fakes, wish())).toMatchObject({ first: true });
      expect(fakes.journal.names()).not.toContain('ledger.putMigration');
    }
  });

  it('that ends between the look and the record was started all the same', async ({ fakes }) => {
    const { ledger } = fakes;
    const put = ledger.putMigration.bind(ledger);
    ledger.putMigration = async (record) => {
      await put(record);
      await ledger.updateMigration(MIGRATION_ID, { status: 'ended', outcome: 'planned' });
      throw new MigrationError('BadInput', 'already over');
    };
    expect([await ask(fakes, wish()), started(fakes)]).toMatchObject([{ first: true }, []]);
  });

  it('a hundred at once are one', async ({ fakes }) => {
    const ids = Array.from({ length: 100 }, (_, index) => `01JD8Z5Q6R7S8T9V0W1X2Y${String(index).padStart(4, '0')}`);
    const all = await Promise.all(ids.map((migrationId) => ask(fakes, wish({ migrationId }))));
    expect(new Set(all.map(({ claim }) => claim.migrationId)).size).toBe(1);
    expect(all.filter(({ first }) => first)).toHaveLength(1);
    expect(started(fakes)).toHaveLength(1);
  });

  it.each(['', 'no JSON', '{}', '{"request":{"target":{}}}'])('is not started by a claim of %j', async (input) => {
    const fakes = newFakes();
    await fakes.ledger.claim('K', { migrationId: OTHER_MIGRATION_ID, fingerprint: 'f', at: at(0), input });
    await expectError(ask(fakes, wish()), 'BadInput', 'does not have the form that this service writes');
    expect(started(fakes)).toEqual([]);
  });
});
