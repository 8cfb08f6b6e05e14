/**
 * A principal that can only write into the ledger cannot make the service write a trust policy that it would not have
 * written otherwise: neither by undoing a forged repair or retirement, nor by an exchanged repair.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { AddonSnapshot, Migration } from '../../lambdas/domain/record/migration.ts';
import type { Plan } from '../../lambdas/domain/record/plan.ts';
import type { TrustRetirement } from '../../lambdas/domain/terms/trust.ts';
import type { Scenario } from '../../sandbox/scenario/scenario.ts';
import { forgeMigration, recordItem, resealed } from './forged.ts';
import {
  changesIn,
  deploy,
  type Deployment,
  hostileScenario,
  type HostileWorld,
  inHostileWorld,
  NARROW,
  roleArn,
  SERVICE_ACCOUNT,
} from './hostile.ts';
import { containing } from '../lambdas/matchers.ts';

/** The service may change its trust policy. */
const REPAIRABLE = roleArn('eks-addons/repairable-payments');
const STAMP = '2025-06-01T00:00:00.000Z';
const WRITTEN = { roleArn: REPAIRABLE, notedAt: STAMP, writtenAt: STAMP };

type Statement = Record<string, unknown>;
const EVERYBODY: Statement = { Effect: 'Allow', Principal: { AWS: '*' }, Action: 'sts:AssumeRole' };
const NOT_OUTSIDE: Statement = {
  Sid: 'NotFromOutside',
  Effect: 'Deny',
  Principal: { AWS: '*' },
  Action: 'sts:*',
  Condition: { StringNotEquals: { 'aws:PrincipalAccount': '111122223333' } },
};
const policyOf = (...statements: Statement[]): string =>
  JSON.stringify({ Version: '2012-10-17', Statement: statements });

let narrow: Deployment;
beforeAll(async () => {
  // Requested by name, so that the exchanged plans would be carried out.
  const grant = { roles: [REPAIRABLE], clusters: ['cluster/*'], serviceAccounts: [`kube-system/${SERVICE_ACCOUNT}`] };
  narrow = await deploy(NARROW, { roleGrants: [grant] });
});
afterAll(() => narrow.remove());

const policyIn = ({ backend }: HostileWorld, arn = REPAIRABLE): { Statement: Statement[] } =>
  JSON.parse(
    [...backend.sandbox.world.accounts.values()]
      .flatMap(({ roles }) => [...roles.values()])
      .find((one) => one.arn === arn)!.trustPolicy,
  ) as { Statement: Statement[] };

/** Asserts that the role has that policy, and that the service wrote none. */
const expectTrust = (world: HostileWorld, policy: ReturnType<typeof policyIn>): void =>
  expect([policyIn(world), changesIn(world).filter((one) => one.startsWith('iam:'))]).toEqual([policy, []]);

/** The driver's own trust policy, with a Deny, on a role that may be repaired. */
const scenario = (keep: (statement: Statement) => boolean = () => true): Scenario =>
  hostileScenario(({ accounts: [account] }) => {
    const [own] = account!.roles;
    const { Statement: statements } = JSON.parse(JSON.stringify(own!.trustPolicy)) as { Statement: Statement[] };
    account!.roles.push({
      ...structuredClone(own!),
      arn: REPAIRABLE,
      trustPolicy: { Version: '2012-10-17', Statement: [NOT_OUTSIDE, ...statements].filter(keep) },
    });
  });

const inside = <T>(work: (world: HostileWorld) => Promise<T>, given = scenario()): Promise<T> =>
  inHostileWorld({ scenario: given, deployment: narrow }, work);

describe('undoing a repair that never happened', () => {
  it.each<[string, (now: Statement[]) => { before: string; after: string; statement: Statement }]>([
    [
      'does not write the policy recorded as the previous one',
      (now) => ({ before: policyOf(EVERYBODY), after: policyOf(...now), statement: {} }),
    ],
    [
      'does not remove a Deny recorded as added',
      (now) => ({ before: policyOf(...now.slice(1)), after: policyOf(...now), statement: NOT_OUTSIDE }),
    ],
  ])('%s', async (_, forged) =>
    inside(async (world) => {
      const before = policyIn(world);
      const migrationId = await forgeMigration<AddonSnapshot>(world, {});
      await world.backend.ledger.recordTrustChange(migrationId, { ...WRITTEN, ...forged(before.Statement) });
      await world.recover(migrationId);
      expectTrust(world, before);
      const { warnings } = (await world.record(migrationId))!;
      expect(warnings.map(({ id }) => id)).toContain('trust-not-restored');
      // No restore commands tell a person to write it either.
      expect(JSON.stringify(warnings)).not.toContain('update-assume-role-policy');
    }),
  );

  it('does not become a command for a person either', async () =>
    inside(async (world) => {
      const migrationId = await forgeMigration<AddonSnapshot>(world, {});
      await world.backend.ledger.recordTrustChange(migrationId, {
        roleArn: REPAIRABLE,
        before: policyOf(EVERYBODY),
        after: policyOf(...policyIn(world).Statement),
        statement: {},
        notedAt: STAMP,
      });
      // The owner is unknown: a person decides.
      world.cluster.addons.get('aws-ebs-csi-driver')!.serviceAccountRoleArn = roleArn('eks-addons/other');
      expect(await world.recover(migrationId)).toMatchObject({ status: 'FAILED', error: 'NeedsHuman' });
      const { restoreCommands, warnings } = (await world.record(migrationId))!;
      expect(warnings.map(({ id }) => id)).toContain('trust-not-restored');
      expect(restoreCommands.length).toBeGreaterThan(0);
      expect(restoreCommands.join('\n')).not.toContain('update-assume-role-policy');
    }));
});

