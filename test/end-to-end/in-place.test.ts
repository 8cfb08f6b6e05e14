/** Migrations in place: one UpdateAddon, and how EKS carries it out. */
import { describe, expect, it } from 'vitest';
import type { MigrationReport } from '../../lambdas/domain/record/migration.ts';
import { ADDON } from './fixture.ts';
import { inWorld, type Asked, type OpenWorld, type WorldOptions } from './world.ts';
import { words } from '../words.ts';

const ACCOUNT = 'ebs-csi-controller-sa';
const IN_PLACE: Asked = { addon: ADDON, strategy: 'in-place' };

const ROLE = 'arn:aws:iam::111122223333:role/catalogue-prod-ebs-csi-driver';

interface Seen {
  report: MigrationReport;
  world: OpenWorld;
  before: object;
  after: unknown;
}

const run = (
  asked: Asked,
  options: Partial<WorldOptions> = {},
  meanwhile: (world: OpenWorld) => void = () => undefined,
): Promise<Seen> =>
  inWorld({ scenario: 'in-place', ...options }, async (world) => {
    const before = world.readAddon(ADDON, ACCOUNT);
    meanwhile(world);
    const report = await world.migrate(asked);
    return { report, world, before, after: world.readAddon(ADDON, ACCOUNT) };
  });

const changed = ({ world }: Seen): string[] => world.changes().map(({ operation }) => operation);
const updatesOf = ({ world }: Seen): unknown[] =>
  world
    .changes()
    .filter(({ operation }) => operation === 'UpdateAddon')
    .map(({ input }) => input);

const rolled = {
  status: 'ACTIVE',
  version: 'v1.38.1-eksbuild.1',
  role: undefined,
  configurationValues: undefined,
  tags: { team: 'catalogue' },
  owns: 1,
};
const onPodIdentity = {
  addon: rolled,
  associations: [expect.objectContaining({ serviceAccount: ACCOUNT, owned: true }) as unknown],
  pods: ['pod-identity', 'pod-identity'],
};

describe('an add-on that is migrated in place', () => {
  it.each<[string, Asked]>([
    ['by default', { addon: ADDON }],
    ['on request', IN_PLACE],
  ])('%s: one update that names only the associations, and keeps third-party changes', async (_, asked) => {
    const seen = await run(asked);
    expect(seen.report).toMatchObject({
      outcome: 'migrated',
      verified: 'ready',
      warnings: [],
      applied: { strategy: 'in-place', preserve: false, disruption: 'rolling', resolveConflicts: 'PRESERVE' },
      associations: { purged: [{ serviceAccount: ACCOUNT }], created: [{ serviceAccount: ACCOUNT }], restored: [] },
    });
    // Neither a role, which EKS would treat as one to pass, nor version or configuration, which would be set again.
    expect(updatesOf(seen)).toEqual([
      {
        clusterName: 'catalogue-prod',
        addonName: ADDON,
        podIdentityAssociations: [{ serviceAccount: ACCOUNT, roleArn: ROLE }],
        resolveConflicts: 'PRESERVE',
        clientRequestToken: `${seen.report.migrationId}-update-addon-0`,
      },
    ]);
    expect(changed(seen)).toEqual(['DeletePodIdentityAssociation', 'UpdateAddon']);
    expect(seen.after).toEqual(onPodIdentity);
    expect(seen.report.steps.map(({ name }) => name)).toEqual(words`
      plan begin update-addon await-active carry-over verify-pods confirm-ready finish
    `);
  });

  it('uses the mode of the request', async () => {
    const seen = await run({ ...IN_PLACE, resolveConflicts: 'OVERWRITE' });
    expect([seen.report.outcome, updatesOf(seen)]).toMatchObject(['migrated', [{ resolveConflicts: 'OVERWRITE' }]]);
  });

  it('keeps its owned associations: EKS replaces them', async () => {
    const own = (scenario: Parameters<NonNullable<WorldOptions['change']>>[0]): void => {
      scenario.accounts[0]!.clusters[0]!.associations[0]!.owner = ADDON;
    };
    const seen = await run(IN_PLACE, { change: own });
    expect(seen.report).toMatchObject({ outcome: 'migrated', associations: { purged: [] } });
    expect(changed(seen)).toEqual(['UpdateAddon']);
    expect(seen.after).toEqual(onPodIdentity);
  });

  it('is migrated with a warning if EKS still shows the role: the pods decide', async () => {
    const seen = await run(IN_PLACE, { knobs: { keepIrsaRole: true } });
    expect(seen.report).toMatchObject({
      outcome: 'migrated',
      verified: 'ready',
      warnings: [{ id: 'irsa-role-still-set', status: 'warn' }],
    });
    expect(seen.report.warnings[0]!.message).toContain('role/catalogue-prod-ebs-csi-driver');
    expect(seen.after).toMatchObject({ addon: { role: ROLE, owns: 1 }, pods: ['pod-identity', 'pod-identity'] });
  });
});

