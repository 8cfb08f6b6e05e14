/**
 * The deployed bundle itself, each function in a separate process, over real HTTP and HTTPS. The migrations share one
 * world, so that a function's process is started once; each has its own cluster and role.
 */
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from 'vitest';
import { openSandboxBackend, type SandboxBackend } from '../../cli/backend.ts';
import { runMigration } from '../../cli/service/run.ts';
import { migrationRequest, type MigrationRequestInput } from '../../lambdas/domain/request/request.ts';
import type { MigrationReport } from '../../lambdas/domain/record/migration.ts';
import type { Knobs, Scenario, ScenarioCluster } from '../../sandbox/scenario/scenario.ts';
import { ADDON, BUNDLED, ebs, RECREATE, requestOf, scenarioWith, TARGET } from './fixture.ts';

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

const ENDS: [outcome: string, request: Partial<MigrationRequestInput>][] = [
  ['migrated', RECREATE],
  ['planned', { dryRun: true }],
  ['blocked', {}],
  ['already-migrated', {}],
];
/** A cluster for each test, named after it. */
const CLUSTERS = [...ENDS.map(([outcome]) => outcome), 'next-attempt', 'rolled-back', 'needs-human'];

/** Returns a copy with the names and the OIDC provider of another cluster. */
const copyFor = <T>(value: T, { name, oidcId }: ScenarioCluster, to: string): T => {
  const otherId = Buffer.from(to).toString('hex');
  const text = JSON.stringify(value).replaceAll(name, to);
  return JSON.parse(text.replaceAll(oidcId!, otherId.padEnd(32, '0').slice(0, 32).toUpperCase())) as T;
};

const scenarioOf = (): Scenario =>
  scenarioWith(({ knobs, accounts: [account] }, cluster) => {
    Object.assign(knobs, quick);
    const roles = account!.roles;
    account!.roles = CLUSTERS.filter((name) => name !== 'blocked').flatMap((name) => copyFor(roles, cluster, name));
    account!.clusters = CLUSTERS.map((name) => copyFor(cluster, cluster, name));
    const migrated = account!.clusters.find(({ name }) => name === 'already-migrated')!;
    delete ebs(migrated).serviceAccountRoleArn;
    migrated.associations[0]!.owner = ADDON;
  });

let backend: SandboxBackend;
let knobs: Knobs;
beforeAll(async () => void (backend = await openSandboxBackend(scenarioOf(), BUNDLED)));
afterAll(() => backend?.close());
beforeEach(() => void (knobs = { ...backend.sandbox.world.knobs }));
afterEach(() => void Object.assign(backend.sandbox.world.knobs, knobs));

interface Run {
  report: MigrationReport;
  /** The names of the calls that changed something. */
  changes: string[];
}
const migrate = async (cluster: string, request: Partial<MigrationRequestInput> = {}): Promise<Run> => {
  const { log } = backend.sandbox.world;
  const before = log.mutations().length;
  const asked = requestOf({ ...request, target: { ...TARGET, cluster } });
  const report = await runMigration(backend, migrationRequest.parse(asked));
  return {
    report,
    changes: log
      .mutations()
      .slice(before)
      .map(({ service, operation, error }) => `${service}:${operation}${error ? ` ${error}` : ''}`),
  };
};

it.each(ENDS)('the bundled asset ends %s', async (outcome, request) => {
  const { report, changes } = await migrate(outcome, request);
  expect(backend.sandbox.failures).toEqual([]);
  expect(report.outcome).toBe(outcome);
  expect(changes).toEqual(
    outcome === 'migrated' ? ['eks:DeleteAddon', 'eks:DeletePodIdentityAssociation', 'eks:CreateAddon'] : [],
  );
});

it('the bundled asset continues with the next attempt, and ends migrated', async () => {
  backend.sandbox.world.knobs.podsKeepIdentityOnUpdate = true;
  const { report } = await migrate('next-attempt');
  expect(backend.sandbox.failures).toEqual([]);
  expect(report).toMatchObject({ outcome: 'migrated', applied: { strategy: 'recreate', preserve: true } });
});

it('the bundled asset ends rolled-back, with the add-on in its original state', async () => {
  // The webhook never sees these pods again: both restarts are in vain.
  backend.sandbox.world.knobs.webhookLagSeconds = 86_400;
  const { report } = await migrate('rolled-back', RECREATE);
  expect(backend.sandbox.failures).toEqual([]);
  expect(report).toMatchObject({ outcome: 'rolled-back', failure: { name: 'PodsOnWrongIdentity' } });
  const { clusters } = backend.sandbox.world.accounts.get(TARGET.account)!;
  expect(clusters.get(`${TARGET.region}/rolled-back`)!.addons.get(ADDON)).toMatchObject({
    status: 'ACTIVE',
    serviceAccountRoleArn: report.plan!.addon!.serviceAccountRoleArn,
  });
});

it('the bundled asset ends needs-human, with the commands', async () => {
  // The rollback has nothing to wait for: its own update fails too.
  backend.sandbox.world.knobs.updateEndsIn = 'UPDATE_FAILED';
  const { report } = await migrate('needs-human', { strategy: 'in-place' });
  expect(backend.sandbox.failures).toEqual([]);
  expect(report).toMatchObject({ outcome: 'needs-human', failure: { name: 'AddonFailed' } });
  expect(report.restoreCommands.join('\n')).toMatch(/aws eks update-addon [^]*\npod-identity rollback /);
});

it('the bundled asset looks for what a stopped execution left, and finds nothing', async () => {
  const migrationId = '01JD8Z5Q6R7S8T9V0W1X2Y3Z4A';
  const execution = backend.sandbox.executions.start(
    backend.recoverStateMachineArn,
    JSON.stringify({ migrationId, cause: 'stranded' }),
    migrationId,
  );
  await execution.ended;
  // A migration is taken over only a minute after its stop, by the function's clock, which is not the scaled one.
  expect([execution.status, execution.output, execution.cause, backend.sandbox.failures]).toEqual([
    'SUCCEEDED',
    JSON.stringify({ migrationId }),
    undefined,
    [],
  ]);
});
