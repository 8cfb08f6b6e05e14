/** The twin of each published scenario gives the same plans, checks and outcomes as the scenario itself. */
import { describe, expect, it } from 'vitest';
import { readScenario } from '../../sandbox/world/load.ts';
import { scenarioFile } from './fixture.ts';
import { rows } from './scenario-rows.ts';
import { rehearsable, seenIn, twinOf } from './twin.ts';

describe('the twin of a published scenario', () => {
  it.each(rows)('%s, %j', async (name, request) => {
    const scenario = await readScenario(scenarioFile(name));
    const [account] = scenario.accounts;
    const cluster = account!.clusters[0]!;
    const twin = await twinOf(scenario, cluster);
    const target = { account: account!.id, region: cluster.region, cluster: cluster.name };
    const [original, rehearsed] = [
      await seenIn(scenario, { target, ...request }),
      await seenIn(rehearsable(twin, scenario), { target, ...request }),
    ];
    expect(rehearsed).toEqual(original);
  });
});
