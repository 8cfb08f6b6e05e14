/**
 * What the owner's code must contain, before and after whole migrations: each time it is compared with what is in the
 * account, which code that matches it does not change.
 */
import { describe, expect, it } from 'vitest';
import type { HandOff } from '../../lambdas/domain/terms/hand-off.ts';
import { handOffOf } from '../../lambdas/domain/hand-off/of-record.ts';
import type { MigrationReport } from '../../lambdas/domain/record/migration.ts';
import { MIGRATION_TAG } from '../../lambdas/domain/migration/service-account.ts';
import type { Subject } from '../../lambdas/domain/terms/subject.ts';
import { portsOf } from '../../lambdas/runtime/wiring.ts';
import { readFoundHandOff } from '../../lambdas/use-cases/hand-off/read-found.ts';
import { accountOf, differences, isEqual } from './hand-off-differences.ts';
import { type Asked, inWorld, type OpenWorld, type WorldOptions } from './world.ts';

const EBS = 'aws-ebs-csi-driver';
const EBS_ACCOUNT = 'ebs-csi-controller-sa';
const EFS_NODES = 'efs-csi-node-sa';
const API = { namespace: 'payments', name: 'api' };

/** Returns what the dry run and the migration itself have in common: neither ids nor the id of the migration. */
const withoutIds = ({
  target,
  addon,
  serviceAccount,
  associations,
  trust,
  annotations,
  notInCode,
}: HandOff): object => ({
  target,
  addon,
  serviceAccount,
  trust,
  annotations,
  notInCode,
  associations: associations
    .filter(({ action }) => action !== 'do-not-import')
    .map(({ id, tags, ...one }) => ({ ...one, ...(one.action === 'remove' ? { id } : {}), tags: Object.keys(tags) })),
});

const subjectIn = ({ addon, serviceAccount }: Asked): Subject => ({ addon, serviceAccount });

const read = (world: OpenWorld, asked: Asked): Promise<HandOff | undefined> => {
  const { eks } = portsOf(world.backend.sandbox.clients(undefined, world.target.region), world.target);
  return readFoundHandOff(eks, world.target, subjectIn(asked));
};

type Row = [what: string, options: WorldOptions, asked: Asked];
const ROWS: Row[] = [
  ['in place, with an association to delete', { scenario: 'ebs-csi-irsa' }, { addon: EBS }],
  ['by a deletion of the add-on', { scenario: 'ebs-csi-irsa' }, { addon: EBS, strategy: 'recreate' }],
  ['with preserve', { scenario: 'preserve' }, { addon: EBS, strategy: 'recreate', preserve: true }],
  ['whose attempt in place is not enough', { scenario: 'auto-falls-back' }, { addon: EBS }],
  ['with a repair of the trust policy', { scenario: 'trust-repair' }, { addon: EBS, trust: 'repair' }],
  ['with settings that code cannot contain', { scenario: 'left-over-session-tags' }, { addon: EBS }],
  ['of three service accounts', { scenario: 'adot-three-service-accounts' }, { addon: 'adot' }],
  [
    'with a standalone association',
    { scenario: 'efs-node-role' },
    { addon: 'aws-efs-csi-driver', roles: { [EFS_NODES]: 'arn:aws:iam::111122223333:role/studio-prod-efs-csi-node' } },
  ],
  [
    'that accepts a loss',
    { scenario: 'efs-node-role' },
    { addon: 'aws-efs-csi-driver', accept: [`identity-loss:${EFS_NODES}`] },
  ],
  ['after which EKS still shows the role', { scenario: 'in-place', knobs: { keepIrsaRole: true } }, { addon: EBS }],
  ['of a role that others use', { scenario: 'shared-role' }, { addon: EBS }],
  ['of a workload', { scenario: 'service-account-irsa' }, { serviceAccount: API }],
  [
    'of a workload, without annotation',
    { scenario: 'service-account-irsa' },
    { serviceAccount: API, annotation: 'remove' },
  ],
];

