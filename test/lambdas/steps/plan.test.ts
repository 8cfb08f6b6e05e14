import { describe, expect, test } from 'vitest';
import { EVIDENCE_BEFORE } from '../../../lambdas/use-cases/migration/report.ts';
import { planStep } from '../../../lambdas/steps/plan/handler.ts';
import { invoke, lost, newFakes, type Fakes } from '../fakes.ts';
import { ADDON, OTHER_ROLE, ROLE, SERVICE_ACCOUNT, target, VERSION } from '../example.ts';
import { EXECUTION, MIGRATION_ID, RUN, endedAs } from '../run-examples.ts';
import { bothWays } from '../trust-examples.ts';
import { aCluster, anAddon, anAssociation, aPod, associationArn, aMigratedAddon } from '../eks-fixtures.ts';
import { IN_PLACE, RECREATE_PRESERVING, GRANTED } from '../fixtures.ts';
import { expectError, said } from '../matchers.ts';
import { aPlanAnswer, callsOf } from './planning.ts';

const it = test.extend('fakes', () => newFakes());
const input = (request: object = {}): unknown => ({ ...RUN, request: { target, addon: ADDON, ...request } });
const run = (fakes: Fakes, request: object = {}): Promise<unknown> => invoke(planStep, input(request), fakes);
const record = async ({ ledger }: Fakes) => (await ledger.getMigration(MIGRATION_ID))!;

const moved = ({ eks }: Fakes): unknown => eks.addons.set(ADDON, aMigratedAddon([associationArn('a-1')]));

