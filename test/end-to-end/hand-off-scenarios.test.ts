/** What the owner's code must contain after each of the built-in scenarios, however it ended: compared with the account. */
import { describe, expect, it } from 'vitest';
import { portsOf } from '../../lambdas/runtime/wiring.ts';
import { readFoundHandOff } from '../../lambdas/use-cases/hand-off/read-found.ts';
import { accountOf, differences } from './hand-off-differences.ts';
import { type Row, rows } from './scenario-rows.ts';
import { inWorld } from './world.ts';

/** Ends after which the code is known, or was not changed. */
const WITH_HAND_OFF = new Set(['migrated', 'rolled-back', 'already-migrated']);

const cases = rows.map(([scenario, request]): [string, Row[1]] => [scenario, request]);

describe('the hand-off at the end of a scenario', () => {
  it.each(cases)('describes the account: %s, %j', async (scenario, request) => {
    await inWorld({ scenario }, async (world) => {
      const { outcome, handOff } = await world.migrate(request);
      expect(handOff !== undefined).toBe(WITH_HAND_OFF.has(outcome));
      expect(handOff === undefined ? [] : differences(accountOf(world), handOff)).toEqual([]);
      const { eks } = portsOf(world.backend.sandbox.clients(undefined, world.target.region), world.target);
      const found = await readFoundHandOff(eks, world.target, {
        addon: request.addon,
        serviceAccount: request.serviceAccount,
      });
      expect(found === undefined ? [] : differences(accountOf(world), found)).toEqual([]);
    });
  });
});
