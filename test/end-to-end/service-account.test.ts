/** Service accounts without an add-on, migrated from IRSA to Pod Identity and back, in whole worlds. */
import { CreatePodIdentityAssociationCommand } from '@aws-sdk/client-eks';
import { describe, expect, it } from 'vitest';
import { CliError } from '../../cli/errors.ts';
import type { MigrationReport } from '../../lambdas/domain/record/migration.ts';
import { MOST_DAYS_WAITING } from '../../lambdas/domain/waiting/pause.ts';
import { portsOf } from '../../lambdas/runtime/wiring.ts';
import type { Scenario, ScenarioCluster } from '../../sandbox/scenario/scenario.ts';
import { hasWaited } from './waits.ts';
import { type Asked, inWorld, type OpenWorld, type WorldOptions } from './world.ts';
import { containing } from '../lambdas/matchers.ts';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const ACCOUNT = { namespace: 'payments', name: 'api' };
const ROLE = 'arn:aws:iam::111122223333:role/payments-prod-api';
const IRSA = Array.from({ length: 5 }, () => 'irsa');
const POD_IDENTITY = Array.from({ length: 5 }, () => 'pod-identity');
const OPTIONS: WorldOptions = { scenario: 'service-account-irsa' };
const move = (world: OpenWorld, asked: Asked = {}): Promise<MigrationReport> =>
  world.migrate({ serviceAccount: ACCOUNT, ...asked });

const ofCluster =
  (change: (cluster: ScenarioCluster) => void) =>
  (scenario: Scenario): void =>
    change(scenario.accounts[0]!.clusters[0]!);
const workload = (cluster: ScenarioCluster, name: string): NonNullable<ScenarioCluster['workloads']>[number] =>
  cluster.workloads.find((one) => one.name === name)!;

const associate = ({ backend, target: { cluster: clusterName, region } }: OpenWorld): Promise<unknown> => {
  const { namespace, name: serviceAccount } = ACCOUNT;
  const tags = { by: 'third-party' };
  return backend.sandbox
    .clients(undefined, region)
    .eks()
    .send(new CreatePodIdentityAssociationCommand({ clusterName, namespace, serviceAccount, roleArn: ROLE, tags }));
};

/** Sets or removes the annotation, as a person with kubectl does. */
const annotate = async (world: OpenWorld, roleArn: string | null): Promise<void> => {
  const { kubernetes } = portsOf(world.backend.sandbox.clients(undefined, world.target.region), world.target);
  const now = await kubernetes.getServiceAccount(ACCOUNT.namespace, ACCOUNT.name);
  await kubernetes.annotateServiceAccount(now!, roleArn);
};

const blocking = ({ plan }: MigrationReport): string[] =>
  plan!.checks.filter(({ status }) => status === 'fail' || status === 'unknown').map(({ id }) => id);

