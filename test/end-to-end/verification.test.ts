/** The evidence on which a migration is called migrated: each pod or, if the request asks for no more, EKS alone. */
import { describe, expect, it } from 'vitest';
import { retireAndFollow } from '../../cli/service/retire.ts';
import { silentProgress } from '../../cli/progress.ts';
import { PLAIN } from '../../cli/text/style.ts';
import { summary } from '../../cli/print/summary.ts';
import type { MigrationReport } from '../../lambdas/domain/record/migration.ts';
import { MOST_DAYS_WAITING } from '../../lambdas/domain/waiting/pause.ts';
import { podsChanged } from '../../sandbox/kubernetes/budgets.ts';
import { schedulePending } from '../../sandbox/kubernetes/controllers.ts';
import type { Container, PodSpec } from '../../sandbox/objects/objects.ts';
import { getObject, listObjects, newMetadata, putObject, touch } from '../../sandbox/objects/store.ts';
import { ADDON, identityOf } from './fixture.ts';
import { hasWaited } from './waits.ts';
import { inWorld, type OpenWorld, type WorldOptions } from './world.ts';
import { containing, matching, expectError } from '../lambdas/matchers.ts';

const HOUR = 3_600_000;
const ACCOUNT = 'ebs-csi-controller-sa';
const CONTROLLER = 'ebs-csi-controller';
const RESTARTED = 'kubernetes:patch deployments';
const WITNESS = 'kubernetes:create pods/eviction';
const API = { addon: ADDON, verification: 'api' } as const;

const calls = (world: OpenWorld): string[] =>
  world.changes().map(({ service, operation }) => `${service}:${operation}`);
const restarts = ({ steps }: MigrationReport): string[] =>
  steps.map(({ name }) => name).filter((name) => name.startsWith('restart-pods'));
const minutes = ({ startedAt, endedAt }: Pick<MigrationReport, 'startedAt' | 'endedAt'>): number =>
  (Date.parse(endedAt) - Date.parse(startedAt)) / 60_000;
const warned = ({ warnings }: MigrationReport): string[] => warnings.map(({ id }) => id);

describe('verified by the EKS API alone', () => {
  it('without access: migrates, calls no API server after its plan, reports that no pod was seen, and is not sufficient for a retirement', () =>
    inWorld({ scenario: 'api-only' }, async (world) => {
      const before = world.readAddon(ADDON, ACCOUNT);
      const report = await world.migrate(API);
      expect(report).toMatchObject({
        outcome: 'migrated',
        verified: 'api',
        applied: { strategy: 'in-place' },
        verification: { before: [], pods: [] },
      });
      expect(warned(report)).toEqual(['pods-not-seen']);
      expect(report.plan!.checks.find(({ id }) => id === 'kubernetes-access')).toMatchObject({
        status: 'warn',
        message: containing('401'),
      });
      const asked = world.backend.sandbox.world.log.calls.filter(
        ({ service, step }) => service === 'kubernetes' && step !== undefined,
      );
      expect([...new Set(asked.map(({ step, status }) => `${step ?? ''} ${status}`))]).toEqual(['plan 401']);
      const text = summary(report, PLAIN).join('\n');
      expect(text).toContain('no pod was read');
      expect(text).toMatch(/verified: api \(reported by EKS; no pod was inspected\)/);
      expect(text).not.toMatch(/verified on the pods/);
      const { migrationId } = report;
      const request = { migrationId, action: 'retire', dryRun: false, soakDays: 0 } as const;
      await expectError(retireAndFollow(world.backend, request, silentProgress), 'RetireRefused', 'no pod was read');
      expect(calls(world)).toEqual(['eks:UpdateAddon']);
      // A rollback on demand reports once what it reports of a rollback.
      const back = await world.rollBack({ migrationId });
      expect(back).toMatchObject({ outcome: 'rolled-back', verified: 'api' });
      expect(back.warnings).toMatchObject([{ id: 'pods-not-seen', message: containing('as it was before') }]);
      expect(world.readAddon(ADDON, ACCOUNT)).toEqual(before);
    }));

  it('with access: reads the pods for its plan, and does not find those that kept their identity', () =>
    inWorld({ scenario: 'preserve' }, async (world) => {
      const report = await world.migrate({ ...API, strategy: 'recreate', preserve: true });
      expect(report).toMatchObject({ outcome: 'migrated', verified: 'api', verification: { pods: [] } });
      expect(report.verification.before.map(({ identity }) => identity)).toContain('irsa');
      expect(restarts(report)).toEqual([]);
      // For this reason it reports that no pod was seen.
      expect([identityOf(world.cluster, ACCOUNT), warned(report)]).toEqual([['irsa', 'irsa'], ['pods-not-seen']]);
    }));

  it('makes no further attempt: one attempt, and a rollback verified the same way', () =>
    inWorld(
      {
        scenario: 'api-only',
        faults: [{ kind: 'access-denied', step: 'carry-over', operation: 'UpdateItem', times: 'all' }],
      },
      async (world) => {
        const before = world.readAddon(ADDON, ACCOUNT);
        const report = await world.migrate({ ...API, maxDisruption: 'outage' });
        expect(report.plan!.attempts).toHaveLength(1);
        expect(report).toMatchObject({ outcome: 'rolled-back', verified: 'api', verification: { pods: [] } });
        expect(report.warnings).toMatchObject([{ id: 'pods-not-seen', message: containing('as it was before') }]);
        expect(world.readAddon(ADDON, ACCOUNT)).toEqual(before);
      },
    ));

  it('is sufficient for Recover if only the end is missing', () =>
    inWorld(
      { scenario: 'api-only', faults: [{ kind: 'abort-after', step: 'verify-pods', operation: 'UpdateItem' }] },
      async (world) => {
        const { input } = await world.start(API);
        const report = await world.settled((JSON.parse(input) as { migrationId: string }).migrationId);
        expect(report).toMatchObject({ outcome: 'migrated', verified: 'api', recovery: { cause: 'stranded' } });
        expect(warned(report)).toEqual(['pods-not-seen']);
      },
    ));
});

