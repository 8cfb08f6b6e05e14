/** The very bundle that is deployed, each function in a process of its own, over real HTTP and HTTPS. */
import { expect, it } from 'vitest';
import type { MigrationRequestInput } from '../../lambdas/domain/model.ts';
import type { Scenario } from '../../sandbox/world/scenario.ts';
import { ADDON, clusterOf, ebs, migrate, mutationsOf, scenarioWith } from './fixture.ts';

/** Short, so that little of the scaled time is spent on waiting. */
const quick = { addonCreateSeconds: 1, addonDeleteSeconds: 1, podReadySeconds: 1, deleteStaleSeconds: 0, associationDeleteLagSeconds: 0, cascadeLagSeconds: 0 };
const scenarioOf = (change?: Parameters<typeof scenarioWith>[0]): Scenario => {
  const scenario = scenarioWith(change);
  Object.assign(scenario.knobs, quick);
  return scenario;
};

const ends: [string, Scenario, Partial<MigrationRequestInput>][] = [
  ['migrated', scenarioOf(), {}],
  ['planned', scenarioOf(), { dryRun: true }],
  ['blocked', scenarioOf((scenario) => void (scenario.accounts[0]!.roles = [])), {}],
  [
    'already-migrated',
    scenarioOf((_, cluster) => {
      delete ebs(cluster).serviceAccountRoleArn;
      cluster.associations[0]!.owner = ADDON;
    }),
    {},
  ],
];

it.each(ends)('the bundled asset ends %s', async (outcome, scenario, request) => {
  const run = await migrate({ scenario, request, bundled: true });
  expect(run.backend.sandbox.failures).toEqual([]);
  expect(run.report.outcome).toBe(outcome);
  expect(mutationsOf(run)).toEqual(outcome === 'migrated' ? ['eks:DeleteAddon', 'eks:DeletePodIdentityAssociation', 'eks:CreateAddon'] : []);
});

it('the bundled asset ends rolled-back, with the add-on as it was', async () => {
  // Pods that the webhook never sees again: both restarts are in vain.
  const scenario = scenarioOf((changed) => {
    changed.knobs.webhookLagSeconds = 86_400;
  });
  const run = await migrate({ scenario, bundled: true });
  expect(run.report).toMatchObject({ outcome: 'rolled-back', failure: { name: 'PodsOnWrongIdentity' } });
  expect(clusterOf(run).addons.get(ADDON)).toMatchObject({ status: 'ACTIVE', serviceAccountRoleArn: run.report.plan!.addon!.serviceAccountRoleArn });
});

it('the bundled asset ends needs-human, with the commands', async () => {
  const scenario = scenarioOf();
  const run = await migrate({
    scenario,
    bundled: true,
    prepare: ({ sandbox }) => {
      let refused = false;
      sandbox.world.log.onCall((call) => {
        if (refused || call.operation !== 'DeletePodIdentityAssociation') return;
        refused = true;
        // Without its role neither the new add-on nor the old one can be made.
        sandbox.world.accounts.get('111122223333')!.roles.clear();
      });
    },
  });
  expect(run.report.outcome).toBe('needs-human');
  expect(run.report.handOff.join('\n')).toContain('aws eks create-addon');
});
