/** Clusters without the Pod Identity agent, and with each kind of it: the effect of a request that may install it. */
import { patienceFor } from '../../lambdas/domain/waiting/pause.ts';
import { DeleteAddonCommand } from '@aws-sdk/client-eks';
import { describe, expect, it } from 'vitest';
import type { MigrationReport } from '../../lambdas/domain/record/migration.ts';
import type { AddonState } from '../../sandbox/world/world.ts';
import { ADDON } from './fixture.ts';
import { type Asked, inWorld, type OpenWorld, type WorldOptions } from './world.ts';
import { containing, matching } from '../lambdas/matchers.ts';

const AGENT = 'eks-pod-identity-agent';
const VERSION = 'v1.3.4-eksbuild.1';
const ACCOUNT = 'ebs-csi-controller-sa';
const EFS = 'aws-efs-csi-driver';
const NODES_TOO = { 'efs-csi-node-sa': 'arn:aws:iam::111122223333:role/auto-prod-efs-csi-driver' };
const ABSENT = { scenario: 'agent-absent' };
const INSTALL = { addon: ADDON, agent: 'install' } as const;

const callsOf = (world: OpenWorld): string[] => world.changes().map(({ step, operation }) => `${step} ${operation}`);
const agentOf = ({ cluster }: OpenWorld): AddonState | undefined => cluster.addons.get(AGENT);
const warningsOf = ({ warnings }: MigrationReport): string[] => warnings.map(({ id }) => id);
const checkOf = ({ plan }: MigrationReport): unknown => plan!.checks.find(({ id }) => id === 'agent');

interface Seen {
  report: MigrationReport;
  before: unknown;
  after: unknown;
  calls: string[];
  agent: AddonState | undefined;
  nodes: string[];
  locks: unknown[];
}

/** Runs one migration of the driver, and returns what it left. */
const migrated = (options: WorldOptions, asked: Asked = INSTALL): Promise<Seen> =>
  inWorld(options, async (world) => {
    const before = world.readAddon(ADDON, ACCOUNT);
    const report = await world.migrate(asked);
    const pods = [...world.cluster.kube.objects.get('pods.')!.values()].filter(({ metadata }) =>
      metadata.name.startsWith(AGENT),
    );
    return {
      report,
      before,
      after: world.readAddon(ADDON, ACCOUNT),
      calls: callsOf(world),
      agent: structuredClone(agentOf(world)),
      nodes: pods.map(({ spec }) => String(spec!['nodeName'])).sort(),
      locks: await world.backend.ledger.listHeldLocks(),
    };
  });

/** Returns the calls of the install itself that changed something. */
const creates = (calls: string[]): string[] => calls.filter((call) => call.startsWith('install-agent'));