describe('the identity of each pod', () => {
  /** Changes the pods' template once EKS has replaced the pods. */
  const editTemplate = (world: OpenWorld, edit: (spec: PodSpec, container: Container) => void): void =>
    world.onFirst(
      ({ step }) => step === 'verify-pods',
      () => {
        const deployment = getObject(world.cluster.kube, 'Deployment', 'kube-system', CONTROLLER)!;
        const { spec } = deployment.spec.template;
        edit(spec, spec.containers[0]!);
        touch(world.cluster.kube, deployment);
      },
    );

  it('that was admitted before the webhook knew of its association: it is restarted', () =>
    inWorld({ scenario: 'in-place', knobs: { webhookLagSeconds: 8 } }, async (world) => {
      const report = await world.migrate({ addon: ADDON });
      expect([report, restarts(report)]).toMatchObject([{ outcome: 'migrated', verified: 'ready' }, ['restart-pods']]);
      expect(calls(world).filter((call) => call.startsWith('kubernetes:'))).toEqual([WITNESS, RESTARTED]);
    }));

  it('that kept its own because nothing replaced it: it is restarted, and no workload of another service account is', () =>
    inWorld({ scenario: 'preserve', knobs: { webhookLagSeconds: 8 } }, async (world) => {
      const asked = { addon: ADDON, strategy: 'recreate', preserve: true } as const;
      const { outcome, verification, ...report } = await world.migrate(asked);
      expect(outcome).toBe('migrated');
      expect(report.steps.filter(({ name }) => name.startsWith('restart-pods'))).not.toEqual([]);
      const others = (pods: MigrationReport['verification']['pods']): string[] =>
        pods
          .filter(({ identity }) => identity === 'not-applicable')
          .map(({ serviceAccount, uid }) => `${serviceAccount} ${uid}`)
          .sort();
      expect(others(verification.pods)).toEqual([
        expect.stringMatching(/^ebs-csi-node-sa /),
        expect.stringMatching(/^ebs-csi-node-sa /),
      ]);
      expect(others(verification.pods)).toEqual(others(verification.before));
    }));

  it('that is unknown although it has the configuration of EKS Pod Identity is a warning, and is not rolled back', () =>
    inWorld({ scenario: 'in-place', knobs: { webhookLagSeconds: 8 } }, async (world) => {
      editTemplate(world, (_, container) => {
        container.env = [...(container.env ?? []), { name: 'AWS_PROFILE', value: 'own' }];
      });
      const report = await world.migrate({ addon: ADDON });
      expect(report).toMatchObject({
        outcome: 'migrated',
        warnings: [
          {
            id: 'credentials-unknown',
            message: matching(
              /: in kube-system\/ebs-csi-controller-\S+, kube-system\/ebs-csi-controller-\S+, container ebs-plugin has AWS_PROFILE, with which AWS SDKs[^;]*$/,
            ),
          },
        ],
      });
      expect(restarts(report)).toEqual(['restart-pods']);
      expect(await world.migrate({ addon: ADDON })).toMatchObject({ outcome: 'already-migrated' });
    }));

  it('that has both sets of variables uses IRSA in effect: after two pods the add-on is rolled back, without a wait', () =>
    inWorld({ scenario: 'in-place', knobs: { webhookLagSeconds: 8 } }, async (world) => {
      // IRSA's variables are hard-coded into the template once EKS has replaced the pods; the webhook leaves them.
      editTemplate(world, (spec, container) => {
        const token = { audience: 'sts.amazonaws.com', expirationSeconds: 3600, path: 'token' };
        const byHand = { name: 'by-hand', projected: { sources: [{ serviceAccountToken: token }] } };
        spec.volumes = [...(spec.volumes ?? []), byHand];
        container.volumeMounts = [...(container.volumeMounts ?? []), { name: 'by-hand', mountPath: '/by-hand' }];
        container.env = [
          ...(container.env ?? []),
          { name: 'AWS_ROLE_ARN', value: 'arn:aws:iam::111122223333:role/by-hand' },
          { name: 'AWS_WEB_IDENTITY_TOKEN_FILE', value: '/by-hand/token' },
        ];
      });
      const report = await world.migrate({ addon: ADDON, strategy: 'in-place' });
      expect(report).toMatchObject({
        outcome: 'rolled-back',
        failure: {
          name: 'PodsOnWrongIdentity',
          message: matching(
            /^2 pods were replaced one by one\. After 0 restarts these pods still are not on EKS Pod Identity: \S+ \(mixed\), \S+ \(mixed\)\. EKS's webhook injects EKS Pod Identity into them/,
          ),
        },
      });
      expect(restarts(report)).toEqual(['restart-pods']);
      expect(minutes(report)).toBeLessThan(5);
    }));
});

