/** Clusters of an account other than the service's: reached only by the roles that the service assumes there. */
import { mkdtempSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { AssumeRoleCommand } from '@aws-sdk/client-sts';
import { StartExecutionCommand } from '@aws-sdk/client-sfn';
import { beforeAll, describe, expect, it } from 'vitest';
import { createApiClient } from '../../cli/api/http.ts';
import { ensureAssembly } from '../../cli/assembly.ts';
import { createDynamoLedger } from '../../lambdas/adapters/dynamo-ledger.ts';
import type { MigrationReport } from '../../lambdas/domain/record/migration.ts';
import type { Target } from '../../lambdas/domain/terms/subject.ts';
import { serviceEvent } from '../../lambdas/domain/events/service-event.ts';
import { externalIdOf, isSpokeRole, SPOKE_SESSION_SECONDS, spokeRoleArn } from '../../lambdas/domain/access/spokes.ts';
import { synthesise } from '../../scripts/synthesise.ts';
import { loadAssembly } from '../../sandbox/assembly/assembly.ts';
import { openSandbox, type Sandbox } from '../../sandbox/sandbox.ts';
import { credentialsOf, operatorRoleArn } from '../../sandbox/authorization/access-keys.ts';
import { readScenario } from '../../sandbox/build/load.ts';
import type { Call } from '../../sandbox/calls/call-log.ts';
import type { Scenario } from '../../sandbox/scenario/scenario.ts';
import { deniedEvent } from '../lambdas/denied-event.ts';
import { fromAfar, HUB } from '../permissions/spoke-runs.ts';
import { scenarioFile } from './fixture.ts';
import { inWorld, type OpenWorld } from './world.ts';
import { scratchDirectory } from '../scratch.ts';
import { expectError, matching } from '../lambdas/matchers.ts';

const { directory, lambdaDirectory } = await ensureAssembly();
const CLUSTERS = '111122223333';
const ADDON = 'aws-ebs-csi-driver';
const SERVICE_ACCOUNT = 'ebs-csi-controller-sa';

const scratch = scratchDirectory();

const withoutStack = (scenario: Scenario): void => {
  fromAfar(scenario);
  scenario.accounts[0]!.spoke = 'absent';
};
/** Calls of EKS, IAM and API servers. */
const callsAt = ({ world: { log } }: Sandbox): Call[] =>
  log.calls.filter(({ service, step }) => step !== undefined && /^(eks|iam|kubernetes)$/.test(service));
const sessionsIn = ({ world: { log } }: Sandbox): Call[] =>
  log.calls.filter(({ operation }) => operation === 'AssumeRole');
const elsewhere = (change = fromAfar) => ({ scenario: 'in-place', change });
const saidIn = ({ failure, plan }: MigrationReport): string =>
  `${failure?.name ?? ''} ${failure?.message ?? ''} ${JSON.stringify(plan?.checks ?? [])}`;

describe('a migration of a cluster in another account', () => {
  it.each([
    ['in place', {}],
    ['recreated', { strategy: 'recreate' as const }],
  ])(
    'ends migrated, with every call there by an assumed role, and none by a role of the service (%s)',
    async (_, request) =>
      inWorld(elsewhere(), async (world) => {
        const { sandbox } = world.backend;
        expect(await world.migrate({ addon: ADDON, ...request })).toMatchObject({
          outcome: 'migrated',
          verified: 'ready',
          target: { account: CLUSTERS },
        });
        expect(world.readAddon(ADDON, SERVICE_ACCOUNT)).toMatchObject({
          addon: { role: undefined, owns: 1 },
          pods: expect.arrayContaining(['pod-identity']) as unknown,
        });
        const calls = callsAt(sandbox);
        expect(calls.length).toBeGreaterThan(30);
        expect(calls.filter(({ caller, account }) => !isSpokeRole(caller) || account !== CLUSTERS)).toEqual([]);
        expect(sandbox.authorizer.denials).toEqual([]);
        // One session for each role of each function, however many calls it makes.
        const sessions = sessionsIn(sandbox).map(
          ({ caller, input }) => `${caller} ${(input as { RoleArn: string }).RoleArn}`,
        );
        expect(new Set(sessions).size).toBe(sessions.length);
      }),
  );

  it('rolls back with the same roles', () =>
    inWorld(elsewhere(), async (world) => {
      const before = world.readAddon(ADDON, SERVICE_ACCOUNT);
      const { migrationId } = await world.migrate({ addon: ADDON });
      expect(await world.rollBack({ migrationId })).toMatchObject({ outcome: 'rolled-back' });
      expect(world.readAddon(ADDON, SERVICE_ACCOUNT)).toEqual(before);
      expect(callsAt(world.backend.sandbox).filter(({ caller }) => !isSpokeRole(caller))).toEqual([]);
    }));

  it('has no identities in the API, which reports that no role of the account can be assumed', () =>
    inWorld(elsewhere(withoutStack), async ({ backend: { sandbox } }) => {
      const { region } = sandbox.world.home;
      const { transport } = sandbox.clients().config;
      const credentials = credentialsOf(sandbox.world, operatorRoleArn(sandbox.world));
      const api = createApiClient({ url: sandbox.apiUrl!, region, credentials, http: transport.http });
      const answer = await api.request('GET', '/clusters/dev/identities', { query: { account: CLUSTERS, region } });
      expect({ status: answer.status, problem: JSON.parse(answer.body) as unknown }).toMatchObject({
        status: 409,
        problem: {
          code: 'no-access',
          detail: matching(new RegExp(`${spokeRoleArn(CLUSTERS, 'read')} could not be assumed.*docs/accounts\\.md`)),
          errors: [{ field: 'query.account' }],
        },
      });
    }));

  it("does not affect the service's own account: its clusters are reached without a session", () =>
    inWorld({ scenario: 'in-place' }, async (world) => {
      expect(await world.migrate({ addon: ADDON })).toMatchObject({ outcome: 'migrated' });
      expect(sessionsIn(world.backend.sandbox)).toEqual([]);
    }));

  it('is blocked if the stack is not deployed: the check names the role, the account and the documentation, and nothing was changed', async () =>
    inWorld(elsewhere(withoutStack), async (world) => {
      const { sandbox } = world.backend;
      const before = world.readAddon(ADDON, SERVICE_ACCOUNT);
      const report = await world.migrate({ addon: ADDON });
      expect(report.outcome).toBe('blocked');
      expect(saidIn(report)).toMatch(
        new RegExp(
          `AccessDenied .*${spokeRoleArn(CLUSTERS, 'read')}.*account ${CLUSTERS}.*PodIdentityMigratorSpoke.*docs/accounts\\.md`,
        ),
      );
      expect(world.readAddon(ADDON, SERVICE_ACCOUNT)).toEqual(before);
      expect([callsAt(sandbox), world.changes()]).toEqual([[], []]);
      // The service does not retry forever what a person has to set up.
      expect(sessionsIn(sandbox).length).toBeLessThanOrEqual(2);
    }));
});

describe('the roles in another account', () => {
  const OTHER_HUB = '123456789012';
  const wanted = {
    RoleSessionName: 'any',
    ExternalId: externalIdOf(HUB.account),
    DurationSeconds: SPOKE_SESSION_SECONDS,
  };
  const assume = async (
    world: OpenWorld,
    caller: string,
    change: Partial<typeof wanted> & { capability?: 'read' | 'change' | 'kubernetes-read' } = {},
  ): Promise<unknown> => {
    const { sandbox } = world.backend;
    const { capability = 'read', ...rest } = change;
    return sandbox
      .clients(credentialsOf(sandbox.world, caller), HUB.region)
      .sts()
      .send(new AssumeRoleCommand({ RoleArn: spokeRoleArn(CLUSTERS, capability), ...wanted, ...rest }));
  };
  const roleOf = (step: string): string =>
    loadAssembly(directory, HUB).functions.find(({ handler }) => handler === `${step}.handler`)!.roleArn;

  it('allow only the step that needs them: no other external id, no other step, and no other role', async () =>
    inWorld(elsewhere(), async (world) => {
      await expect(assume(world, roleOf('plan'))).resolves.toMatchObject({ Credentials: {} });
      await expectError(assume(world, roleOf('plan'), { ExternalId: externalIdOf(OTHER_HUB) }), 'AccessDenied');
      await expectError(assume(world, roleOf('plan'), { capability: 'change' }), 'AccessDenied');
      await expectError(assume(world, roleOf('create-addon'), { capability: 'kubernetes-read' }), 'AccessDenied');
      await expectError(assume(world, roleOf('publish-events')), 'AccessDenied');
      // A principal with all permissions in the service's account is not allowed either.
      await expectError(assume(world, `arn:aws:iam::${HUB.account}:role/operator`), 'AccessDenied');
    }));

  it("do not allow another hub's steps, which have the same names", async () => {
    const arn = roleOf('plan').replace(HUB.account, OTHER_HUB);
    const withOtherHub = (scenario: Scenario): void => {
      fromAfar(scenario);
      const document = { Version: '2012-10-17', Statement: [{ Effect: 'Allow', Action: '*', Resource: '*' }] };
      const rest = { trustPolicy: '{}', attachedPolicies: [], tags: {}, createdAt: '2025-01-01T00:00:00.000Z' };
      const role = { arn, policies: [{ name: 'all', document }], ...rest };
      scenario.accounts.push({ id: OTHER_HUB, roles: [role], clusters: [], disabledRegions: [] });
    };
    await inWorld(elsewhere(withOtherHub), async (world) => {
      for (const hub of [HUB.account, OTHER_HUB])
        await expectError(assume(world, arn, { ExternalId: externalIdOf(hub) }), 'AccessDenied');
    });
  });
});

describe('a denied UpdateAddon in another account', () => {
  const location = { account: CLUSTERS, region: 'eu-west-1' };
  const notificationsIn = ({ backend }: OpenWorld) =>
    backend.sandbox.world.events.map(({ detail }) => serviceEvent.parse(detail));

  it('is forwarded by a rule there, and leads to a diagnosis of that cluster', () =>
    inWorld(elsewhere(), async (world) => {
      world.backend.sandbox.deliver(deniedEvent({ cluster: world.target.cluster }), location);
      await world.later(5 * 60_000);
      await world.rest();
      await world.later(5 * 60_000);
      expect(notificationsIn(world)).toMatchObject([
        {
          type: 'planned',
          account: CLUSTERS,
          cluster: world.target.cluster,
          addon: ADDON,
          trigger: { kind: 'cross-account-pass-role' },
        },
      ]);
      expect(world.changes()).toEqual([]);
    }));

  it.each([
    ['if the stack is not deployed', withoutStack, location],
    ['in a region without clusters and without the stack', fromAfar, { ...location, region: 'ap-southeast-1' }],
  ])('leads to nothing %s', (_, change, at) =>
    inWorld(elsewhere(change), async (world) => {
      world.backend.sandbox.deliver(deniedEvent({ cluster: world.target.cluster }), at);
      await world.later(10 * 60_000);
      expect([notificationsIn(world), world.backend.sandbox.executions.running()]).toEqual([[], []]);
    }),
  );
});

describe('an account that is not configured', () => {
  const OTHER = '444455556666';
  /** The service as each of these configurations deploys it. */
  const assemblies = new Map<string, string>();
  beforeAll(() => {
    for (const accounts of [[], [OTHER], [CLUSTERS]]) {
      const outdir = mkdtempSync(join(scratch, 'out-'));
      const config = join(outdir, 'settings.json');
      writeFileSync(config, JSON.stringify({ accounts }));
      synthesise(outdir, { lambdaDirectory, context: { passableRoleArns: 'role/*ebs*', config } });
      assemblies.set(accounts.join(), outdir);
    }
  });
  const inDeployment = async (
    accounts: string[],
    work: (sandbox: Sandbox, target: Target) => Promise<void>,
  ): Promise<void> => {
    const scenario = await readScenario(scenarioFile('in-place'));
    fromAfar(scenario);
    const sandbox = await openSandbox({ scenario, assemblyDirectory: assemblies.get(accounts.join())! });
    const [cluster] = scenario.accounts[0]!.clusters;
    try {
      await sandbox.clock.spawn(() =>
        work(sandbox, { account: CLUSTERS, region: cluster!.region, cluster: cluster!.name }),
      );
      expect(sandbox.failures).toEqual([]);
    } finally {
      await sandbox.close();
    }
  };
  const MIGRATION = '01JD8Z5Q6R7S8T9V0W1X2Y3Z4A';
  const migrate = async (sandbox: Sandbox, target: Target) => {
    const { clock, executions, outputs } = sandbox;
    const input = JSON.stringify({ migrationId: MIGRATION, request: { target, addon: ADDON } });
    const { executionArn } = await sandbox
      .clients()
      .stepFunctions()
      .send(new StartExecutionCommand({ stateMachineArn: outputs.stateMachineArn, name: MIGRATION, input }));
    await clock.park(executions.execution(executionArn!).ended);
    return createDynamoLedger({ client: sandbox.clients().dynamodb(), tableName: outputs.tableName }).getMigration(
      MIGRATION,
    );
  };

  it.each([
    ['none', []],
    ['another', [OTHER]],
  ])('is refused before any call there, with the setting that names it (configured: %s)', (_, accounts) =>
    inDeployment(accounts, async (sandbox, target) => {
      expect(await migrate(sandbox, target)).toMatchObject({
        outcome: 'blocked',
        failure: {
          name: 'BadInput',
          message: matching(new RegExp(`account ${CLUSTERS}\\..*setting accounts .*docs/accounts\\.md`)),
        },
      });
      expect([callsAt(sandbox), sessionsIn(sandbox)]).toEqual([[], []]);
    }),
  );

  it('can forward no event to the service, and an event put by hand does not count as its own', () =>
    inDeployment([OTHER], async (sandbox, target) => {
      sandbox.deliver(deniedEvent({ cluster: target.cluster }), target);
      await sandbox.clock.sleep(5 * 60_000);
      expect(
        sandbox.world.log.calls.filter(
          ({ operation, caller }) => operation === 'PutEvents' && caller.includes('-forward-'),
        ),
      ).toMatchObject([{ status: 400, error: 'AccessDeniedException' }]);
      sandbox.deliver(deniedEvent({ cluster: target.cluster }));
      await sandbox.clock.sleep(5 * 60_000);
      expect([sandbox.executions.running(), sandbox.world.events]).toEqual([[], []]);
      expect(JSON.stringify(sandbox.logs())).toContain('its account is not configured');
    }));

  it('is used once it is configured, by roles that match the configured patterns', () =>
    inDeployment([CLUSTERS], async (sandbox, target) => {
      expect(await migrate(sandbox, target)).toMatchObject({ outcome: 'migrated' });
      expect(callsAt(sandbox).filter(({ caller }) => !isSpokeRole(caller))).toEqual([]);
      expect(sandbox.authorizer.denials).toEqual([]);
    }));
});