describe('a cluster without the Pod Identity agent', () => {
  it("gets it first, in EKS's default version, and the add-on is migrated", async () => {
    const { report, calls, agent, nodes, after, locks } = await migrated(ABSENT);
    expect(report).toMatchObject({
      outcome: 'migrated',
      verified: 'ready',
      plan: { installAgent: { version: VERSION } },
    });
    expect(calls).toEqual(['install-agent CreateAddon', 'update-addon UpdateAddon']);
    expect(agent).toMatchObject({
      status: 'ACTIVE',
      version: VERSION,
      serviceAccountRoleArn: undefined,
      configurationValues: undefined,
      tags: {},
      associationIds: [],
    });
    expect([new Set(nodes).size, after]).toMatchObject([2, { pods: ['pod-identity', 'pod-identity'] }]);
    expect(warningsOf(report)).toEqual(['agent-left-installed']);
    expect(report.warnings[0]!.message).toContain('by this migration');
    expect([report.steps.map(({ name }) => name).slice(0, 3), locks]).toEqual([['plan', 'begin', 'install-agent'], []]);
  });

  it('is left as it is by default, with a remedy that shows how to install it', async () => {
    const { report, calls, agent } = await migrated(ABSENT, { addon: ADDON });
    expect(report.outcome).toBe('blocked');
    expect(checkOf(report)).toMatchObject({ status: 'fail', remedy: containing('--agent install') });
    expect([calls, agent]).toEqual([[], undefined]);
  });

  it('gets a report from a dry run, and nothing is installed', async () => {
    const { report, calls, agent } = await migrated(ABSENT, { ...INSTALL, dryRun: true });
    expect(report).toMatchObject({ outcome: 'planned', plan: { installAgent: { version: VERSION } } });
    expect(report.plan!.steps[1]).toMatchObject({ name: 'install-agent', undo: containing('stays installed') });
    expect([calls, agent]).toEqual([[], undefined]);
  });

  /** The service's roles have no access entry, so the API server refuses them. */
  const unseen: WorldOptions = {
    scenario: 'agent-absent',
    change: ({ accounts }) => void (accounts[0]!.clusters[0]!.accessEntries = []),
  };

  it("gets it with EKS's status as the only evidence if the API server is not readable and the request accepts that", async () => {
    const { report, calls, agent } = await migrated(unseen, { ...INSTALL, verification: 'api' });
    expect(report).toMatchObject({
      outcome: 'migrated',
      verified: 'api',
      plan: { installAgent: { version: VERSION } },
    });
    expect(checkOf(report)).toMatchObject({
      status: 'warn',
      message: containing('Whether a self-managed agent runs there could not be read; EKS does not change the fields'),
    });
    expect(calls).toEqual(['install-agent CreateAddon', 'update-addon UpdateAddon']);
    expect(agent).toMatchObject({ status: 'ACTIVE', version: VERSION });
    expect(warningsOf(report)).toContain('agent-left-installed');
  });

  it('does not get it if the API server is not readable otherwise: an agent may run without EKS', async () => {
    const { report, calls, agent } = await migrated(unseen);
    expect(report.outcome).toBe('blocked');
    expect(checkOf(report)).toMatchObject({ status: 'unknown', remedy: containing('kubernetes-access') });
    expect([calls, agent]).toEqual([[], undefined]);
  });

  it('keeps it if the migration rolls back, and the report says so', async () => {
    const { report, before, after, agent } = await migrated(
      { ...ABSENT, knobs: { updateEndsIn: 'UPDATE_FAILED' } },
      { ...INSTALL, strategy: 'in-place' },
    );
    // Every update fails, including the one of the rollback.
    expect([report.outcome, warningsOf(report)]).toEqual(['needs-human', ['agent-left-installed', 'health-at-end']]);
    expect(agent).toMatchObject({ status: 'ACTIVE' });
    expect(after).not.toEqual(before);
    const refused = await migrated(
      {
        scenario: 'agent-absent',
        faults: [{ kind: 'access-denied', step: 'update-addon', operation: 'UpdateAddon', times: 'all' }],
      },
      { ...INSTALL, strategy: 'in-place' },
    );
    expect(refused.report).toMatchObject({ outcome: 'rolled-back', failure: { name: 'AccessDenied' } });
    expect(warningsOf(refused.report)).toEqual(['agent-left-installed']);
    expect(refused.agent).toMatchObject({ status: 'ACTIVE', version: VERSION });
    expect(refused.after).toEqual(refused.before);
  });

  it('keeps it if a migration is rolled back on demand', async () =>
    inWorld(ABSENT, async (world) => {
      const before = world.readAddon(ADDON, ACCOUNT);
      const { migrationId } = await world.migrate(INSTALL);
      const back = await world.rollBack({ migrationId });
      expect([back.outcome, warningsOf(back)]).toEqual(['rolled-back', ['agent-left-installed']]);
      expect(world.readAddon(ADDON, ACCOUNT)).toEqual(before);
      // Migrates again: now the agent exists.
      const again = await world.migrate(INSTALL);
      expect(again).toMatchObject({ outcome: 'migrated', warnings: [] });
      expect(again.plan!.installAgent).toBeUndefined();
      expect(creates(callsOf(world))).toHaveLength(1);
      expect(agentOf(world)).toMatchObject({ status: 'ACTIVE' });
    }));
});

