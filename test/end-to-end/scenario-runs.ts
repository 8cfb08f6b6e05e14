/** Runs of built-in scenarios to their ends, in virtual time. */
import type { MigrationReport } from '../../lambdas/domain/record/migration.ts';
import { portsOf } from '../../lambdas/runtime/wiring.ts';
import { readFoundHandOff } from '../../lambdas/use-cases/hand-off/read-found.ts';
import type { AddonState, ClusterState } from '../../sandbox/world/world.ts';
import { accountOf, differences } from './hand-off-differences.ts';
import { type Run } from './fixture.ts';
import type { Row } from './scenario-rows.ts';
import { inWorld, type OpenWorld } from './world.ts';

interface Ended extends Run {
  /** The add-on that the migration was for. */
  cluster: ClusterState;
  /** An add-on in its original state. */
  before: (cluster: string, addon: string) => AddonState;
  /** In what the account differs from the hand-off of the report, and from the one that is read without the migration. */
  handOff: { ofReport: string[]; found: string[] };
}

/** Compares both hand-offs, if there are any, with the account. */
const compareHandOffs = async (
  world: OpenWorld,
  { addon, serviceAccount }: Row[1],
  { handOff }: MigrationReport,
): Promise<Ended['handOff']> => {
  const { eks } = portsOf(world.backend.sandbox.clients(undefined, world.target.region), world.target);
  const found = await readFoundHandOff(eks, world.target, { addon, serviceAccount });
  const differing = (one: typeof found): string[] => (one === undefined ? [] : differences(accountOf(world), one));
  return { ofReport: differing(handOff), found: differing(found) };
};

/** Runs the request against the scenario's first cluster. */
export const start = (scenario: string, request: Row[1], prepare?: (backend: Run['backend']) => void): Promise<Ended> =>
  inWorld({ scenario }, async (world) => {
    const { backend, cluster } = world;
    const was = new Map<string, AddonState>();
    for (const each of clustersOf(backend.sandbox.world))
      for (const addon of each.addons.values()) was.set(`${each.name}/${addon.name}`, structuredClone(addon));
    prepare?.(backend);
    const report = await world.migrate(request);
    const handOff = await compareHandOffs(world, request, report);
    return { report, backend, cluster, before: (of, addon) => was.get(`${of}/${addon}`)!, handOff };
  });

/** Several tests read the same run; none changes it. */
const runs = new Map<string, Promise<Ended>>();
export const run = (name: string, request: Row[1]): Promise<Ended> => {
  const key = JSON.stringify([name, request]);
  const known = runs.get(key) ?? start(name, request);
  runs.set(key, known);
  return known;
};

export const clustersOf = ({ accounts }: Run['backend']['sandbox']['world']): ClusterState[] =>
  [...accounts.values()].flatMap(({ clusters }) => [...clusters.values()]);
