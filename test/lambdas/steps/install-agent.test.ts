import { describe, expect, test } from 'vitest';
import { MigrationError } from '../../../lambdas/domain/failures/errors.ts';
import type { Check } from '../../../lambdas/domain/terms/check.ts';
import type { MigrationRequestInput } from '../../../lambdas/domain/request/request.ts';
import { installAgentStep } from '../../../lambdas/steps/install-agent/handler.ts';
import { strikeEachCall } from '../../faults/contract.ts';
import { invoke, type When } from '../fakes.ts';
import { agentDaemonSet, anAgentAddon, aMigration, aRequest, MIGRATION_ID } from '../fixtures.ts';
import { anError, expectError, matching, said } from '../matchers.ts';
import { begun, type Begun } from './begun.ts';

const it = test.extend('fakes', () => atInstall());
const AGENT = 'eks-pod-identity-agent';
const VERSION = 'v1.3.4-eksbuild.1';
const REQUEST = {
  addon: AGENT,
  version: VERSION,
  tags: {},
  resolveConflicts: 'NONE',
  clientRequestToken: `${MIGRATION_ID}-install-agent`,
};
const BY_US = /^Add-on eks-pod-identity-agent v1\.3\.4-eksbuild\.1 was installed in cluster dev by this migration\./;
const BY_THIRD_PARTY = /was installed in cluster dev by this migration or by another principal at the same time\./;

/**
 * Behind `begin`, in a cluster without an agent; its DaemonSet comes with the add-on, ready on both nodes once that is
 * ACTIVE.
 */
async function atInstall(request: Partial<MigrationRequestInput> = {}): Promise<Begun> {
  const fakes = await begun({
    plan: { installAgent: { version: VERSION } },
    record: { request: aRequest({ agent: 'install', ...request }) },
  });
  const { eks, kubernetes } = fakes;
  eks.addons.delete(AGENT);
  kubernetes.workloads = kubernetes.workloads.filter(({ name }) => name !== AGENT);
  eks.onSettled = () => void (kubernetes.workloads = [agentDaemonSet()]);
  return fakes;
}
const install = (fakes: Begun): Promise<unknown> => invoke(installAgentStep, fakes.input, fakes);
const creates = ({ journal }: Begun): unknown[][] => journal.of('eks.createAddon');
const warnings = async (fakes: Begun): Promise<Check[]> => (await fakes.record()).warnings;
const notYet = (message: RegExp) => anError('AddonNotActive', message);

/** As the state machine's retries come again; answers the names of what was thrown. */
async function untilReady(fakes: Begun): Promise<{ thrown: string[]; answer: unknown }> {
  const thrown: string[] = [];
  for (let attempt = 0; attempt < 20; attempt += 1) {
    try {
      return { thrown, answer: await install(fakes) };
    } catch (error) {
      if (!(error instanceof MigrationError)) throw error;
      thrown.push(error.name);
      fakes.clock.advance(10_000);
    }
  }
  throw new Error(`never ready: ${thrown.join(', ')}`);
}

