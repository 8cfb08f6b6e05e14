/** POST /migrations/{id}/retire, and what GET shows of it. */
import { describe, expect, it } from 'vitest';
import type { MigrationAnswer } from '../../../lambdas/api/answers.ts';
import type { Migration } from '../../../lambdas/domain/record/migration.ts';
import type { Retirement } from '../../../lambdas/domain/record/retirement.ts';
import { MOMENTS } from '../../faults/contract.ts';
import type { Fakes } from '../fakes.ts';
import { aRetirement, at, executionArn, MIGRATION_ID, OTHER_MIGRATION_ID } from '../fixtures.ts';
import { expectInOrder, matching } from '../matchers.ts';
import { ALICE, problemIn, send } from './gateway.ts';
import { ended, path, self, show, withMigration, keyed } from './with-migration.ts';

/** In a deployment that may change trust policies. */
async function retiring(change: Partial<Migration> = ended('migrated')): Promise<Fakes> {
  const fakes = await withMigration(change);
  fakes.settings.retires = true;
  return fakes;
}
const ask = (fakes: Fakes, body?: unknown, key?: string) =>
  send(fakes, { method: 'POST', path: `${path}/retire`, headers: keyed(key), body });
const NAME = matching(new RegExp(`^${MIGRATION_ID}-[0-9A-Z]{26}$`));
const stand = async ({ ledger }: Fakes, retirement: Retirement): Promise<void> => {
  await ledger.changeRetirement(MIGRATION_ID, await ledger.getRetirement(MIGRATION_ID), retirement);
};

