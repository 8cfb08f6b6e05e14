/** A failing step notes its own pause where the state machine asks for that, and is never led to by what it quotes. */
import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { type ErrorName, MigrationError } from '../../../lambdas/domain/failures/errors.ts';
import type { NotedWait } from '../../../lambdas/domain/waiting/waiting-for.ts';
import { PauseNoted } from '../../../lambdas/domain/waiting/noted-pause.ts';
import { createHandler, type LambdaContext } from '../../../lambdas/runtime/handler.ts';
import { defineStep, step, stepInput } from '../../../lambdas/runtime/step.ts';
import { pauseStep } from '../../../lambdas/steps/pause/handler.ts';
import { type Fakes, invoke, newFakes } from '../fakes.ts';
import { ADDON, aMigration, at, MIGRATION_ID, target } from '../fixtures.ts';
import { endedAs } from '../run-examples.ts';

const it = test.extend<{ fakes: Fakes }>({
  // oxlint-disable-next-line no-empty-pattern
  fakes: async ({}, use) => {
    const fakes = newFakes();
    await fakes.ledger.putMigration(aMigration());
    await use(fakes);
  },
});
const DAY = 24 * 3600 * 1000;
const schema = defineStep('look', {
  title: 'Read something',
  input: z.strictObject(stepInput.shape),
  output: z.object({}),
});
const input = { migrationId: MIGRATION_ID, target, subject: ADDON };
const PAUSING = { state: 'AwaitActive', back: false, pauses: 1, executionStartedAt: at(0), retries: 0 };

/** Returns what the handler throws if the step throws that. */
const thrown = (
  { dependencies }: Fakes,
  error: unknown,
  pausing: object | undefined = {},
  remaining = 42_000,
): Promise<unknown> =>
  createHandler(
    step(schema, () => Promise.reject(error)),
    dependencies,
  )({ ...input, pausing: { ...PAUSING, ...pausing } }, {
    getRemainingTimeInMillis: () => remaining,
  } as LambdaContext).catch((reason: unknown) => reason);
const waitOf = async ({ ledger }: Fakes): Promise<NotedWait | undefined> =>
  (await ledger.getMigration(MIGRATION_ID))?.waitingFor;
const notYet = new MigrationError('AddonNotActive', 'The add-on is UPDATING.');

describe('a step that fails with an error that may pass', () => {
  it('throws the pause with its seconds and its own error, and no text', async ({ fakes }) => {
    const error = (await thrown(fakes, notYet)) as PauseNoted;
    expect(error).toBeInstanceOf(PauseNoted);
    expect([error.name, error.message, error.stack]).toEqual([
      'PauseNoted',
      '{"seconds":7,"error":"AddonNotActive"}',
      'PauseNoted',
    ]);
    expect(await fakes.ledger.listSteps(MIGRATION_ID)).toMatchObject([
      { name: 'look', error: { name: 'AddonNotActive', message: 'The add-on is UPDATING.' } },
    ]);
    expect(fakes.telemetry.counts).toEqual({ AddonNotActive: 1 });
  });

  it.each<[ErrorName, object]>([
    ['AddonNotActive', {}],
    ['PodsNotSettled', { pauses: 7 }],
    ['Throttled', { retries: 1 }],
    ['AccessDenied', { back: true }],
  ])('notes the same wait as the step pause (%s)', async (name, change) => {
    const noted = [];
    for (const by of ['itself', 'pause'] as const) {
      const fakes = newFakes();
      await fakes.ledger.putMigration(aMigration());
      const seconds: number[] = [];
      for (const waited of [0, 200_000]) {
        fakes.clock.advance(waited);
        const error = new MigrationError(name, 'eks:DescribeAddon: {"seconds":1,"error":"Busy"}');
        const { retries: _, ...asked } = { ...PAUSING, ...change };
        const cause = JSON.stringify({ errorType: name, errorMessage: error.message });
        const pause =
          by === 'itself'
            ? JSON.parse(((await thrown(fakes, error, change)) as Error).message)
            : await invoke(pauseStep, { ...asked, migrationId: MIGRATION_ID, error: name, cause }, fakes);
        seconds.push((pause as { seconds: number }).seconds);
      }
      noted.push({ seconds, wait: await waitOf(fakes), calls: fakes.journal.of('ledger.noteWait') });
    }
    expect(noted[0]).toEqual(noted[1]);
    expect(noted[0]).toMatchObject({ wait: { state: 'AwaitActive', since: at(0), notedAt: at(200) } });
  });

  it('reads the record once, and a cancel that it has found shortens the pause', async ({ fakes }) => {
    fakes.journal.clear();
    await thrown(fakes, notYet);
    expect(fakes.journal.of('ledger.getFile')).toHaveLength(1);
    fakes.clock.advance(60_000);
    await fakes.ledger.requestCancel(MIGRATION_ID, { requestedAt: at(30) });
    expect(await thrown(fakes, notYet)).toMatchObject({ message: '{"seconds":1,"error":"AddonNotActive"}' });
  });

  it('notes errors that its state pauses for in addition', async ({ fakes }) => {
    const denied = new MigrationError('AccessDenied', 'eks:DescribeAddon is denied.');
    expect(await thrown(fakes, denied)).toBe(denied);
    expect(await thrown(fakes, denied, { held: ['AccessDenied'] })).toBeInstanceOf(PauseNoted);
  });
});

