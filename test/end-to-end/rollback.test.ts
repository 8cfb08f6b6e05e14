import { describe, expect, it } from 'vitest';
import type { SandboxBackend } from '../../cli/backend.ts';
import { ADDON, clusterOf, migrate, mutationsOf, RECREATE, ROLE, type Run, scenarioWith, TARGET } from './fixture.ts';
import { words } from '../words.ts';

/** Runs the action in the world as soon as that operation has been answered for the first time. */
const onFirst = (operation: string, happen: (backend: SandboxBackend) => void) => (backend: SandboxBackend) => {
  let happened = false;
  backend.sandbox.world.log.onCall((call) => {
    if (happened || call.operation !== operation) return;
    happened = true;
    happen(backend);
  });
};

const roleOf = (backend: SandboxBackend) =>
  backend.sandbox.world.accounts.get(TARGET.account)!.roles.get('reliability-dev-ebs-csi-driver-irsa-role')!;

/** Asserts the add-on's original state: role, version, configuration, tags, and the association that was purged. */
function expectRestored(run: Run): void {
  const now = clusterOf(run).addons.get(ADDON)!;
  const was = run.report.plan!.addon!;
  expect({
    status: now.status,
    role: now.serviceAccountRoleArn,
    version: now.version,
    configurationValues: now.configurationValues,
    tags: now.tags,
    owned: now.associationIds,
  }).toEqual({
    status: 'ACTIVE',
    role: ROLE,
    version: was.version,
    configurationValues: was.configurationValues,
    tags: was.tags,
    owned: [],
  });
  const left = [...clusterOf(run).associations.values()].filter((one) => one.deletedUntil === undefined);
  expect(left.map((one) => [one.namespace, one.serviceAccount, one.roleArn, one.ownerArn])).toEqual([
    ['kube-system', 'ebs-csi-controller-sa', ROLE, undefined],
  ]);
}

describe('a failure after the change has begun', () => {
  it('restores the original state when the create is denied', async () => {
    const run = await migrate({
      request: RECREATE,
      prepare: (backend) => {
        const role = roleOf(backend);
        const right = role.trustPolicy;
        onFirst(
          'DeletePodIdentityAssociation',
          () => (role.trustPolicy = right.replace('"sts:AssumeRole"', '"sts:GetCallerIdentity"')),
        )(backend);
        onFirst('CreateAddon', () => (role.trustPolicy = right))(backend);
      },
    });
    expect(run.report).toMatchObject({
      outcome: 'rolled-back',
      verified: 'injected',
      failure: { name: 'InvalidRequest' },
    });
    expect(run.report.failure!.message).toContain('Trust policy of the role provided is invalid');
    expectRestored(run);
    expect(run.report.associations.restored).toHaveLength(1);
  });

  it('restores the original state when the pods never get the new identity', async () => {
    const scenario = scenarioWith((changed) => void (changed.knobs.webhookLagSeconds = 86_400));
    const run = await migrate({ scenario, request: RECREATE });
    expect(run.report).toMatchObject({ outcome: 'rolled-back', failure: { name: 'PodsOnWrongIdentity' } });
    expect(run.report.steps.filter((step) => step.name.startsWith('restart-pods'))).toHaveLength(1);
    expectRestored(run);
  });

  it('makes every allowed attempt before it restores the original state', async () => {
    const scenario = scenarioWith((changed) => void (changed.knobs.webhookLagSeconds = 86_400));
    const run = await migrate({ scenario });
    expect(run.report).toMatchObject({
      outcome: 'rolled-back',
      applied: { strategy: 'recreate', preserve: true },
      failure: { name: 'PodsOnWrongIdentity' },
    });
    expect(run.report.steps.map(({ name }) => name).filter((name) => name.startsWith('restart-pods'))).toEqual(words`
      restart-pods restart-pods.2
    `);
    expectRestored(run);
  });

  it('leaves an add-on alone that a third party changed after the plan', async () => {
    const run = await migrate({
      prepare: onFirst('DescribeAddonVersions', (backend) => {
        clusterOf({ backend } as Run).addons.get(ADDON)!.version = 'v1.35.0-eksbuild.1';
      }),
    });
    expect(run.report).toMatchObject({ outcome: 'blocked', failure: { name: 'AddonChanged' } });
    expect(mutationsOf(run)).toEqual([]);
  });

  it('never ends silently with a missing add-on: a create that always fails needs a person, who gets the commands', async () => {
    const scenario = scenarioWith((changed) => void (changed.knobs.createEndsIn = 'CREATE_FAILED'));
    const run = await migrate({ scenario, request: RECREATE });
    expect(run.report.outcome).toBe('needs-human');
    expect(run.report.restoreCommands.join('\n')).toContain(
      `aws eks create-addon --region eu-west-1 --cluster-name reliability-dev --addon-name ${ADDON}`,
    );
    expect(run.report.restoreCommands.join('\n')).toContain(`--service-account-role-arn ${ROLE}`);
  });
});

it('a lock that another migration took after the plan ends the migration blocked, and names the holder', async () => {
  const run = await migrate({
    prepare: onFirst('DescribeAddonVersions', (backend) => {
      void backend.clock.spawn(() =>
        backend.ledger.acquireLock(`111122223333#eu-west-1#reliability-dev#${ADDON}`, {
          migrationId: '01JD8Z5Q6R7S8T9V0W1X2Y3Z4A',
          executionArn: 'arn:aws:states:eu-west-1:111122223333:execution:MigrateAddon:other',
          since: '2026-01-15T08:59:00.000Z',
        }),
      );
    }),
  });
  expect(run.report).toMatchObject({ outcome: 'blocked', failure: { name: 'SubjectBusy' } });
  expect(run.report.failure!.message).toContain('01JD8Z5Q6R7S8T9V0W1X2Y3Z4A');
  expect(run.report.failure!.message).toContain('2026-01-15T08:59:00.000Z');
  expect(mutationsOf(run)).toEqual([]);
});