describe('a service account', () => {
  it.each(['keep', 'remove'] as const)(
    'is migrated with all its workloads and no others, and rolled back on demand: annotation %s',
    (annotation) =>
      inWorld(OPTIONS, async (world) => {
        const before = world.readAccount(ACCOUNT);
        const others = (): string[] =>
          [...world.cluster.kube.objects.get('pods.')!.values()]
            .flatMap(({ metadata: { name } }) => (name.startsWith('web-') ? [name] : []))
            .sort();
        const othersBefore = others();
        const report = await move(world, { annotation });
        expect(report).toMatchObject({
          outcome: 'migrated',
          verified: 'ready',
          warnings: [],
          serviceAccount: ACCOUNT,
          applied: { strategy: 'associate' },
        });
        expect(report.addon).toBeUndefined();
        expect(world.readAccount(ACCOUNT)).toMatchObject({
          annotation: annotation === 'keep' ? ROLE : undefined,
          associations: [{ roleArn: ROLE, owned: false }],
          pods: POD_IDENTITY,
        });
        expect(report.verification.pods.filter(({ identity }) => identity === 'pod-identity')).toHaveLength(5);
        expect([others(), othersBefore.length]).toEqual([othersBefore, 2]);

        const back = await world.rollBack({ migrationId: report.migrationId, requestedBy: 'kim' });
        expect(back).toMatchObject({ outcome: 'rolled-back', verified: 'injected' });
        expect(world.readAccount(ACCOUNT)).toEqual(before);
        expect(before).toMatchObject({ annotation: ROLE, associations: [], pods: IRSA });
        expect(await world.backend.ledger.listHeldLocks()).toEqual([]);
      }),
  );

  it('that already has its association, with older pods, is only restarted', () =>
    inWorld(OPTIONS, async (world) => {
      await associate(world);
      const report = await move(world);
      expect(report).toMatchObject({ outcome: 'migrated', associations: { purged: [], created: [], restored: [] } });
      expect(world.changes().map(({ operation }) => operation)).toEqual([
        'create pods/eviction',
        'patch deployments',
        'patch statefulsets',
      ]);
      expect((await world.rollBack({ migrationId: report.migrationId })).outcome).toBe('rolled-back');
      expect(world.readAccount(ACCOUNT)).toMatchObject({
        annotation: ROLE,
        associations: [{ tags: { by: 'third-party' } }],
        pods: POD_IDENTITY,
      });
    }));

  it('that has been migrated is already-migrated, unless its annotation must be removed', () =>
    inWorld(OPTIONS, async (world) => {
      await move(world);
      const changes = world.changes().length;
      expect(await move(world)).toMatchObject({ outcome: 'already-migrated' });
      expect(await move(world, { verification: 'api' })).toMatchObject({ outcome: 'already-migrated' });
      expect(world.changes()).toHaveLength(changes);
      expect(await move(world, { annotation: 'remove' })).toMatchObject({ outcome: 'migrated' });
      expect(world.readAccount(ACCOUNT)).toMatchObject({ annotation: undefined, pods: POD_IDENTITY });
      expect(await move(world, { annotation: 'remove' })).toMatchObject({ outcome: 'already-migrated' });
    }));

  it('gets its association with the API as the only evidence, and nothing is restarted', () =>
    inWorld(OPTIONS, async (world) => {
      expect(await move(world, { verification: 'api' })).toMatchObject({
        outcome: 'migrated',
        verified: 'api',
        warnings: [{ id: 'pods-not-seen', message: containing('service account payments/api') }],
      });
      expect(world.readAccount(ACCOUNT)).toMatchObject({ pods: IRSA, associations: [{ roleArn: ROLE }] });
    }));

  it('whose role does not allow EKS Auth is repaired on request, and the repair is rolled back with the rest', async () => {
    const withoutTrust = (scenario: Scenario): void => {
      const policy = scenario.accounts[0]!.roles[0]!.trustPolicy as { Statement: { Sid: string }[] };
      policy.Statement = policy.Statement.filter(({ Sid }) => Sid === 'Irsa');
    };
    await inWorld({ ...OPTIONS, change: withoutTrust }, async (world) => {
      const trust = (): string =>
        world.backend.sandbox.world.accounts.get('111122223333')!.roles.get('payments-prod-api')!.trustPolicy;
      const before = JSON.stringify(JSON.parse(trust()));
      expect(blocking(await move(world))).toEqual(['role-trust']);
      const report = await move(world, { trust: 'repair' });
      expect(report).toMatchObject({ outcome: 'migrated', trustChanges: [{ roleArn: ROLE }] });
      expect(trust()).toContain('pods.eks.amazonaws.com');
      expect((await world.rollBack({ migrationId: report.migrationId })).outcome).toBe('rolled-back');
      expect(JSON.stringify(JSON.parse(trust()))).toBe(before);
    });
  });

  it('in a cluster without the agent is migrated once the agent is installed on request', () =>
    inWorld({ ...OPTIONS, change: ofCluster((cluster) => void (cluster.addons = [])) }, async (world) => {
      expect(blocking(await move(world))).toContain('agent');
      expect(await move(world, { agent: 'install' })).toMatchObject({
        outcome: 'migrated',
        warnings: [{ id: 'agent-left-installed' }],
      });
      expect(world.cluster.addons.get('eks-pod-identity-agent')?.status).toBe('ACTIVE');
    }));
});

describe('a service account that is blocked', () => {
  it('with a StatefulSet that is updated OnDelete changes nothing', () =>
    inWorld(
      { ...OPTIONS, change: ofCluster((cluster) => void (workload(cluster, 'outbox').updateStrategy = 'OnDelete')) },
      async (world) => {
        const report = await move(world);
        expect([[report.outcome, blocking(report)], world.changes()]).toEqual([['blocked', ['rollout']], []]);
      },
    ));

  it('that belongs to an add-on must be migrated with the add-on', () =>
    inWorld({ scenario: 'in-place' }, async (world) => {
      const report = await world.migrate({
        serviceAccount: { namespace: 'kube-system', name: 'ebs-csi-controller-sa' },
      });
      expect([report.outcome, blocking(report)]).toEqual(['blocked', ['service-account-owner']]);
      expect(report.plan!.checks.find(({ id }) => id === 'service-account-owner')!.remedy).toBe(
        'Migrate the add-on instead: pod-identity migrate --cluster catalogue-prod --region eu-west-1 --account 111122223333 --addon aws-ebs-csi-driver --deployed',
      );
      expect(world.changes()).toEqual([]);
    }));
});

