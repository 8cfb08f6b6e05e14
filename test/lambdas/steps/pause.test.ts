/** How long an execution waits, and what the record says meanwhile. For how long at all: `domain/pause.test.ts`. */
import { beforeEach, describe, expect, it } from 'vitest';
import type { Migration } from '../../../lambdas/domain/record/migration.ts';
import { MOST_DAYS_WAITING } from '../../../lambdas/domain/waiting/pause.ts';
import { pauseStep } from '../../../lambdas/steps/pause/handler.ts';
import { type Fakes, invoke, newFakes } from '../fakes.ts';
import { aMigration, at, MIGRATION_ID } from '../fixtures.ts';
import { expectError } from '../matchers.ts';
import { endedAs } from '../run-examples.ts';

const DAY = 24 * 3600;
let fakes: Fakes;
const pause = (change: object = {}): Promise<unknown> =>
  invoke(
    pauseStep,
    {
      migrationId: MIGRATION_ID,
      state: 'AwaitActive',
      back: false,
      error: 'Throttled',
      cause: JSON.stringify({ errorType: 'Throttled', errorMessage: 'eks:DescribeAddon: Rate exceeded' }),
      pauses: 1,
      executionStartedAt: at(0),
      ...change,
    },
    fakes,
  );
const record = async (): Promise<Migration> => (await fakes.ledger.getMigration(MIGRATION_ID))!;

beforeEach(async () => {
  fakes = newFakes();
  await fakes.ledger.putMigration(aMigration());
});

describe('pause', () => {
  it('says for how long, and notes what is waited for, since when, until when, and the last error', async () => {
    const answer = (await pause()) as { seconds: number };
    expect(Object.keys(answer)).toEqual(['seconds']);
    expect(answer.seconds).toBeGreaterThanOrEqual(15);
    expect((await record()).waitingFor).toMatchObject({
      what: 'service',
      state: 'AwaitActive',
      since: at(0),
      until: at(MOST_DAYS_WAITING * DAY),
      nextTryAt: at(answer.seconds),
      notedAt: at(0),
      text: 'The migration waits for an AWS service or the API server, which fails or throttles calls. Last error: Throttled: eks:DescribeAddon: Rate exceeded.',
    });
  });

  it('counts from the first pause for the same cause, and starts over for another cause', async () => {
    await pause();
    fakes.clock.advance(600_000);
    await pause({ pauses: 2 });
    expect((await record()).waitingFor).toMatchObject({ since: at(0), notedAt: at(600) });
    await pause({ pauses: 3, error: 'PodsNotSettled' });
    expect((await record()).waitingFor).toMatchObject({ what: 'pods', since: at(600) });
    await pause({ pauses: 4, error: 'PodsNotSettled', state: 'VerifyPods' });
    expect((await record()).waitingFor).toMatchObject({ what: 'pods', state: 'VerifyPods', since: at(600) });
  });

  it('counts from the beginning of the execution where there is no record yet, and from its end where it has one', async () => {
    await fakes.ledger.updateMigration(MIGRATION_ID, endedAs('blocked', 100));
    fakes.clock.advance((100 + MOST_DAYS_WAITING * DAY) * 1000);
    await expectError(pause(), 'WaitedTooLong', at(100));
    fakes = newFakes();
    fakes.clock.advance(MOST_DAYS_WAITING * DAY * 1000);
    await expectError(pause(), 'WaitedTooLong', at(0));
    await expect(pause({ executionStartedAt: at(1) })).resolves.toEqual({ seconds: 1 });
  });

  it('ends with a person, or with the error where it is no matter of time any more', async () => {
    await pause();
    await pause({ error: 'AddonNotActive' });
    fakes.clock.advance(3 * 3600 * 1000);
    await expectError(
      pause({ error: 'AddonNotActive', pauses: 2 }),
      'AddonNotActive',
      /^Migration \w+ has waited in state AwaitActive since .* for the add-on to become ACTIVE\. Waiting longer can't fix that\. Last error: /,
    );
    await expectError(pause({ pauses: 480 }), 'WaitedTooLong');
    await expect(pause({ pauses: 480, back: true })).resolves.toMatchObject({});
  });

  it.each([
    ['that is throttled before anything has changed', 'Plan', 'Throttled', 1],
    ['that is throttled in the middle of the change', 'AwaitActive', 'Throttled', MOST_DAYS_WAITING],
    ['during an outage before anything has changed', 'Plan', 'ServiceUnavailable', MOST_DAYS_WAITING],
  ])('ends a migration %s', async (_, state, error, days) => {
    const cause = JSON.stringify({ errorType: error, errorMessage: 'eks:ListAddons: Rate exceeded' });
    const paused = (): Promise<unknown> => pause({ state, error, cause, pauses: 99 });
    await paused();
    expect((await record()).waitingFor?.until).toBe(at(days * DAY));
    fakes.clock.advance((days * DAY - 1) * 1000);
    await expect(paused()).resolves.toEqual({ seconds: 1 });
    fakes.clock.advance(1000);
    const next =
      days === 1 ? /eks:ListAddons: Rate exceeded\. Other callers .* start the migration again\.$/ : /Rate exceeded$/;
    await expectError(paused(), 'WaitedTooLong', next);
  });

  it('waits only a second, once, if a cancel has arrived since the last poll, and not during a rollback', async () => {
    await pause();
    fakes.clock.advance(60_000);
    await fakes.ledger.requestCancel(MIGRATION_ID, { requestedAt: at(30) });
    expect(await pause({ pauses: 2, back: true })).not.toEqual({ seconds: 1 });
    fakes = newFakes();
    await fakes.ledger.putMigration(aMigration());
    await pause();
    fakes.clock.advance(60_000);
    await fakes.ledger.requestCancel(MIGRATION_ID, { requestedAt: at(30) });
    expect(await pause({ pauses: 2 })).toEqual({ seconds: 1 });
    fakes.clock.advance(1000);
    expect(await pause({ pauses: 3 })).not.toEqual({ seconds: 1 });
  });
});