describe('install-agent', () => {
  it("creates the add-on in the plan's version, without role, associations, tags or consent, and waits until it is ready", async () => {
    const fakes = await atInstall();
    await expect(install(fakes)).rejects.toMatchObject(notYet(/v1\.3\.4-eksbuild\.1 was just created/));
    expect(creates(fakes)).toEqual([[REQUEST]]);
    await expect(install(fakes)).rejects.toMatchObject(notYet(/is CREATING\.$/));
    fakes.clock.advance(60_000);
    expect(await install(fakes)).toEqual({ version: VERSION });
    expect(creates(fakes)).toHaveLength(1);
    expect(await warnings(fakes)).toMatchObject([{ id: 'agent-left-installed', ...said('warn', BY_US) }]);
  });

  it('looks at EKS and at the API server, and makes sure of its lock, before it creates', async ({ fakes }) => {
    await install(fakes).catch(() => undefined);
    const names = fakes.journal.names();
    const create = names.indexOf('eks.createAddon');
    expect(names.slice(0, create)).toEqual(expect.arrayContaining(['eks.describeAddon', 'kubernetes.getWorkload']));
    expect(names[create - 1]).toBe('ledger.assertLock');
    // That there is none is not believed at one look.
    expect(fakes.clock.slept).toEqual([2000, 2000]);
  });

  it.each<[string, number, number, RegExp]>([
    ['is not there', 0, 0, /has no DaemonSet yet/],
    ['is ready on one of two nodes', 2, 1, /is ready on 1 of 2 nodes/],
    ['counts no node yet', 0, 0, /is ready on 0 of 0 nodes/],
  ])('waits while the add-on is ACTIVE and its DaemonSet %s', async (what, desired, ready, message) => {
    const fakes = await atInstall();
    fakes.eks.addons.set(AGENT, anAgentAddon());
    fakes.kubernetes.workloads = what === 'is not there' ? [] : [agentDaemonSet({ desired, ready })];
    await expect(install(fakes)).rejects.toMatchObject(notYet(message));
    fakes.kubernetes.workloads = [agentDaemonSet()];
    expect(await install(fakes)).toEqual({ version: VERSION });
  });

  it("goes by EKS's word alone where the request says so, and does not look at the API server", async () => {
    const fakes = await atInstall({ verification: 'api' });
    fakes.journal.refuseNext('kubernetes.getWorkload', 'AccessDenied', '403');
    expect((await untilReady(fakes)).answer).toEqual({ version: VERSION });
    expect(fakes.journal.names().filter((name) => name.startsWith('kubernetes.'))).toEqual([]);
  });

  it('creates no add-on over a self-managed agent that was installed since the plan, and waits for that agent', async () => {
    const fakes = await atInstall();
    fakes.kubernetes.workloads = [agentDaemonSet({ ready: 1 })];
    await expect(install(fakes)).rejects.toMatchObject(notYet(/ready on 1 of 2/));
    fakes.kubernetes.workloads = [agentDaemonSet()];
    expect([await install(fakes), [creates(fakes), await warnings(fakes)]]).toEqual([{}, [[], []]]);
  });

  it('lets a refusal of the API server through before it creates anything', async ({ fakes }) => {
    const refusal = new MigrationError('AccessDenied', 'the API server answered 403');
    fakes.journal.failNext('kubernetes.getWorkload', 'before', refusal);
    await expect(install(fakes)).rejects.toBe(refusal);
    expect(creates(fakes)).toEqual([]);
  });

  it('takes the agent of another migration that was faster, and says that it stays', async ({ fakes }) => {
    const busy = new MigrationError('Busy', 'eks:CreateAddon: ResourceInUseException: Addon already exists.');
    fakes.journal.failNext('eks.createAddon', 'before', busy);
    // Nobody has one: something else of the cluster is busy, and the state machine comes again.
    await expect(install(fakes)).rejects.toBe(busy);
    fakes.eks.misses = 3;
    fakes.eks.addons.set(AGENT, anAgentAddon({ version: 'v1.3.8-eksbuild.2' }));
    fakes.kubernetes.workloads = [];
    await expect(install(fakes)).rejects.toMatchObject(notYet(/DaemonSet/));
    fakes.kubernetes.workloads = [agentDaemonSet()];
    expect(await install(fakes)).toEqual({ version: 'v1.3.8-eksbuild.2' });
    expect(await warnings(fakes)).toMatchObject([{ id: 'agent-left-installed', message: matching(BY_THIRD_PARTY) }]);
  });

  it.each<[string, When, RegExp, number]>([
    ['eks.createAddon', 'before', BY_US, 2],
    ['eks.createAddon', 'after', BY_THIRD_PARTY, 1],
    ['ledger.updateMigration', 'before', BY_US, 1],
    ['ledger.updateMigration', 'after', BY_US, 1],
    ['ledger.assertLock', 'after', BY_US, 1],
    ['eks.describeAddon', 'after', BY_US, 1],
  ])('comes to the same end where the connection broke at %s, %s its effect', async (call, when, message, times) => {
    const fakes = await atInstall();
    fakes.journal.failNext(call, when);
    const { thrown, answer } = await untilReady(fakes);
    expect([thrown[0], answer]).toEqual(['ConnectionLost', { version: VERSION }]);
    expect(creates(fakes)).toHaveLength(times);
    expect(await warnings(fakes)).toMatchObject([{ message: matching(message) }]);
  });

  it('has noted that it began before every create, and at the end that the agent stays, whichever call fails', () =>
    strikeEachCall({
      prepare: atInstall,
      work: untilReady,
      expectation: async (fakes) => {
        const create = fakes.eks.createAddon.bind(fakes.eks);
        fakes.eks.createAddon = async (request) => {
          expect((await warnings(fakes)).map(({ id }) => id)).toEqual(['agent-install-begun']);
          return create(request);
        };
        expect((await untilReady(fakes)).answer).toEqual({ version: VERSION });
        expect((await warnings(fakes)).map(({ id }) => id)).toEqual(['agent-left-installed']);
      },
    }));

  it('tells of what it began where it is stopped before it knows, and of nothing where EKS refuses', async () => {
    const stopped = await atInstall();
    stopped.journal.failNext('eks.createAddon', 'after');
    await expectError(install(stopped), 'ConnectionLost');
    expect(await warnings(stopped)).toMatchObject([
      {
        id: 'agent-install-begun',
        ...said(
          'warn',
          /began to install add-on eks-pod-identity-agent v1\.3\.4-eksbuild\.1 in cluster dev, and stopped/,
          'aws eks describe-addon --region eu-west-1 --cluster-name dev --addon-name eks-pod-identity-agent',
        ),
      },
    ]);
    const refused = await atInstall();
    const refusal = new MigrationError('AccessDenied', 'eks:CreateAddon: AccessDeniedException');
    refused.journal.failNext('eks.createAddon', 'before', refusal);
    await expect(install(refused)).rejects.toBe(refusal);
    expect(await warnings(refused)).toEqual([]);
  });

  it('does not claim an agent that another principal has installed since the plan', async ({ fakes }) => {
    fakes.eks.addons.set(AGENT, anAgentAddon({ version: 'v1.3.8-eksbuild.2' }));
    fakes.kubernetes.workloads = [agentDaemonSet()];
    expect(await install(fakes)).toEqual({ version: 'v1.3.8-eksbuild.2' });
    expect([creates(fakes), await warnings(fakes)]).toEqual([[], []]);
  });

  it('keeps the warnings that are there', async ({ fakes }) => {
    const other = { id: 'other', status: 'warn' as const, message: 'is there' };
    await fakes.update({ warnings: [other] });
    await untilReady(fakes);
    expect((await warnings(fakes)).map(({ id }) => id)).toEqual(['other', 'agent-left-installed']);
  });

  it.each(['CREATE_FAILED', 'DELETING', 'DELETE_FAILED'] as const)('at %s reports what EKS says', async (status) => {
    const fakes = await atInstall();
    fakes.eks.addons.set(
      AGENT,
      anAgentAddon({
        status,
        issues: [{ code: 'ConfigurationConflict', message: 'Conflicts found', resourceIds: [] }],
      }),
    );
    await expectError(
      install(fakes),
      'AddonFailed',
      /\(ConfigurationConflict: Conflicts found\)\. The add-on to migrate was not touched\..*--preserve/,
    );
    expect(creates(fakes)).toEqual([]);
  });

  it('waits where it is DEGRADED or ACTIVE with an issue: its pods may still be starting', async () => {
    const fakes = await atInstall({ verification: 'api' });
    const issues = [{ code: 'InsufficientNumberOfReplicas', message: 'too few', resourceIds: [] }];
    for (const status of ['DEGRADED', 'ACTIVE'] as const) {
      fakes.eks.addons.set(AGENT, anAgentAddon({ status, issues }));
      await expect(install(fakes)).rejects.toMatchObject(notYet(/InsufficientNumberOfReplicas: too few/));
    }
  });

  it('does not install the agent again if another principal has deleted it in the meantime', async ({ fakes }) => {
    await install(fakes).catch(() => undefined);
    fakes.eks.addons.delete(AGENT);
    await expectError(install(fakes), 'AddonFailed', 'was deleted after this migration had installed it');
    expect(creates(fakes)).toHaveLength(1);
  });

  it.each<[string, (fakes: Begun) => unknown, string]>([
    ['without the lock', (fakes) => fakes.loseLock(), 'LockLost'],
    ['at the end of its time', (fakes) => (fakes.invocation.remaining = 10_000), 'OutOfTime'],
    [
      'where the plan installs none',
      async (fakes) => fakes.update({ plan: { ...(await fakes.record()).plan!, installAgent: undefined } }),
      'BadInput',
    ],
  ])('creates nothing %s', async (_, change, name) => {
    const fakes = await atInstall();
    await change(fakes);
    await expectError(install(fakes), name);
    expect(fakes.journal.mutations()).toEqual([]);
  });

  it('creates nothing without a snapshot', async ({ fakes }) => {
    const migrationId = '01JD8Z5Q6R7S8T9V0W1X2Y3Z4C';
    await fakes.ledger.putMigration(aMigration({ ...(await fakes.record()), migrationId }));
    await expectError(invoke(installAgentStep, { ...fakes.input, migrationId }, fakes), 'BadInput', 'snapshot');
    expect(fakes.journal.mutations()).toEqual([]);
  });
});