describe('undoing a retirement that never happened', () => {
  type Forged = Pick<TrustRetirement, 'before' | 'after' | 'removed'>;
  const irsaIn = (now: Statement[]): Statement => now.find((one) => JSON.stringify(one).includes('oidc-provider'))!;

  it.each<[string, (now: Statement[]) => Forged]>([
    [
      'does not write the policy recorded as the previous one',
      (now) => ({ before: policyOf(EVERYBODY), after: policyOf(...now), removed: [{ statement: irsaIn(now) }] }),
    ],
    [
      'adds no principal that is not an OIDC provider',
      (now) => ({ before: policyOf(EVERYBODY, ...now), after: policyOf(...now), removed: [{ statement: EVERYBODY }] }),
    ],
    [
      'adds nothing in place of a Deny',
      (now) => ({
        before: policyOf(irsaIn(now)),
        after: policyOf(...now),
        removed: [{ statement: { ...irsaIn(now), Sid: 'Again' }, kept: NOT_OUTSIDE }],
      }),
    ],
  ])('%s', (_, forged) =>
    inside(async (world) => {
      const before = policyIn(world);
      const migrationId = await forgeMigration<AddonSnapshot>(world, {
        record: () => ({ outcome: 'migrated', verified: 'ready' }),
      });
      await world.backend.ledger.recordRetirement(migrationId, { ...WRITTEN, ...forged(before.Statement) });
      await world.attempt(
        { migrationId, action: 'reinstate', dryRun: false, soakDays: 0 },
        { machine: world.backend.retireStateMachineArn!, name: `reinstate-${migrationId}` },
      );
      expectTrust(world, before);
    }),
  );
});

/** The ledger's content is exchanged once `begin` has stored the snapshot. */
async function exchangedAfterBegin(
  world: HostileWorld,
  asked: Record<string, unknown>,
  forge: (record: Migration, snapshot: AddonSnapshot) => { plan: Plan; snapshot: AddonSnapshot },
): Promise<Migration> {
  const migrationId = world.backend.ids.ulid();
  let exchanges = 0;
  world.onFirst(
    ({ step, operation, status, input }) =>
      step === 'begin' && operation === 'PutItem' && status === 200 && JSON.stringify(input).includes('"SNAPSHOT"'),
    async () => {
      const record = (await world.record(migrationId))!;
      const { plan, snapshot } = forge(record, (await world.backend.ledger.getSnapshot(migrationId)) as AddonSnapshot);
      exchanges += 1;
      await world.forge(`MIGRATION#${migrationId}`, 'RECORD', recordItem(resealed(record, plan)));
      await world.forge(`MIGRATION#${migrationId}`, 'SNAPSHOT', { snapshot });
    },
  );
  const { status, cause } = await world.ask(asked, { name: migrationId });
  expect([exchanges, status, cause]).toEqual([1, 'FAILED', expect.anything()]);
  return (await world.record(migrationId))!;
}

describe('a plan that is exchanged after begin', () => {
  it('adds no statement to a trust policy other than the planned one', async () =>
    inside(
      async (world) => {
        const before = policyIn(world);
        const { failure } = await exchangedAfterBegin(
          world,
          { trust: 'repair', roleArn: REPAIRABLE },
          ({ plan }, snapshot) => {
            const [repair] = plan!.trustRepairs;
            const after = JSON.parse(repair!.after) as { Statement: Statement[] };
            const wider = { ...repair!, after: policyOf(...after.Statement, EVERYBODY) };
            return { plan: { ...plan!, trustRepairs: [wider] }, snapshot };
          },
        );
        expect(failure).toMatchObject({ name: 'BadInput' });
        expectTrust(world, before);
      },
      // Without the statements that would block the plan, and in need of a repair.
      scenario((one) => one !== NOT_OUTSIDE && !JSON.stringify(one).includes('pods.eks.amazonaws.com')),
    ));

  it.each([{}, { strategy: 'recreate', preserve: true }])('gives pods no other role if requested with %j', (asked) =>
    inside(async (world) => {
      const other = roleArn('eks-addons/other');
      const withOther = (planned: Plan['associations']): Plan['associations'] =>
        planned.map((one) => ({ ...one, roleArn: other }));
      const { failure } = await exchangedAfterBegin(world, asked, ({ plan }, snapshot) => ({
        plan: { ...plan!, associations: withOther(plan!.associations) },
        snapshot: { ...snapshot, planned: withOther(snapshot.planned) },
      }));
      expect(failure).toMatchObject({ name: 'BadInput', message: containing('it was replaced since') });
      expect([...world.cluster.associations.values()].map((one) => one.roleArn)).not.toContain(other);
      expect(changesIn(world)).toEqual([]);
    }),
  );
});