describe('plan', () => {
  it('does not replace the plan of a later invocation, if its own comes late', async ({ fakes }) => {
    const described = fakes.eks.describeAddon.bind(fakes.eks);
    const later = fakes.eks.describeCluster.bind(fakes.eks);
    let calls = 0;
    fakes.eks.describeCluster = async () => {
      calls += 1;
      if (calls > 1) return later();
      // The state machine has given this invocation up, and has started the step again.
      await fakes.clock.sleep(60_000);
      expect(await run(fakes)).toMatchObject({ verdict: 'migrate' });
      fakes.eks.describeAddon = async () => undefined;
      return later();
    };
    await expectError(run(fakes), 'BadInput');
    fakes.eks.describeAddon = described;
    expect(await record(fakes)).toMatchObject({ status: 'running', plan: { verdict: 'migrate' } });
    expect((await record(fakes)).outcome).toBeUndefined();
  });
  it('answers whether it can go on and leaves plan, record and evidence in the ledger', async ({ fakes }) => {
    const answer = await run(fakes, { preserve: true, reason: 'because' });
    expect(answer).toEqual(
      aPlanAnswer({
        attempts: [
          { strategy: 'in-place', preserve: false },
          { strategy: 'recreate', preserve: true },
        ],
        // Shortly before the 62 seconds of its pod are over.
        firstPolls: { updated: 55, created: 55, deleted: 20 },
        planHash: (await record(fakes)).plan!.hash,
      }),
    );
    expect(await record(fakes)).toMatchObject({
      status: 'running',
      executionArn: EXECUTION,
      startedAt: '2026-01-05T09:00:00.000Z',
      request: { reason: 'because' },
      locks: [],
      removed: [],
      made: [],
      trustChanges: [],
      retirements: [],
      plan: { verdict: 'migrate', preserve: true, attempts: [IN_PLACE, RECREATE_PRESERVING] },
    });
    expect((await record(fakes)).outcome).toBeUndefined();
    expect((await fakes.ledger.getEvidence(MIGRATION_ID, EVIDENCE_BEFORE)).map((pod) => pod.identity)).toEqual([
      'irsa',
      'not-applicable',
    ]);
  });

  it('asks each thing once, and nothing that the plan does not need', async ({ fakes }) => {
    await run(fakes);
    const reads = [
      ...callsOf('eks', 'describeCluster', 'describeAddon', 'listOfferedVersions', 'describeConfiguration'),
      ...callsOf('kubernetes', 'listPods', 'listWorkloads', 'listAttributedServiceAccounts', 'listNodes'),
      ...callsOf('kubernetes', 'listMutatingWebhooks', 'listApiGroups'),
      'eks.listAllAssociations',
      ...callsOf('roles', 'getRole', 'getOidcProvider'),
      ...callsOf('eks', 'listCapabilities', 'listFargateProfiles'),
      'roles.listPolicies',
      'eks.listNodeCandidates',
      // Of the nodes' role; of update, create, delete and rollback: each role with each service.
      ...Array.from({ length: 13 }, () => 'roles.simulate'),
    ];
    const questions = fakes.journal.of('roles.simulate').map((question) => JSON.stringify(question));
    expect(new Set(questions).size).toBe(questions.length);
    expect(fakes.journal.names().filter((name) => !name.startsWith('ledger.'))).toEqual(reads);
  });
  it('does not look for an agent that is built in', async ({ fakes }) => {
    fakes.eks.addons.delete('eks-pod-identity-agent');
    fakes.eks.cluster = aCluster({ autoMode: true });
    await run(fakes);
    expect(fakes.journal.of('eks.describeAddon')).toEqual([[ADDON]]);
  });
  it('reads no further than to an add-on that has moved, and its associations', async ({ fakes }) => {
    moved(fakes);
    await run(fakes);
    expect(fakes.journal.names().filter((name) => !name.startsWith('ledger.'))).toEqual([
      'eks.describeCluster',
      'eks.describeAddon',
      'eks.describeAssociation',
    ]);
  });

  it('changes nothing and takes no lock', async ({ fakes }) => {
    fakes.eks.associations = [anAssociation()];
    await run(fakes);
    expect(fakes.journal.mutations()).toEqual([]);
    expect(fakes.journal.names()).not.toContain('ledger.acquireLock');
  });

  const withoutAgent = ({ eks, kubernetes }: Fakes): void => {
    eks.addons.delete('eks-pod-identity-agent');
    kubernetes.workloads = [];
  };
  const byPulumi = anAssociation({ tags: { iac: 'pulumi' } });
  it.each<[string, object, string, string[], (fakes: Fakes) => unknown]>([
    ['a dry run', { dryRun: true }, 'planned', [], () => undefined],
    ['an add-on that has moved', {}, 'already-migrated', [], moved],
    ['a dry run of an add-on that has moved', { dryRun: true }, 'already-migrated', [], moved],
    ['no cluster', {}, 'blocked', ['cluster-exists'], ({ eks }) => (eks.cluster = undefined)],
    ['no add-on', {}, 'blocked', ['addon-installed'], ({ eks }) => eks.addons.delete(ADDON)],
    ['no agent', {}, 'blocked', ['agent'], withoutAgent],
    ['no role', { roleArn: OTHER_ROLE }, 'blocked', ['role-exists'], () => undefined],
    ['a version without support', {}, 'blocked', ['pod-identity-support'], ({ eks }) => eks.configurations.clear()],
    ['a foreign association', {}, 'blocked', ['associations'], ({ eks }) => (eks.associations = [byPulumi])],
  ])('%s ends the record with its outcome', async (_, request, verdict, blockedBy, change) => {
    const fakes = newFakes();
    change(fakes);
    expect(await run(fakes, request)).toMatchObject({ verdict, blockedBy });
    expect(await record(fakes)).toMatchObject(endedAs(verdict, 0));
    expect([fakes.telemetry.counts, fakes.journal.mutations()]).toEqual([{ [`outcome-${verdict}`]: 1 }, []]);
  });

  it('names the newer version that takes associations', async ({ fakes }) => {
    fakes.eks.configurations.set(`${ADDON} v1.40.0-eksbuild.1`, fakes.eks.configurations.get(`${ADDON} ${VERSION}`)!);
    fakes.eks.configurations.delete(`${ADDON} ${VERSION}`);
    await run(fakes);
    expect((await record(fakes)).plan?.checks.find((check) => check.id === 'pod-identity-support')?.remedy).toContain(
      'v1.40.0-eksbuild.1',
    );
  });

  it('looks in the namespace that the add-on was created with', async ({ fakes }) => {
    fakes.eks.addons.set(ADDON, anAddon({ namespace: 'storage' }));
    fakes.eks.associations = [anAssociation({ namespace: 'storage' })];
    fakes.kubernetes.pods = [aPod('irsa', { namespace: 'storage' })];
    await run(fakes);
    expect(await record(fakes)).toMatchObject({
      plan: {
        namespace: 'storage',
        purge: ['a-left00000000000001'],
        associations: [{ namespace: 'storage', serviceAccount: SERVICE_ACCOUNT }],
      },
    });
    // The agent's pods are elsewhere.
    expect(fakes.journal.of('kubernetes.listPods')).toEqual([['storage'], ['kube-system']]);
    expect(fakes.journal.of('kubernetes.getWorkload')).toEqual([
      [{ kind: 'DaemonSet', namespace: 'kube-system', name: 'eks-pod-identity-agent' }],
    ]);
  });

  it("does not ask this account's IAM for another account's role", async ({ fakes }) => {
    const foreign = 'arn:aws:iam::444455556666:role/ebs';
    expect(await run(fakes, { roleArn: foreign })).toMatchObject({ verdict: 'blocked', blockedBy: ['role-account'] });
    expect(fakes.journal.of('roles.getRole')).toEqual([[ROLE]]);
  });

  it.each(['Unauthorised', 'AccessDenied'] as const)('blocks when the API server says %s', async (name) => {
    const fakes = newFakes();
    fakes.journal.refuseNext('kubernetes.listPods', name, 'kubernetes: you may not');
    expect(await run(fakes)).toMatchObject({ verdict: 'blocked', blockedBy: ['kubernetes-access'] });
    expect((await record(fakes)).plan?.checks.at(-1)).toMatchObject(said('unknown', 'you may not'));
  });

  it('leaves a record where reading fails, and plans again on the same one', async ({ fakes }) => {
    fakes.journal.failNext('eks.describeCluster');
    await expectError(run(fakes), 'ConnectionLost');
    expect(await record(fakes)).toMatchObject({ status: 'running' });
    fakes.clock.advance(60_000);
    expect(await run(fakes)).toMatchObject({ verdict: 'migrate' });
    expect((await record(fakes)).startedAt).toBe('2026-01-05T09:00:00.000Z');
  });

  it.each([
    ['planned', { dryRun: true }],
    ['blocked', { roleArn: OTHER_ROLE }],
  ])('answers %s again when the reply was lost after the record had ended', async (verdict, request) => {
    const fakes = newFakes();
    fakes.journal.failNext('ledger.recordPlan', 'after');
    await expect(run(fakes, request)).rejects.toThrow(lost().message);
    const ended = await record(fakes);
    fakes.clock.advance(5000);
    expect(await run(fakes, request)).toMatchObject({ verdict });
    expect(await record(fakes)).toEqual(ended);
  });

  it('does not put a late plan in the place of the one that is carried out', async ({ fakes }) => {
    await run(fakes);
    const { plan } = await record(fakes);
    await fakes.ledger.updateMigration(MIGRATION_ID, { attempt: 0 });
    fakes.eks.addons.delete(ADDON);
    await expectError(run(fakes), 'BadInput');
    expect((await record(fakes)).plan).toEqual(plan);
  });

  it('does not take up a migration that another execution has ended', async ({ fakes }) => {
    await run(fakes, { dryRun: true });
    const again = { ...(input({ dryRun: true }) as object), executionArn: `${EXECUTION}-2` };
    await expectError(invoke(planStep, again, fakes), 'BadInput');
  });

  it('reads the trust of the role that the request names', async ({ fakes }) => {
    fakes.roles.trust[OTHER_ROLE] = bothWays;
    fakes.settings.roleGrants = GRANTED;
    fakes.eks.cluster = aCluster({ autoMode: true });
    expect(await run(fakes, { roles: { [SERVICE_ACCOUNT]: OTHER_ROLE } })).toMatchObject({ verdict: 'migrate' });
    expect((await record(fakes)).plan?.associations).toEqual([
      { namespace: 'kube-system', serviceAccount: SERVICE_ACCOUNT, roleArn: OTHER_ROLE },
    ]);
  });
});

it.each([true, false])('a plan that is the end frees the slot where approvals are required: %s', async (required) => {
  const fakes = newFakes();
  fakes.settings.approvals.required = required;
  fakes.eks.addons.delete(ADDON);
  expect(await run(fakes)).toMatchObject({ verdict: 'blocked', needsApproval: required });
  expect(fakes.journal.names().includes('ledger.freeWaitingSlots')).toBe(required);
});
