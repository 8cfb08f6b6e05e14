/**
 * The commands of a needs-human end. `restore-commands.process.test.ts` pastes them into a shell, and the simulation carries
 * out the commands of every run that needs a person.
 */
import { describe, expect, it } from 'vitest';
import { cases, expectRestoreCommands, scenarioOf } from './restore-commands-cases.ts';
import { inWorld } from './world.ts';

describe('the restore commands', () => {
  it.each(cases)('are for $what', async (one) => {
    const { knobs, faults } = await scenarioOf(one);
    await inWorld({ scenario: one.scenario, knobs, faults }, async (world) => {
      const { restoreCommands, migrationId } = await expectRestoreCommands(world, one);
      expect(restoreCommands.at(-1)).toBe(`pod-identity rollback ${migrationId} --deployed`);
    });
  });
});
