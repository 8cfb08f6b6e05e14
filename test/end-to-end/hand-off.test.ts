/**
 * The commands of a needs-human end. `hand-off.process.test.ts` pastes them into a shell, and the simulation carries
 * out the commands of every run that needs a person.
 */
import { describe, expect, it } from 'vitest';
import { cases, expectHandOff, scenarioOf } from './hand-offs.ts';
import { inWorld } from './world.ts';

describe('the commands of a hand-off', () => {
  it.each(cases)('are for $what', async (one) => {
    const { knobs, faults } = await scenarioOf(one);
    await inWorld({ scenario: one.scenario, knobs, faults }, async (world) => {
      const { handOff, migrationId } = await expectHandOff(world, one);
      expect(handOff.at(-1)).toBe(`pod-identity rollback ${migrationId} --deployed`);
    });
  });
});