const has = (report: MigrationReport): HandOff => {
  expect(report.handOff).toBeDefined();
  return report.handOff!;
};

describe('the hand-off of a migration', () => {
  it.each(ROWS)('describes the account before and after, and after the rollback: %s', async (_, options, asked) =>
    inWorld(options, async (world) => {
      const plan = await world.migrate({ ...asked, dryRun: true });
      expect(plan).toMatchObject({ outcome: 'planned', handOff: { state: 'planned' } });
      const migrated = await world.migrate(asked);
      expect(migrated).toMatchObject({ outcome: 'migrated', handOff: { state: 'migrated' } });
      const handOff = has(migrated);
      expect(differences(accountOf(world), handOff)).toEqual([]);
      // Unless EKS does not do as it was asked, the whole commit was known before.
      expect(isEqual(withoutIds(has(plan)), withoutIds(handOff))).toBe(options.knobs?.keepIrsaRole !== true);
      const now = await read(world, asked);
      expect([now, differences(accountOf(world), now)]).toMatchObject([{ state: 'found' }, []]);
      expect(now!.addon?.associations ?? []).toEqual(handOff.addon?.associations ?? []);
      const back = await world.rollBack({ migrationId: migrated.migrationId });
      expect(back).toMatchObject({ outcome: 'rolled-back', handOff: { state: 'rolled-back' } });
      expect(differences(accountOf(world), back.handOff)).toEqual([]);
    }),
  );

  it('exists while it waits for an approval, for the person who decides', () =>
    inWorld({ scenario: 'in-place' }, async (world) => {
      const execution = await world.start({ addon: EBS, approval: 'required' });
      await world.until(execution, 'RequestApproval');
      const [record] = (await world.backend.ledger.listMigrations({}, 1)).migrations;
      expect(handOffOf((await world.backend.ledger.getMigration(record!.migrationId))!)).toMatchObject({
        state: 'planned',
      });
    }));

  it('of a second migration is what was found', () =>
    inWorld({ scenario: 'in-place' }, async (world) => {
      const first = await world.migrate({ addon: EBS });
      const second = await world.migrate({ addon: EBS });
      expect(second).toMatchObject({ outcome: 'already-migrated', handOff: { state: 'found' } });
      expect(second.handOff!.addon!.associations).toEqual(first.handOff!.addon!.associations);
      expect(differences(accountOf(world), second.handOff)).toEqual([]);
    }));

  it('has the tag of the association of a workload, so that an import does not remove it', () =>
    inWorld({ scenario: 'service-account-irsa' }, async (world) => {
      const { handOff, migrationId } = await world.migrate({ serviceAccount: API });
      expect(handOff!.associations).toMatchObject([{ action: 'import', tags: { [MIGRATION_TAG]: migrationId } }]);
    }));
});

describe('what is in the account', () => {
  it('is described before any migration: the role, and no association', () =>
    inWorld({ scenario: 'in-place' }, async (world) => {
      const found = await read(world, { addon: EBS });
      expect(found).toMatchObject({ state: 'found', addon: { name: EBS, associations: [] } });
      expect(found!.addon!.addRoleArn).toBeDefined();
      expect(differences(accountOf(world), found)).toEqual([]);
    }));

  it('is not described if there is no add-on, or no association of the service account', () =>
    inWorld({ scenario: 'service-account-irsa' }, async (world) => {
      expect(await read(world, { addon: EBS })).toBeUndefined();
      expect(await read(world, { serviceAccount: API })).toBeUndefined();
    }));

  it('is described of a service account of an add-on: the association must not be imported', () =>
    inWorld({ scenario: 'in-place' }, async (world) => {
      await world.migrate({ addon: EBS });
      const found = await read(world, { serviceAccount: { namespace: 'kube-system', name: EBS_ACCOUNT } });
      expect(found!.associations).toMatchObject([{ action: 'do-not-import', serviceAccount: EBS_ACCOUNT }]);
    }));
});