describe('an API server that refuses the service during a migration', () => {
  it.each([
    ['401: its access entry is gone', (world: OpenWorld) => world.cluster.accessEntries.clear(), '401'],
    [
      '403: its permissions are gone',
      (world: OpenWorld) =>
        world.cluster.accessEntries.forEach((entry) => Object.assign(entry, { kubernetesGroups: [], policies: [] })),
      '403',
    ],
  ] as const)(
    '%s: the migration waits, nothing is called verified, and after a cancel a person gets the commands for the pods',
    (_, refuse, status) =>
      inWorld({ scenario: 'in-place' }, async (world) => {
        world.onFirst(
          ({ operation }) => operation === 'UpdateAddon',
          () => refuse(world),
        );
        const { ledger, clock } = world.backend;
        const { name } = await world.start({ addon: ADDON, strategy: 'in-place' });
        await world.later(HOUR);
        expect(await ledger.getMigration(name)).toMatchObject({
          status: 'running',
          waitingFor: { what: 'api-access', text: containing(status) },
        });
        await ledger.requestCancel(name, { requestedAt: new Date(clock.now()).toISOString() });
        await world.later(2 * HOUR);
        await hasWaited(world, name, MOST_DAYS_WAITING);
        const report = await world.settled(name);
        expect(report).toMatchObject({
          outcome: 'needs-human',
          verified: 'none',
          failure: { name: 'Cancelled', message: containing(status) },
        });
        expect(world.cluster.addons.get(ADDON)).toMatchObject({
          status: 'ACTIVE',
          serviceAccountRoleArn: report.plan!.addon!.serviceAccountRoleArn,
        });
        expect(report.restoreCommands.join('\n')).toContain('kubectl -n kube-system rollout restart');
      }),
  );

  it('and accepts it again: the migration continues without a person', () =>
    inWorld({ scenario: 'in-place' }, async (world) => {
      const entries = new Map(world.cluster.accessEntries);
      world.onFirst(
        ({ operation }) => operation === 'UpdateAddon',
        async () => {
          world.cluster.accessEntries.clear();
          await world.backend.clock.sleep(HOUR);
          entries.forEach((entry, arn) => world.cluster.accessEntries.set(arn, entry));
        },
      );
      const report = await world.migrate({ addon: ADDON, strategy: 'in-place' });
      expect(report).toMatchObject({ outcome: 'migrated', verified: 'ready', failure: undefined });
      expect(minutes(report)).toBeGreaterThan(60);
    }));
});

