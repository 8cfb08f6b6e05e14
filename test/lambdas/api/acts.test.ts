/** What the API does with a migration that is there: stopping it, and rolling it back. */
import { describe, expect, it } from 'vitest';
import type { CancelAnswer } from '../../../lambdas/api/answers.ts';
import type { Migration } from '../../../lambdas/domain/record/migration.ts';
import { MOMENTS } from '../../faults/contract.ts';
import type { Fakes } from '../fakes.ts';
import { aRollback, aSnapshot, at, EXECUTION, executionArn, MIGRATION_ID, OTHER_MIGRATION_ID } from '../fixtures.ts';
import { matching } from '../matchers.ts';
import { ALICE, BOB, problemIn, send, started } from './gateway.ts';
import { ended, path, pending, self, show, TOKEN, withMigration, keyed } from './with-migration.ts';

describe('an action on a migration', () => {
  it.each<[string, () => Promise<Fakes>, string, object]>([
    ['approval', () => withMigration({}, pending), 'approval', { decision: 'reject', planHash: pending.planHash }],
    ['cancel', () => withMigration(), 'cancel', {}],
    ['rollback', () => withMigration(ended('migrated')), 'rollback', {}],
  ])('%s is answered in the same shape as every other', async (action, prepare, name, body) => {
    const fakes = await prepare();
    expect(await send(fakes, { method: 'POST', path: `${path}/${name}`, body })).toMatchObject({
      headers: { location: self, 'retry-after': '5' },
      body: {
        action,
        migrationId: MIGRATION_ID,
        status: action === 'rollback' ? 'rolling-back' : 'running',
        first: true,
        links: { self },
      },
    });
    expect((await show(fakes)).headers).toMatchObject({ 'retry-after': '5' });
    await fakes.ledger.updateMigration(MIGRATION_ID, ended('blocked'));
    expect((await show(fakes)).headers).not.toHaveProperty('retry-after');
  });

  it('may be looked at less often while it waits', async () =>
    expect((await show(await withMigration({}, pending))).headers).toMatchObject({ 'retry-after': '30' }));

  it('that decides is first for one of twenty that say the same', async () => {
    const fakes = await withMigration({}, pending);
    const body = { decision: 'approve', planHash: pending.planHash };
    const answers = await Promise.all(
      Array.from({ length: 20 }, () => send(fakes, { method: 'POST', path: `${path}/approval`, body, caller: BOB })),
    );
    expect(answers.map(({ status }) => status)).toEqual(Array.from({ length: 20 }, () => 200));
    expect(answers.filter(({ body: one }) => (one as { first: boolean }).first)).toHaveLength(1);
  });
});

describe('POST /migrations/{id}/cancel', () => {
  const cancel = (fakes: Fakes, body?: object) => send(fakes, { method: 'POST', path: `${path}/cancel`, body });

  it('asks a migration to stop, and tells the execution that waits for an approval', async () => {
    const fakes = await withMigration({}, pending);
    const { status, body } = await cancel(fakes, { reason: 'wrong day' });
    expect(status).toBe(202);
    expect(body).toMatchObject({
      migrationId: MIGRATION_ID,
      cancellation: { requestedBy: ALICE, reason: 'wrong day' },
      first: true,
      begun: false,
      willEnd: 'blocked',
    });
    expect(fakes.executions.tasks.get(TOKEN)).toMatchObject({ error: 'Cancelled' });
    expect((await cancel(fakes)).body).toMatchObject({ first: false, cancellation: { reason: 'wrong day' } });
  });

  it('of twenty at once is first for one, which the others are told of', async () => {
    const fakes = await withMigration();
    const answers = await Promise.all(Array.from({ length: 20 }, (_, n) => cancel(fakes, { reason: `number ${n}` })));
    const bodies = answers.map(({ body }) => body as CancelAnswer);
    expect(bodies.filter(({ first }) => first)).toHaveLength(1);
    expect(new Set(bodies.map(({ cancellation: { reason } }) => reason)).size).toBe(1);
  });

  it('says how it will end where an execution was told, and only there', async () => {
    const told = await withMigration({}, pending);
    expect((await cancel(told)).body).toMatchObject({ begun: false, willEnd: 'blocked' });
    // Its plan is being made, or its change begins just now; or it has begun, and may be verified before it reads this.
    const begun = await withMigration({ attempt: 0 });
    begun.ledger.snapshots.set(MIGRATION_ID, aSnapshot());
    for (const fakes of [await withMigration(), begun])
      expect((await cancel(fakes)).body).not.toHaveProperty('willEnd');
  });

  it.each<[string, Partial<Migration>, string, number]>([
    ['is not there', { migrationId: OTHER_MIGRATION_ID }, 'unknown-migration', 404],
    ['is over', ended('migrated'), 'no-cancel', 409],
    ['is being rolled back', { ...ended('migrated'), status: 'rolling-back', rollback: aRollback() }, 'no-cancel', 409],
    ['goes back by itself', { status: 'rolling-back', rollback: aRollback({ cause: 'failed' }) }, 'no-cancel', 409],
    ['is resumed', { recovery: { startedAt: at(1), executionArn: EXECUTION, cause: 'stranded' } }, 'no-cancel', 409],
  ])('is refused of one that %s', async (_, change, kind, status) => {
    const fakes = await withMigration(change);
    expect(problemIn(await cancel(fakes), kind).status).toBe(status);
    expect(await fakes.ledger.getCancel(MIGRATION_ID)).toBeUndefined();
  });
});