describe('a step throws its own error', () => {
  const outage = new MigrationError('ServiceUnavailable', 'EKS does not answer.');

  it.each<[string, unknown, object]>([
    ['if a quick retry comes first', outage, {}],
    ['if no time cures it', new MigrationError('AddonFailed', 'It is CREATE_FAILED.'), {}],
    ['if the state waits by itself', new MigrationError('WindowClosed', 'The window opens in 10 minutes.'), {}],
    ['if no more pauses are left', notYet, { pauses: 480 }],
  ])('%s', async (_, error, pausing) => {
    const fakes = newFakes();
    await fakes.ledger.putMigration(aMigration());
    expect(await thrown(fakes, error, pausing)).toBe(error);
    expect(await waitOf(fakes)).toBe(undefined);
  });

  it('if the waiting is over, which the step pause then decides', async ({ fakes }) => {
    await thrown(fakes, notYet);
    fakes.clock.advance(DAY);
    expect(await thrown(fakes, notYet, { pauses: 2 })).toBe(notYet);
    expect(await waitOf(fakes)).toMatchObject({ notedAt: at(0) });
  });

  it('if what asks for the pause has another form, which it refuses like any field that it does not know', async ({
    fakes,
  }) => {
    expect(await thrown(fakes, notYet, { pauses: '1' })).toMatchObject({ name: 'BadInput' });
    expect(await waitOf(fakes)).toBe(undefined);
  });

  it('if the definition does not ask for the pause', async ({ fakes }) => {
    const handler = createHandler(
      step(schema, () => Promise.reject(notYet)),
      fakes.dependencies,
    );
    const context = { getRemainingTimeInMillis: () => 42_000 } as LambdaContext;
    await expect(handler(input, context)).rejects.toBe(notYet);
    expect(await waitOf(fakes)).toBe(undefined);
  });

  it('if the ledger does not take the wait, or the time of the invocation is up', async ({ fakes }) => {
    expect(await thrown(fakes, notYet, {}, 0)).toBe(notYet);
    expect(await waitOf(fakes)).toBe(undefined);
    fakes.journal.failNext('ledger.noteWait');
    expect(await thrown(fakes, notYet)).toBe(notYet);
    expect(fakes.telemetry.lines).toContainEqual(expect.objectContaining({ message: 'could not note the pause' }));
  });

  it('under another name than that of a noted pause, which a service could have chosen', async ({ fakes }) => {
    const forged = Object.assign(new Error('{"seconds":604800,"error":"AddonNotActive"}'), { name: 'PauseNoted' });
    expect(await thrown(fakes, forged)).toMatchObject({ name: 'Error', message: forged.message });
    expect(await waitOf(fakes)).toBe(undefined);
  });
});

it('notes nothing in a record that has ended or does not exist, and the step waits nevertheless', async ({ fakes }) => {
  await fakes.ledger.updateMigration(MIGRATION_ID, endedAs('blocked', 100));
  expect(await thrown(fakes, notYet)).toBeInstanceOf(PauseNoted);
  expect(await waitOf(fakes)).toBe(undefined);
  expect(await thrown(newFakes(), notYet)).toBeInstanceOf(PauseNoted);
});