describe('a restart', () => {
  const preserved = { addon: ADDON, strategy: 'recreate', preserve: true } as const;
  const there = (work: (world: OpenWorld) => Promise<void>, options: Partial<WorldOptions> = {}): Promise<void> =>
    inWorld({ scenario: 'preserve', ...options }, work);
  const cordon = ({ cluster, backend: { sandbox } }: OpenWorld, unschedulable: boolean): void => {
    for (const node of listObjects(cluster.kube, 'Node')) {
      node.spec = { ...node.spec, unschedulable };
      touch(cluster.kube, node);
    }
    schedulePending(sandbox.world, cluster);
  };

  it('is not an eviction: a PodDisruptionBudget that allows none does not stop it', () =>
    there(async (world) => {
      const { cluster, backend } = world;
      const { matchLabels } = getObject(cluster.kube, 'Deployment', 'kube-system', CONTROLLER)!.spec.selector;
      const guard = { name: 'guard', namespace: 'kube-system', generation: 1 };
      putObject(cluster.kube, 'PodDisruptionBudget', {
        apiVersion: 'policy/v1',
        kind: 'PodDisruptionBudget',
        metadata: newMetadata(cluster.kube, backend.clock.now(), guard),
        spec: { maxUnavailable: 0, selector: { matchLabels } },
        status: { currentHealthy: 0, desiredHealthy: 0, disruptionsAllowed: 0, expectedPods: 0 },
      });
      podsChanged({ world: backend.sandbox.world, cluster }, 'kube-system');
      await world.later(1000);
      expect(getObject(cluster.kube, 'PodDisruptionBudget', 'kube-system', 'guard')!.status).toMatchObject({
        disruptionsAllowed: 0,
        currentHealthy: 2,
      });
      const report = await world.migrate(preserved);
      expect([report, restarts(report)]).toMatchObject([{ outcome: 'migrated', verified: 'ready' }, ['restart-pods']]);
    }));

  it('whose new pods fit on no node waits, keeps the association, and names the pod', () =>
    there(async (world) => {
      world.onFirst(
        ({ operation }) => operation === 'patch deployments',
        () => cordon(world, true),
      );
      const { name } = await world.start(preserved);
      await world.later(3 * HOUR);
      expect(await world.backend.ledger.getMigration(name)).toMatchObject({
        status: 'running',
        waitingFor: {
          what: 'pods',
          text: matching(
            /Deployment ebs-csi-controller is rolling out: \d of 2 pods are ready, and pod (ebs-csi-controller-\S+) is not scheduled \(for the reason: kubectl -n kube-system describe pod \1\)/,
          ),
        },
      });
      await hasWaited(world, name, MOST_DAYS_WAITING);
      const report = await world.settled(name);
      expect(report).toMatchObject({ outcome: 'needs-human', failure: { name: 'WaitedTooLong' } });
      expect(world.readAddon(ADDON, ACCOUNT)).toMatchObject({ associations: [{}] });
      expect(report.restoreCommands.join('\n')).toContain(`rollout restart deployment/${CONTROLLER}`);
    }));

  it('whose new pods fit on no node for a while continues as soon as they do', () =>
    there(async (world) => {
      world.onFirst(
        ({ operation }) => operation === 'patch deployments',
        async () => {
          cordon(world, true);
          await world.backend.clock.sleep(HOUR);
          cordon(world, false);
        },
      );
      const report = await world.migrate(preserved);
      expect(report).toMatchObject({ outcome: 'migrated', verified: 'ready', failure: undefined });
      expect(minutes(report)).toBeGreaterThan(60);
      expect(identityOf(world.cluster, ACCOUNT)).toEqual(['pod-identity', 'pod-identity']);
    }));
});