describe('POST /migrations/{id}/retire', () => {
  it('accepts what the command line asks for without flags: a dry run of a retirement after seven days', async () => {
    for (const body of [undefined, {}]) {
      const fakes = await retiring();
      const answer = await ask(fakes, body);
      const retirement = {
        id: NAME,
        state: 'requested',
        action: 'retire',
        dryRun: true,
        soakDays: 7,
        requestedBy: ALICE,
        requester: { source: 'api', principal: ALICE },
        startedAt: at(0),
        executionArn: matching(new RegExp(`:Retire:${MIGRATION_ID}-`)),
      };
      expect(answer).toEqual({
        status: 202,
        headers: expect.objectContaining({ location: self, 'retry-after': '5' }) as unknown,
        body: {
          action: 'retire',
          migrationId: MIGRATION_ID,
          status: 'ended',
          first: true,
          retirement,
          links: { self, plan: `/v1/plans/${MIGRATION_ID}`, handOff: `${self}/hand-off`, rollback: `${self}/rollback` },
        },
      });
      expect(fakes.executions.retirements).toEqual([
        { migrationId: MIGRATION_ID, name: NAME, action: 'retire', dryRun: true, soakDays: 7, requestedBy: ALICE },
      ]);
      expect(fakes.journal.mutations()).toEqual(['executions.startRetirement']);
    }
  });

  it('is noted before it is started, and shown until it is over', async () => {
    const fakes = await retiring();
    const accept = ['consumer:SecretStore/shop/aws', 'consumer:issuers.cert-manager.io'];
    const body = {
      action: 'reinstate',
      dryRun: false,
      soakDays: 0,
      accept,
      reason: 'IRSA again',
    };
    expect(await ask(fakes, body)).toMatchObject({ status: 202, body: { retirement: body } });
    expect(fakes.executions.retirements).toMatchObject([{ accept }]);
    expectInOrder(fakes, 'ledger.changeRetirement', 'executions.startRetirement');
    expect(await fakes.ledger.listRequestedRetirements()).toEqual([MIGRATION_ID]);
    expect(await show(fakes)).toMatchObject({
      headers: { 'retry-after': '5' },
      body: { status: 'ended', outcome: 'migrated', retirement: { ...body, state: 'requested' } },
    });
    await stand(fakes, aRetirement({ state: 'ended', done: true }));
    const over = await show(fakes);
    expect(over).toMatchObject({ body: { retirement: { state: 'ended', done: true } } });
    expect(over.headers).not.toHaveProperty('retry-after');
  });

  it.each<[string, unknown]>([
    ['body.action', { action: 'remove' }],
    ['body.dryRun', { dryRun: 'no' }],
    ['body.soakDays', { soakDays: 366 }],
    ['body.soakDays', { soakDays: 1.5 }],
    ['body.soakDays', { soakDays: -1 }],
    ['body.accept.0', { accept: ['consumer:shop aws'] }],
    ['body.requestedBy', { requestedBy: 'the boss' }],
    ['body.apply', { apply: true }],
  ])('refuses what is wrong by its field: %s of %j', async (field, body) => {
    const fakes = await retiring();
    expect(problemIn(await ask(fakes, body), 'invalid-request').errors).toMatchObject([{ field }]);
    expect(fakes.executions.retirements).toEqual([]);
  });

  it('is refused of a migration that is not there', async () => {
    const fakes = await retiring({ migrationId: OTHER_MIGRATION_ID });
    expect(problemIn(await ask(fakes), 'unknown-migration').errors).toMatchObject([{ field: 'path.id' }]);
  });

  it('is not enabled where the deployment may change no trust policy, and says by which setting', async () => {
    const fakes = await withMigration(ended('migrated'));
    const { detail } = problemIn(await ask(fakes, { dryRun: false }, 'retire-1'), 'not-enabled');
    expect(detail).toMatch(/repairableRoleArns.*Nothing was changed\. Set repairableRoleArns/);
    expect([fakes.executions.retirements, (await fakes.ledger.getRetirement(MIGRATION_ID)) ?? 'none']).toEqual([
      [],
      'none',
    ]);
    expect((await show(fakes)).body).not.toHaveProperty('links.retire');
  });

  it('of twenty at once accepts one, and refuses the others with the link of what is under way', async () => {
    for (const keys of [(n: number) => `retire-${n}`, () => undefined]) {
      const fakes = await retiring();
      const answers = await Promise.all(Array.from({ length: 20 }, (_, n) => ask(fakes, { dryRun: false }, keys(n))));
      expect(answers.filter(({ status }) => status === 202)).toHaveLength(1);
      for (const answer of answers.filter(({ status }) => status !== 202))
        expect(problemIn(answer, 'retiring')).toMatchObject({ status: 409, links: { self } });
      expect(fakes.executions.retirements).toHaveLength(1);
    }
  });

  it('is begun once under one key, whatever breaks and however often it is sent, and says that it is a replay', async () => {
    for (const kind of MOMENTS) {
      const fakes = await retiring();
      const body = { dryRun: false };
      fakes.journal.failNext('executions.startRetirement', kind);
      problemIn(await ask(fakes, body, 'retire-1'), 'unavailable');
      const replays = await Promise.all(Array.from({ length: 20 }, () => ask(fakes, body, 'retire-1')));
      expect(fakes.executions.retirements).toHaveLength(1);
      const { name } = fakes.executions.retirements[0]!;
      for (const replay of replays)
        expect(replay).toMatchObject({ status: 202, body: { first: false, retirement: { id: name } } });
      const arn = executionArn(name, 'Retire');
      fakes.executions.states.set(arn, { status: 'RUNNING' });
      for (const state of ['running', 'refused'] as const) {
        await stand(fakes, aRetirement({ id: name, state, executionArn: arn }));
        expect(await ask(fakes, body, 'retire-1')).toMatchObject({ body: { first: false, retirement: { state } } });
      }
      expect(fakes.executions.retirements).toHaveLength(1);
      problemIn(await ask(fakes, { dryRun: true }, 'retire-1'), 'key-used');
      // Another key is another retirement; the first key still stands for the first one.
      fakes.executions.states.set(arn, { status: 'FAILED' });
      expect(await ask(fakes, body, 'retire-2')).toMatchObject({ status: 202, body: { first: true } });
      expect(await ask(fakes, body, 'retire-1')).toMatchObject({ status: 202, body: { first: false } });
      expect(fakes.executions.retirements).toHaveLength(2);
    }
  });

  it('does not accept the idempotency key of a rollback', async () => {
    const fakes = await retiring();
    await send(fakes, { method: 'POST', path: `${path}/rollback`, headers: { 'Idempotency-Key': 'one' }, body: {} });
    expect(problemIn(await ask(fakes, {}, 'one'), 'key-used').status).toBe(422);
  });
});