describe('an install that fails', () => {
  it('for lack of a permission leaves the add-on untouched, and nothing behind', async () => {
    const { report, before, after, calls, agent, locks } = await migrated({
      scenario: 'agent-absent',
      faults: [{ kind: 'access-denied', step: 'install-agent', operation: 'CreateAddon', times: 'all' }],
    });
    expect(report).toMatchObject({ outcome: 'rolled-back', failure: { name: 'AccessDenied' }, warnings: [] });
    expect([after, [calls, agent, locks]]).toEqual([before, [[], undefined, []]]);
  });

  it('because EKS cannot create it leaves the add-on untouched, and reports what it left', async () => {
    const { report, before, after, calls, agent } = await migrated({
      scenario: 'agent-absent',
      knobs: { createEndsIn: 'CREATE_FAILED' },
    });
    expect(report).toMatchObject({
      outcome: 'rolled-back',
      failure: { name: 'AddonFailed', message: containing('is CREATE_FAILED (InternalFailure') },
    });
    expect([after, calls]).toEqual([before, ['install-agent CreateAddon']]);
    expect([agent?.status, warningsOf(report)]).toEqual(['CREATE_FAILED', ['agent-left-installed']]);
  });

  it("because it never becomes healthy ends the migration, and repeats EKS's message", async () => {
    const { report, before, after } = await migrated({ ...ABSENT, knobs: { createEndsIn: 'DEGRADED' } });
    expect(report).toMatchObject({
      outcome: 'rolled-back',
      failure: { name: 'AddonNotActive', message: matching(/is DEGRADED \(InsufficientNumberOfReplicas/) },
    });
    expect(after).toEqual(before);
    const line = report.steps.find(({ name }) => name === 'install-agent')!;
    const seconds = (Date.parse(line.endedAt) - Date.parse(line.startedAt)) / 1000;
    expect(seconds).toBeGreaterThanOrEqual(patienceFor('activation'));
    expect(seconds).toBeLessThan(patienceFor('activation') + 600);
  });

  it('because a third party deletes it meanwhile is not retried', async () =>
    inWorld({ ...ABSENT, knobs: { addonCreateSeconds: 60 } }, async (world) => {
      world.onFirst(
        ({ step, operation }) => step === 'install-agent' && operation === 'CreateAddon',
        async () => {
          await world.backend.clock.sleep(15_000);
          world.cluster.addons.delete(AGENT);
        },
      );
      expect(await world.migrate(INSTALL)).toMatchObject({
        outcome: 'rolled-back',
        failure: { name: 'AddonFailed', message: containing('was deleted after this migration had installed it') },
      });
      expect(callsOf(world)).toEqual(['install-agent CreateAddon']);
    }));
});

describe('an existing agent', () => {
  it.each<[string, WorldOptions, Asked]>([
    ['built into Auto Mode', { scenario: 'auto-mode' }, { addon: EFS, agent: 'install', roles: NODES_TOO }],
    ['that Helm has installed', { scenario: 'agent-self-managed' }, INSTALL],
    ['as an add-on', { scenario: 'in-place' }, INSTALL],
  ])('%s: none is installed, and the add-on is migrated', async (_, options, asked) => {
    const { report, calls, agent } = await migrated(options, asked);
    expect(report).toMatchObject({ outcome: 'migrated', warnings: [] });
    expect(report.plan!.installAgent).toBeUndefined();
    expect(creates(calls)).toEqual([]);
    expect(agent === undefined).toBe(options.scenario !== 'in-place');
  });

  const inStatus = (status: 'DEGRADED' | 'CREATE_FAILED'): WorldOptions => ({
    scenario: 'in-place',
    change: ({ accounts }) =>
      void (accounts[0]!.clusters[0]!.addons.find(({ name }) => name === AGENT)!.status = status),
  });

  it('as an add-on that is CREATE_FAILED blocks, and is not repaired', async () => {
    const { report, calls, agent } = await migrated(inStatus('CREATE_FAILED'));
    expect(report.outcome).toBe('blocked');
    expect(checkOf(report)).toMatchObject({ status: 'fail', message: containing('CREATE_FAILED') });
    expect([calls, agent?.status]).toEqual([[], 'CREATE_FAILED']);
  });

  it('as an add-on that is DEGRADED in EKS, with its pods ready on each node, is enough', async () => {
    const { report, calls } = await migrated(inStatus('DEGRADED'));
    expect(report.outcome).toBe('migrated');
    expect([checkOf(report), creates(calls)]).toMatchObject([{ status: 'pass', message: containing('ready on') }, []]);
  });

  it('that EKS no longer manages, so that its DaemonSet keeps running, is not taken over', async () =>
    inWorld({ scenario: 'in-place' }, async (world) => {
      await world.backend.sandbox
        .clients()
        .eks()
        .send(new DeleteAddonCommand({ clusterName: world.target.cluster, addonName: AGENT, preserve: true }));
      await world.later(60_000);
      expect(await world.migrate(INSTALL)).toMatchObject({ outcome: 'migrated', warnings: [] });
      expect([creates(callsOf(world)), agentOf(world)]).toEqual([[], undefined]);
    }));
});

it('two migrations of one cluster at once install it once, and both end migrated', async () => {
  const { reports, calls, agent } = await inWorld(
    {
      scenario: 'agent-absent',
      change: ({ accounts }) => {
        const [{ roles, clusters }] = accounts as [(typeof accounts)[number]];
        const [cluster] = clusters;
        const roleArn = `${roles[0]!.arn}-efs`;
        roles.push({
          ...structuredClone(roles[0]!),
          arn: roleArn,
          trustPolicy: JSON.parse(
            JSON.stringify(roles[0]!.trustPolicy).replaceAll(ACCOUNT, 'efs-csi-controller-sa'),
          ) as (typeof roles)[number]['trustPolicy'],
        });
        cluster!.addons.push({
          ...cluster!.addons.find(({ name }) => name === ADDON)!,
          name: EFS,
          version: 'v2.1.9-eksbuild.1',
          serviceAccountRoleArn: roleArn,
        });
      },
    },
    async (world) => {
      const executions = [
        await world.start(INSTALL),
        await world.start({ addon: EFS, agent: 'install', accept: ['identity-loss:efs-csi-node-sa'] }),
      ];
      await world.rest();
      const both = [await world.report(executions[0]!.name), await world.report(executions[1]!.name)];
      return { reports: both, calls: callsOf(world), agent: agentOf(world) };
    },
  );
  expect(reports.map(({ outcome, failure }) => [outcome, failure])).toEqual([
    ['migrated', undefined],
    ['migrated', undefined],
  ]);
  expect(reports.map(({ plan }) => plan!.installAgent)).toEqual([{ version: VERSION }, { version: VERSION }]);
  expect(creates(calls)).toEqual(['install-agent CreateAddon']);
  expect(agent).toMatchObject({ status: 'ACTIVE', version: VERSION });
  // Only one reports the install as its own: the other one finds the agent, or its create comes second.
  const origins = reports.flatMap(({ warnings }) =>
    warnings
      .filter(({ id }) => id.startsWith('agent'))
      .map(({ id, message }) => `${id} ${message.includes('or by another principal') ? 'third-party' : 'own'}`),
  );
  expect(origins.filter((one) => one.endsWith('own'))).toEqual(['agent-left-installed own']);
});
