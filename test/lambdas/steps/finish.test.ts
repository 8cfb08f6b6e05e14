import { describe, expect, it } from 'vitest';
import { handOffCommands } from '../../../lambdas/domain/hand-off.ts';
import { finishStep } from '../../../lambdas/steps/finish/handler.ts';
import { invoke, newFakes } from '../fakes.ts';
import { ADDON, aSnapshot, at, EXECUTION, MIGRATION_ID, OTHER_MIGRATION_ID, target } from '../fixtures.ts';
import { begun, LOCK, type Begun } from './begun.ts';

const failure = { Error: 'AddonFailed', Cause: JSON.stringify({ errorType: 'AddonFailed', errorMessage: 'Add-on is CREATE_FAILED.', trace: ['at x'] }) };
const run = (fakes: Begun, outcome: string, more: object = {}): Promise<unknown> => invoke(finishStep, { migrationId: MIGRATION_ID, target, addon: ADDON, outcome, ...more }, fakes);
const isFree = async ({ ledger }: Begun): Promise<boolean> => (await ledger.acquireLock(LOCK, { migrationId: OTHER_MIGRATION_ID, executionArn: EXECUTION, since: at(0) })).acquired;

describe('finish', () => {
  it.each([
    ['migrated', 'pods'],
    ['blocked', 'none'],
    ['rolled-back', 'none'],
  ])('writes %s, verified by %s, and lets go of the lock', async (outcome, verified) => {
    const fakes = await begun();
    fakes.clock.advance(90_000);
    expect(await run(fakes, outcome)).toEqual({ outcome });
    expect(await fakes.record()).toMatchObject({ status: 'ended', outcome, verified, endedAt: at(90), handOff: [] });
    expect(fakes.telemetry.counts).toEqual({ [`outcome-${outcome}`]: 1 });
    expect(await isFree(fakes)).toBe(true);
    const names = fakes.journal.names();
    expect(names.indexOf('ledger.updateMigration')).toBeLessThan(names.indexOf('ledger.releaseLock'));
  });

  it('keeps the lock where a person is needed, and says what to do', async () => {
    const fakes = await begun();
    await run(fakes, 'needs-human', { failure });
    expect(await fakes.record()).toMatchObject({ outcome: 'needs-human', handOff: handOffCommands(target, aSnapshot()), failure: { name: 'AddonFailed', message: 'Add-on is CREATE_FAILED.' } });
    expect(await isFree(fakes)).toBe(false);
  });

  it('invoked again changes nothing', async () => {
    const fakes = await begun();
    await run(fakes, 'rolled-back', { failure });
    const first = await fakes.record();
    fakes.clock.advance(5000);
    expect(await run(fakes, 'rolled-back')).toEqual({ outcome: 'rolled-back' });
    expect(await fakes.record()).toEqual(first);
    expect(fakes.telemetry.counts).toEqual({ 'outcome-rolled-back': 1 });
  });

  it('lets go of the lock after the reply to the record was lost', async () => {
    const fakes = await begun();
    fakes.journal.failNext('ledger.updateMigration', 'after');
    await expect(run(fakes, 'migrated')).rejects.toMatchObject({ name: 'ConnectionLost' });
    expect(await run(fakes, 'migrated')).toEqual({ outcome: 'migrated' });
    expect(await isFree(fakes)).toBe(true);
  });

  it('does not touch a lock that another migration holds', async () => {
    const fakes = await begun();
    await fakes.loseLock();
    await run(fakes, 'blocked');
    await expect(fakes.ledger.assertLock(LOCK, OTHER_MIGRATION_ID, 2)).resolves.toBeUndefined();
  });

  it('ends a migration that never left a record', async () => {
    const fakes = newFakes();
    expect(await invoke(finishStep, { migrationId: MIGRATION_ID, target, addon: ADDON, outcome: 'blocked' }, fakes)).toEqual({ outcome: 'blocked' });
  });

  it.each([
    ['text of Step Functions itself', { Error: 'States.Timeout', Cause: 'The state timed out' }, { name: 'States.Timeout', message: 'The state timed out' }],
    ['JSON of another form', { Error: 'X', Cause: '{"a":1}' }, { name: 'X', message: '{"a":1}' }],
    ['JSON that was cut off', { Error: 'X', Cause: '{"errorMessage":"hal' }, { name: 'X', message: '{"errorMessage":"hal' }],
    ['no cause', { Error: 'States.Timeout', Cause: '' }, { name: 'States.Timeout', message: expect.stringContaining('history') as string }],
  ])('keeps a failure of %s', async (_, given, kept) => {
    const fakes = await begun();
    await run(fakes, 'blocked', { failure: given });
    expect((await fakes.record()).failure).toEqual(kept);
  });
});