describe('a retirement whose execution has not noted its end', () => {
  const arn = executionArn('stopped', 'Retire');
  const open = (change: Partial<Retirement> = {}): Retirement =>
    aRetirement({ id: 'stopped', state: 'running', executionArn: arn, ...change });

  it.each<[string, Partial<Retirement>, 'ended' | 'refused', string]>([
    ['is shown as over', {}, 'ended', 'ExecutionStopped'],
    ['that never began is shown as over', { state: 'requested' }, 'ended', 'ExecutionStopped'],
    [
      'and waited for a role is shown as refused',
      { error: { name: 'RoleLockHeld', message: 'Migration x holds it.' } },
      'refused',
      'RoleLockHeld',
    ],
  ])('%s, and another one takes its place', async (_, change, state, error) => {
    const fakes = await retiring();
    await stand(fakes, open(change));
    fakes.executions.states.set(arn, { status: 'ABORTED', stoppedAt: at(-7) });
    const { headers, body } = await show(fakes);
    expect(body).toMatchObject({
      retirement: { id: 'stopped', state, endedAt: at(-7), error: { name: error }, next: expect.any(String) as string },
      links: { retire: `${self}/retire` },
    });
    expect(headers).not.toHaveProperty('retry-after');
    expect(await ask(fakes)).toMatchObject({ status: 202, body: { first: true, retirement: { id: NAME } } });
  });

  it('is under way while it runs, and while one that was accepted is not started', async () => {
    const running = await retiring();
    await stand(running, open());
    running.executions.states.set(arn, { status: 'RUNNING' });
    const accepted = await retiring();
    await stand(accepted, open({ state: 'requested' }));
    for (const fakes of [running, accepted]) {
      const shown = await show(fakes);
      expect(shown).toMatchObject({ headers: { 'retry-after': '5' }, body: { retirement: { id: 'stopped' } } });
      expect(shown.body).not.toHaveProperty('links.retire');
      problemIn(await ask(fakes), 'retiring');
    }
    // Nobody knows it any more.
    const gone = await retiring();
    await stand(gone, open());
    expect(await show(gone)).toMatchObject({ body: { retirement: { state: 'ended' } } });
  });

  it('is shown as it noted itself between two looks', async () => {
    const fakes = await retiring();
    await stand(fakes, open());
    const end = open({ state: 'ended', done: true, endedAt: at(1) });
    fakes.executions.describe = async () => {
      await stand(fakes, end);
      return { status: 'SUCCEEDED', stoppedAt: at(1) };
    };
    expect(await show(fakes)).toMatchObject({ body: { retirement: end } });
  });
});

describe('the link to retire', () => {
  const noted = { roleArn: 'r', before: '{}', after: '{}', removed: [], notedAt: at(1) };
  it.each<[string, Partial<Migration>, boolean]>([
    ['ended migrated, verified by its pods', ended('migrated'), true],
    ['ended migrated by what EKS says alone', { ...ended('migrated'), verified: 'api' }, false],
    ['is running', {}, false],
    ['ended blocked', ended('blocked'), false],
    ['was rolled back', ended('rolled-back'), false],
    ['was rolled back, and has something to put back', { ...ended('rolled-back'), retirements: [noted] }, true],
  ])('of a migration that %s', async (_, { retirements = [], ...change }, there) => {
    const fakes = await retiring(change);
    for (const one of retirements) await fakes.ledger.recordRetirement(MIGRATION_ID, one);
    const { body } = await show(fakes);
    expect((body as MigrationAnswer).links.retire).toBe(there ? `${self}/retire` : undefined);
  });
});