describe('a change that fails', () => {
  const failing = (
    faults: NonNullable<WorldOptions['faults']>,
    work: (world: OpenWorld) => Promise<void>,
  ): Promise<void> => inWorld({ ...OPTIONS, faults }, work);

  it('is rolled back: the association is denied', () =>
    failing(
      [{ kind: 'access-denied', step: 'create-association', operation: 'CreatePodIdentityAssociation', times: 'all' }],
      async (world) => {
        const before = world.readAccount(ACCOUNT);
        expect(await move(world)).toMatchObject({ outcome: 'rolled-back', failure: { name: 'AccessDenied' } });
        expect(world.readAccount(ACCOUNT)).toEqual(before);
      },
    ));

  it('continues once the API server allows the restart: refusals that end are waited out', () =>
    failing(
      [{ kind: 'access-denied', step: 'restart-pods', operation: 'patch statefulsets', times: 5 }],
      async (world) => {
        expect(await move(world)).toMatchObject({ outcome: 'migrated', failure: undefined });
        expect(world.readAccount(ACCOUNT)).toMatchObject({ pods: POD_IDENTITY });
      },
    ));

  it('only at the annotation causes no rollback: the migration ends migrated, and reports that the annotation is left', () =>
    failing(
      [{ kind: 'access-denied', step: 'annotate-service-account', operation: 'patch serviceaccounts', times: 'all' }],
      async (world) => {
        const remedy = containing('kubectl -n payments annotate serviceaccount api eks.amazonaws.com/role-arn-');
        expect(await move(world, { annotation: 'remove' })).toMatchObject({
          outcome: 'migrated',
          verified: 'ready',
          warnings: [{ id: 'annotation-left', remedy }],
        });
        expect(world.readAccount(ACCOUNT)).toMatchObject({ annotation: ROLE, pods: POD_IDENTITY });
      },
    ));

  it('in the workflow and in the rollback needs a person, who gets exact commands', async () => {
    const faults: WorldOptions['faults'] = [
      { kind: 'access-denied', step: 'restart-pods', operation: 'patch deployments', times: 'all' },
      { kind: 'access-denied', step: 'restore-associations', operation: 'DeletePodIdentityAssociation', times: 'all' },
    ];
    const report = await inWorld({ ...OPTIONS, faults }, async (world) => {
      const { ledger, clock } = world.backend;
      const { name } = await world.start({ serviceAccount: ACCOUNT });
      await world.later(10 * MINUTE);
      await ledger.requestCancel(name, { requestedAt: new Date(clock.now()).toISOString() });
      await world.later(HOUR);
      expect(await ledger.getMigration(name)).toMatchObject({ waitingFor: { what: 'access' } });
      await hasWaited(world, name, MOST_DAYS_WAITING);
      return world.settled(name);
    });
    expect(report).toMatchObject({ outcome: 'needs-human', failure: { name: 'Cancelled' } });
    const [association] = report.associations.created;
    expect(report.restoreCommands.filter((line) => !line.startsWith(': '))).toEqual([
      'aws eks update-kubeconfig --region eu-west-1 --name payments-prod',
      `aws eks delete-pod-identity-association --region eu-west-1 --cluster-name payments-prod --association-id ${association!.id} || true`,
      'sleep 30',
      'kubectl -n payments rollout restart deployment/api',
      'kubectl -n payments rollout restart statefulset/outbox',
      `pod-identity rollback ${report.migrationId} --deployed`,
    ]);
  });
});

describe('a change by another client', () => {
  it('an association that a third party creates meanwhile is left alone', () =>
    inWorld(OPTIONS, async (world) => {
      world.onFirst(
        ({ step, operation }) => step === 'begin' && operation === 'PutItem',
        () => associate(world),
      );
      expect(await move(world)).toMatchObject({ outcome: 'rolled-back', failure: { name: 'AssociationChanged' } });
      expect(world.readAccount(ACCOUNT)).toMatchObject({ associations: [{ tags: { by: 'third-party' } }], pods: IRSA });
    }));

  it('an annotation that a person removes after the migration prevents a rollback, and no pod is left without a role', () =>
    inWorld(OPTIONS, async (world) => {
      const { migrationId } = await move(world);
      await annotate(world, null);
      const refusal = await world.rollBack({ migrationId }).catch((error: unknown) => error);
      expect(refusal).toBeInstanceOf(CliError);
      expect((refusal as CliError).message).toMatch(
        /another principal has removed the annotation eks\.amazonaws\.com\/role-arn from service account payments\/api/,
      );
      expect(world.readAccount(ACCOUNT)).toMatchObject({
        annotation: undefined,
        associations: [{ roleArn: ROLE }],
        pods: POD_IDENTITY,
      });
    }));

  it('another migration of the same service account waits, or is blocked: one at a time', () =>
    inWorld(OPTIONS, async (world) => {
      const first = await world.start({ serviceAccount: ACCOUNT });
      await world.until(first, 'CreateAssociation');
      await expect(world.migrateAndFollow({ serviceAccount: ACCOUNT })).rejects.toMatchObject({ name: 'SubjectBusy' });
      const { name } = await world.start({ serviceAccount: ACCOUNT });
      await world.rest();
      const second = await world.report(name);
      expect([second.outcome, blocking(second)]).toEqual(['blocked', ['lock-free']]);
      expect(second).toMatchObject({ failure: { name: 'SubjectBusy' }, heldBy: first.name });
      expect(world.readAccount(ACCOUNT)).toMatchObject({ pods: POD_IDENTITY });
    }));
});