describe('POST /migrations/{id}/rollback', () => {
  const roll = (fakes: Fakes, key?: string, body?: object) =>
    send(fakes, { method: 'POST', path: `${path}/rollback`, headers: keyed(key), body });

  it.each(['migrated', 'needs-human'] as const)('is accepted of one that ended %s', async (outcome) => {
    const fakes = await withMigration(ended(outcome));
    const answer = await roll(fakes, undefined, { reason: 'volumes' });
    const name = matching(new RegExp(`^${MIGRATION_ID}-[0-9A-Z]{26}$`));
    const rollback = {
      id: name,
      state: 'requested',
      cause: 'requested',
      requestedBy: ALICE,
      reason: 'volumes',
      after: outcome,
      executionArn: matching(new RegExp(`:Recover:${MIGRATION_ID}-`)),
    };
    expect(answer).toMatchObject({
      status: 202,
      headers: { location: self },
      body: { migrationId: MIGRATION_ID, status: 'rolling-back', first: true, rollback, links: { self } },
    });
    expect(await show(fakes)).toMatchObject({ body: { status: 'rolling-back', rollback } });
    expect(fakes.executions.rollbacks).toMatchObject([
      { migrationId: MIGRATION_ID, name, requestedBy: ALICE, reason: 'volumes' },
    ]);
    expect(await fakes.ledger.listRequestedRollbacks()).toEqual([MIGRATION_ID]);
  });

  it('of twenty at once accepts one, and refuses the others with the link of what is under way', async () => {
    for (const keys of [(n: number) => `back-${n}`, () => undefined]) {
      const fakes = await withMigration(ended('migrated'));
      const answers = await Promise.all(Array.from({ length: 20 }, (_, n) => roll(fakes, keys(n))));
      expect(answers.filter(({ status }) => status === 202)).toHaveLength(1);
      for (const answer of answers.filter(({ status }) => status !== 202)) {
        problemIn(answer, 'rolling-back');
        expect(answer).toMatchObject({ status: 409, body: { links: { self } } });
      }
      expect(fakes.executions.rollbacks).toHaveLength(1);
    }
  });

  it.each<[string, Partial<Migration>, string, number]>([
    ['is not there', { migrationId: OTHER_MIGRATION_ID }, 'unknown-migration', 404],
    ['is running', {}, 'no-rollback', 409],
    ['is resumed', { recovery: { startedAt: at(1), executionArn: EXECUTION, cause: 'stranded' } }, 'no-rollback', 409],
    ['goes back by itself', { status: 'rolling-back', rollback: aRollback({ cause: 'failed' }) }, 'rolling-back', 409],
    ['ended blocked', ended('blocked'), 'no-rollback', 409],
    ['ended rolled-back', ended('rolled-back'), 'no-rollback', 409],
    ['ended planned', ended('planned'), 'no-rollback', 409],
  ])('is refused of one that %s', async (_, change, kind, status) => {
    const fakes = await withMigration(change);
    expect(problemIn(await roll(fakes), kind).status).toBe(status);
    expect(started(fakes)).toEqual({ migrations: 0, rollbacks: 0, changes: 0 });
  });

  it('is begun once under one key, whatever breaks and however often it is sent, and says that it is a replay', async () => {
    for (const kind of MOMENTS) {
      const fakes = await withMigration(ended('migrated'));
      fakes.journal.failNext('executions.startRollback', kind);
      problemIn(await roll(fakes, 'back-1'), 'unavailable');
      const replays = await Promise.all(Array.from({ length: 20 }, () => roll(fakes, 'back-1')));
      expect(fakes.executions.rollbacks).toHaveLength(1);
      const { name } = fakes.executions.rollbacks[0]!;
      for (const replay of replays) expect(replay).toMatchObject({ status: 202, body: { first: false } });
      // It has begun, then it is over.
      for (const [status, state] of [
        ['rolling-back', 'running'],
        ['ended', 'ended'],
      ] as const) {
        const rollback = aRollback({ id: name, state, executionArn: executionArn(name, 'Recover') });
        await fakes.ledger.updateMigration(MIGRATION_ID, { status, outcome: 'needs-human', rollback });
        expect(await roll(fakes, 'back-1')).toMatchObject({ status: 202, body: { status, first: false, rollback } });
      }
      expect(fakes.executions.rollbacks).toHaveLength(1);
      problemIn(await roll(fakes, 'back-1', { reason: 'another' }), 'key-used');
      // Another key is another rollback; the first key still stands for the first one.
      fakes.executions.states.set(executionArn(name, 'Recover'), { status: 'SUCCEEDED' });
      expect(await roll(fakes, 'back-2')).toMatchObject({ status: 202, body: { first: true } });
      expect(await roll(fakes, 'back-1')).toMatchObject({ status: 202, body: { first: false } });
      expect(fakes.executions.rollbacks).toHaveLength(2);
    }
  });
});
