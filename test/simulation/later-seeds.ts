/** Draws what is requested after a migration has ended, once another principal has changed something. */
import { Random } from '../../sandbox/random.ts';
import { chance, pick } from './draws.ts';
import type { RunSpec } from './spec.ts';

/** Acts by which a role's owner revokes it, and one that changes something else. */
const OWNERS = ['dissociate', 'dissociate', 'repoint', 'change-configuration'] as const;

/**
 * Returns a seed's run with a reinstatement or a requested rollback after another principal's act, independently of the
 * rest. These runs have no other fault.
 */
export const withLaterOfSeed = (base: RunSpec): RunSpec => {
  const random = new Random(base.seed ^ 0x1a7e5);
  if (!chance(random, 0.08)) return base;
  const { scenario, seed, knobs, time, consumers } = base;
  if (chance(random, 0.1)) return { scenario: 'approved', seed: base.seed, faults: [], retire: 'undone', held: true };
  const isReinstated = chance(random, 0.5);
  const does = pick(random, OWNERS);
  return {
    // In that one the migration deletes an association that a rollback gives back.
    scenario: !isReinstated && chance(random, 0.5) ? 'left-over' : scenario,
    seed,
    faults: [],
    ...(knobs ? { knobs } : {}),
    ...(time ? { time } : {}),
    ...(consumers ? { consumers } : {}),
    ...(isReinstated
      ? { retire: 'undone', actor: { afterCall: 'before-reinstatement', does } }
      : { rollBack: true, actor: { afterCall: 'before-requested-rollback', does } }),
  };
};
