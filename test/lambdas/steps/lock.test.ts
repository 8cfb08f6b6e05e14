/** Promises 1 and 6: without its snapshot and its lock a step changes nothing. */
import { describe, expect, it } from 'vitest';
import type { Step } from '../../../lambdas/runtime/step.ts';
import { stepSchemas } from '../../../lambdas/steps/schemas.ts';
import { steps } from '../../../lambdas/steps/index.ts';
import { invoke, newFakes } from '../fakes.ts';
import { ADDON, aMigration, aPod, MIGRATION_ID, target } from '../fixtures.ts';
import { begunWithLeftOver, type Begun } from './begun.ts';

/** Each step that changes something, at a point where it would. */
const mutating: [string, Step, (fakes: Begun) => void, string][] = [
  ['delete-addon', steps['delete-addon'], () => undefined, 'eks.deleteAddon'],
  ['purge-associations', steps['purge-associations'], () => undefined, 'eks.deleteAssociation'],
  ['create-addon', steps['create-addon'], ({ eks }) => (eks.addons.clear(), (eks.associations = [])), 'eks.createAddon'],
  ['restart-pods', steps['restart-pods'], ({ kubernetes }) => (kubernetes.pods = [aPod('irsa')]), 'kubernetes.restartWorkload'],
  ['restore', steps.restore, ({ eks }) => (eks.addons.clear(), (eks.associations = [])), 'eks.createAddon'],
];

describe.each(mutating)('%s', (_, step, prepare, call) => {
  const run = (fakes: Begun): Promise<unknown> => invoke(step, { ...fakes.input, round: 1 }, fakes).catch((error: unknown) => error);

  it('changes something while it holds the lock', async () => {
    const fakes = await begunWithLeftOver();
    prepare(fakes);
    await run(fakes);
    expect(fakes.journal.mutations()).toContain(call);
  });

  it('changes nothing once the lock is another migration\'s', async () => {
    const fakes = await begunWithLeftOver();
    prepare(fakes);
    await fakes.loseLock();
    expect(await run(fakes)).toMatchObject({ name: 'LockLost' });
    expect(fakes.journal.mutations()).toEqual([]);
  });

  it('changes nothing under an older fence of its own lock', async () => {
    const fakes = await begunWithLeftOver();
    prepare(fakes);
    expect(await invoke(step, { ...fakes.input, fence: 7, round: 1 }, fakes).catch((error: unknown) => error)).toMatchObject({ name: 'LockLost' });
    expect(fakes.journal.mutations()).toEqual([]);
  });

  it('changes nothing without a snapshot', async () => {
    const fakes = newFakes();
    await fakes.ledger.putMigration(aMigration());
    expect(await invoke(step, { migrationId: MIGRATION_ID, target, addon: ADDON, fence: 1, round: 1 }, fakes).catch((error: unknown) => error)).toMatchObject({ name: 'BadInput', message: expect.stringContaining('snapshot') as string });
    expect(fakes.journal.mutations()).toEqual([]);
  });

  it('changes nothing when the lock can not be read', async () => {
    const fakes = await begunWithLeftOver();
    prepare(fakes);
    fakes.journal.failNext('ledger.assertLock');
    expect(await run(fakes)).toMatchObject({ name: 'ConnectionLost' });
    expect(fakes.journal.mutations()).toEqual([]);
  });
});

describe('the registry of steps', () => {
  it('has one handler for each schema, under its own name', () => {
    expect(Object.keys(steps)).toEqual(Object.keys(stepSchemas));
    for (const [name, step] of Object.entries(steps)) {
      expect(step.schema).toBe(stepSchemas[name as keyof typeof stepSchemas]);
      expect(step.schema.name).toBe(name);
    }
  });
});
