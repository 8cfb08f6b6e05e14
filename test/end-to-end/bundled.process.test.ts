/** The deployed bundle itself, each function in a separate process, over real HTTP and HTTPS. */
import { expect, it } from 'vitest';
import { openSandboxBackend } from '../../cli/backend.ts';
import type { MigrationRequestInput } from '../../lambdas/domain/migration/model.ts';
import type { Scenario } from '../../sandbox/world/scenario.ts';
import { ADDON, BUNDLED, clusterOf, ebs, migrate, mutationsOf, RECREATE, scenarioWith } from './fixture.ts';

/** Short, so that little of the scaled time is spent on waiting. */
const quick = {
  addonCreateSeconds: 1,
  addonUpdateSeconds: 1,
  addonDeleteSeconds: 1,
  podReadySeconds: 1,
  deleteStaleSeconds: 0,
  associationDeleteLagSeconds: 0,
  cascadeLagSeconds: 0,
};
const scenarioOf = (change?: Parameters<typeof scenarioWith>[0]): Scenario => {
  const scenario = scenarioWith(change);
  Object.assign(scenario.knobs, quick);
  return scenario;
};

const ends: [string, Scenario, Partial<MigrationRequestInput>][] = [
  ['migrated', scenarioOf(), RECREATE],
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
  expect(mutationsOf(run)).toEqual(
    outcome === 'migrated' ? ['eks:DeleteAddon', 'eks:DeletePodIdentityAssociation', 'eks:CreateAddon'] : [],
  );
});

it('the bundled asset continues with the next attempt, and ends migrated', async () => {
  const scenario = scenarioOf((changed) => void (changed.knobs.podsKeepIdentityOnUpdate = true));
  const run = await migrate({ scenario, bundled: true });
  expect(run.backend.sandbox.failures).toEqual([]);
  expect(run.report).toMatchObject({ outcome: 'migrated', applied: { strategy: 'recreate', preserve: true } });
});

it('the bundled asset ends rolled-back, with the add-on in its original state', async () => {
  // The webhook never sees these pods again: both restarts are in vain.
  const scenario = scenarioOf((changed) => void (changed.knobs.webhookLagSeconds = 86_400));
  const run = await migrate({ scenario, request: RECREATE, bundled: true });
  expect(run.report).toMatchObject({ outcome: 'rolled-back', failure: { name: 'PodsOnWrongIdentity' } });
  expect(clusterOf(run).addons.get(ADDON)).toMatchObject({
    status: 'ACTIVE',
    serviceAccountRoleArn: run.report.plan!.addon!.serviceAccountRoleArn,
  });
});

it('the bundled asset ends needs-human, with the commands', async () => {
  // The rollback has nothing to wait for: its own update fails too.
  const scenario = scenarioOf((changed) => void (changed.knobs.updateEndsIn = 'UPDATE_FAILED'));
  const run = await migrate({ scenario, request: { strategy: 'in-place' }, bundled: true });
  expect(run.report).toMatchObject({ outcome: 'needs-human', failure: { name: 'AddonFailed' } });
  expect(run.report.restoreCommands.join('\n')).toMatch(/aws eks update-addon [^]*\npod-identity rollback /);
});

it('the bundled asset looks for what a stopped execution left, and finds nothing', async () => {
  const migrationId = '01JD8Z5Q6R7S8T9V0W1X2Y3Z4A';
  const backend = await openSandboxBackend(scenarioOf(), BUNDLED);
  try {
    const { executions, failures } = backend.sandbox;
    const execution = executions.start(
      backend.recoverStateMachineArn,
      JSON.stringify({ migrationId, cause: 'stranded' }),
      migrationId,
    );
    await execution.ended;
    // A migration is taken over only a minute after its stop, by the function's clock, which is not the scaled one.
    expect([execution.status, execution.output, execution.cause, failures]).toEqual([
      'SUCCEEDED',
      JSON.stringify({ migrationId }),
      undefined,
      [],
    ]);
  } finally {
    await backend.close();
  }
});
