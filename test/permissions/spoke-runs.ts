/** The same runs with the service in an account of its own: their clusters are another one's, where it works by the roles that it assumes. */
import { systemClock, systemIds } from '../../lambdas/adapters/system.ts';
import { wire } from '../../lambdas/runtime/wiring.ts';
import { loadAssembly } from '../../sandbox/assembly/assembly.ts';
import { credentialsOf } from '../../sandbox/sts/access-keys.ts';
import type { Scenario } from '../../sandbox/world/scenario.ts';
import { newFakes } from '../lambdas/fakes.ts';
import type { Run } from './follow.ts';
import { RUNS } from './runs.ts';

/** Where the service is: in another account, and another region. */
export const HUB = { account: '999988887777', region: 'eu-central-1' };

/** The service, in an account that has nothing else. */
export const fromAfar = (scenario: Scenario): void => {
  scenario.accounts.push({ id: HUB.account, roles: [], clusters: [], disabledRegions: [] });
  scenario.home = HUB;
};

/** Who looks at all clusters of a region, by what it looks with. */
const inventory = (directory: string): Run => ({
  name: 'the clusters of a region are listed, and looked at',
  scenario: 'in-place',
  ends: ['MigrateAddon SUCCEEDED'],
  request: { dryRun: true },
  afterwards: async (sandbox, target) => {
    const fn = loadAssembly(directory, HUB).functions.find(({ handler }) => handler === 'take-inventory.handler')!;
    const clients = sandbox.clients(credentialsOf(sandbox.world, fn.roleArn), HUB.region);
    const { fleetOf, portsFor } = wire({ clients, step: 'take-inventory', environment: fn.environment, clock: systemClock, ids: systemIds, telemetry: newFakes().telemetry });
    for (const cluster of await fleetOf(target).listClusters()) await portsFor({ ...target, cluster }).kubernetes.listNodes();
  },
});

/** All but those in which somebody else acts with the rights of the service's own account. */
export const spokeRuns = (directory: string): Run[] =>
  [...RUNS.filter(({ meanwhile }) => meanwhile === undefined), inventory(directory)].map((run) => ({
    ...run,
    change: (scenario) => {
      run.change?.(scenario);
      fromAfar(scenario);
    },
  }));