describe('an update that EKS cannot carry out', () => {
  it('is reverted by another update: the migration ends rolled-back', async () => {
    // The next update works: the cause of the first failure is gone.
    const repaired = (world: OpenWorld): void =>
      world.onFirst(
        ({ operation }) => operation === 'UpdateAddon',
        async () => {
          await world.backend.clock.sleep(10_000);
          world.backend.sandbox.world.knobs.updateEndsIn = 'ACTIVE';
        },
      );
    const seen = await run(IN_PLACE, { knobs: { updateEndsIn: 'UPDATE_FAILED' } }, repaired);
    expect(seen.report).toMatchObject({
      outcome: 'rolled-back',
      verified: 'injected',
      failure: { name: 'AddonFailed' },
      associations: { restored: [{ serviceAccount: ACCOUNT }] },
    });
    expect(seen.report.failure!.message).toContain('UPDATE_FAILED');
    expect(seen.after).toEqual(seen.before);
    expect(updatesOf(seen)).toMatchObject([{}, { serviceAccountRoleArn: ROLE, resolveConflicts: 'PRESERVE' }]);
    // The role comes first: the associations stay until new pods have their credentials from elsewhere.
    expect(updatesOf(seen)[1]).not.toHaveProperty('podIdentityAssociations');
    for (const update of updatesOf(seen))
      for (const left of ['addonVersion', 'configurationValues']) expect(update).not.toHaveProperty(left);
  });

  it('and whose rollback fails as well needs a person, who gets the commands', async () => {
    const { report } = await run(IN_PLACE, { knobs: { updateEndsIn: 'UPDATE_FAILED' } });
    expect(report).toMatchObject({ outcome: 'needs-human', failure: { name: 'AddonFailed' } });
    expect(report.restoreCommands.join('\n')).toMatch(
      /aws eks update-addon .*--service-account-role-arn arn:aws:iam::111122223333:role\/catalogue-prod-ebs-csi-driver .*\n.*wait addon-active[^]*pod-identity rollback /,
    );
  });

  it('ends rolled-back because of third-party fields set meanwhile, which NONE does not keep', async () => {
    const field = 'Deployment.apps ebs-csi-controller - .spec.replicas';
    const seen = await run({ ...IN_PLACE, resolveConflicts: 'NONE' }, {}, (world) =>
      world.onFirst(
        ({ operation }) => operation === 'DeletePodIdentityAssociation',
        () => void world.cluster.foreignFields.set(ADDON, [{ field, manager: 'kubectl-edit' }]),
      ),
    );
    expect(seen.report).toMatchObject({ outcome: 'rolled-back', failure: { name: 'AddonFailed' } });
    expect(seen.report.failure!.message).toContain(field);
    expect(updatesOf(seen)).toMatchObject([{ resolveConflicts: 'NONE' }, { resolveConflicts: 'PRESERVE' }]);
    expect(seen.after).toMatchObject({ ...seen.before, pods: expect.any(Array) as unknown });
  });
});
