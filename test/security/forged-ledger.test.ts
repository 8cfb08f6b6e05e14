/** A principal that can only write into the ledger causes no change that the deployment does not allow. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { subjectLock } from '../../lambdas/use-cases/record/lock.ts';
import type { AddonSnapshot, Migration } from '../../lambdas/domain/record/migration.ts';
import type { Plan } from '../../lambdas/domain/record/plan.ts';
import { ADDON } from '../end-to-end/fixture.ts';
import { exchangedIn, type Forge, forgeMigration, resealed } from './forged.ts';
import {
  ADMIN,
  changesIn,
  deploy,
  type Deployment,
  hostileScenario,
  inHostileWorld,
  NARROW,
  type HostileWorld,
  SECRET,
  SERVICE_ACCOUNT,
  stateOf,
} from './hostile.ts';
import { containing, matching } from '../lambdas/matchers.ts';

const STAMP = '2025-06-01T00:00:00.000Z';

let narrow: Deployment;
beforeAll(async () => void (narrow = await deploy(NARROW)));
afterAll(() => narrow.remove());

const inside = <T>(work: (world: HostileWorld) => Promise<T>): Promise<T> =>
  inHostileWorld({ deployment: narrow }, work);

/** A migration whose record is exchanged as soon as the plan has written it. */
const exchanged = (forge: Forge): Promise<string> => inside((world) => exchangedIn(world, forge));

describe('a plan that is exchanged before begin', () => {
  const withRole = (plan: Plan, arn: string): Plan => ({
    ...plan,
    associations: plan.associations.map((one) => ({ ...one, roleArn: arn })),
  });

  it.each<[string, Forge, RegExp]>([
    [
      'for one with another role',
      (record, plan) => ({ ...record, plan: withRole(plan, ADMIN) }),
      /BadInput: .*content does not match its hash/,
    ],
    [
      'for one with another role and a matching hash',
      (record, plan) => resealed(record, withRole(plan, ADMIN)),
      /BadInput: .*(other roles or namespaces|not the plan that the step plan made)/,
    ],
    [
      'for garbage',
      (record) => ({ ...record, plan: { verdict: SECRET } }) as unknown as Migration,
      /BadInput: The ledger has a migration in a format that this version of the service does not write: plan\./,
    ],
  ])('%s is refused', async (_, forge, why) => {
    const cause = await exchanged(forge);
    expect(cause).toMatch(why);
    expect(cause).not.toContain(SECRET);
  });
});

describe('a forged migration', () => {
  /** The driver has no identity: then a forged rollback has something to restore. */
  const unmigrated = hostileScenario();
  const withAdmin = (real: AddonSnapshot): AddonSnapshot => ({
    ...real,
    addon: { ...real.addon, serviceAccountRoleArn: ADMIN },
  });
  /** Asserts that Recover fails and changes nothing; `change` receives the world once the record is written. */
  const expectNotRolledBack = (
    snapshot: (real: AddonSnapshot) => AddonSnapshot,
    failure: { error: string; cause?: string },
    change: (world: HostileWorld) => void = () => {},
  ): Promise<void> =>
    inHostileWorld({ scenario: unmigrated, deployment: narrow }, async (world) => {
      const migrationId = await forgeMigration(world, { snapshot });
      change(world);
      const before = stateOf(world);
      expect(await world.recover(migrationId)).toMatchObject({ status: 'FAILED', ...failure });
      expect([stateOf(world), changesIn(world)]).toEqual([before, []]);
    });

  it("whose snapshot has an administrator's role as the IRSA role is not rolled back", () =>
    expectNotRolledBack(withAdmin, { error: 'NeedsHuman' }));

  it("that records an administrator's role for a driver without a role is stopped by IAM, and the driver stays", () =>
    expectNotRolledBack(withAdmin, { error: 'NeedsHuman', cause: matching(/iam:PassRole/) }, ({ cluster }) => {
      const addon = cluster.addons.get(ADDON)!;
      const [association] = cluster.associations.values();
      delete addon.serviceAccountRoleArn;
      Object.assign(association!, { ownerArn: addon.arn });
      addon.associationIds = [association!.id];
    }));

  it('whose snapshot is of another add-on is refused before a lock is taken', () =>
    expectNotRolledBack(
      (real) => ({
        ...real,
        addon: { ...real.addon, name: 'vpc-cni', arn: real.addon.arn.replace(ADDON, 'vpc-cni') },
      }),
      { error: 'RecoveryFailed', cause: matching(/BadInput.*does not belong to/) },
    ));

  /** Starts a retirement, or a reinstatement, as any principal with permission to start executions can. */
  const start = (world: HostileWorld, action: string, migrationId: string): ReturnType<HostileWorld['attempt']> =>
    world.attempt(
      { migrationId, action, dryRun: false, soakDays: 0 },
      { machine: world.backend.retireStateMachineArn!, name: `${action}-${migrationId}` },
    );

  it('is not retired if its role may not be changed', () =>
    inside(async (world) => {
      const migrationId = await forgeMigration<AddonSnapshot>(world, {
        record: () => ({ outcome: 'migrated', verified: 'ready', endedAt: STAMP }),
        snapshot: withAdmin,
      });
      const before = stateOf(world);
      expect(await start(world, 'retire', migrationId)).toMatchObject({
        status: 'FAILED',
        error: 'RetireRefused',
        cause: containing(`may not change the trust policy of ${ADMIN}`),
      });
      expect([stateOf(world), changesIn(world)]).toEqual([before, []]);
    }));

  it('that claims to have retired, or repaired, another role changes nothing of it', () =>
    inside(async (world) => {
      const statement = { Effect: 'Allow', Principal: { AWS: '*' }, Action: 'sts:AssumeRole' };
      const before = JSON.stringify({ Version: '2012-10-17', Statement: [statement] });
      const migrationId = await forgeMigration(world, { record: () => ({ outcome: 'migrated', verified: 'ready' }) });
      const note = { roleArn: ADMIN, before, after: '{}', notedAt: STAMP, writtenAt: STAMP };
      await world.backend.ledger.recordRetirement(migrationId, { ...note, removed: [{ statement }] });
      await world.backend.ledger.recordTrustChange(migrationId, { ...note, statement: {} });
      const rolesOf = () => (stateOf(world) as { roles: unknown }[]).map(({ roles }) => roles);
      const roles = rolesOf();
      expect(await start(world, 'reinstate', migrationId)).toMatchObject({ error: 'RetireRefused' });
      await world.recover(migrationId);
      expect([rolesOf(), changesIn(world).filter((one) => one.startsWith('iam:'))]).toEqual([roles, []]);
    }));

  it.each<[string, object]>([
    ['of another form', { status: SECRET, request: { target: SECRET }, plan: [] }],
    ['without anything', {}],
    [
      'with a lock of another migration',
      { status: 'running', startedAt: 'x', request: 7, locks: ['111122223333#eu-west-1#reliability-dev#vpc-cni'] },
    ],
  ])('that is garbage %s ends the recovery with an error name, and its content is not repeated', (_, item) =>
    inside(async (world) => {
      const migrationId = world.backend.ids.ulid();
      await world.forge(`MIGRATION#${migrationId}`, 'RECORD', item);
      expect(await world.recover(migrationId)).toMatchObject({
        status: 'FAILED',
        error: 'RecoveryFailed',
        cause: containing('BadInput: The ledger has a migration in a format that this version of the service does not'),
      });
      expect(changesIn(world)).toEqual([]);
      expect(await world.written()).not.toContain(SECRET);
    }),
  );
});

describe('a forged lock', () => {
  const OWNER = { migrationId: '01JZZZZZZZZZZZZZZZZZZZZZZZ', since: '2999-01-01T00:00:00.000Z' };
  it.each<[string, object]>([
    [
      'that is never released, of an execution that never existed',
      { fence: 999_999, held: 'LOCK', owner: { ...OWNER, executionArn: 'never-was' } },
    ],
    [
      'without an execution',
      { fence: 1, held: 'LOCK', owner: { migrationId: '../../x', executionArn: 'none', since: 'never' } },
    ],
    ['that is garbage', { fence: SECRET, held: 'LOCK', owner: 7 }],
  ])('%s blocks a migration, and the refusal names it', (_, item) =>
    inside(async (world) => {
      const owner = (item as { owner?: { executionArn?: string } }).owner;
      if (owner?.executionArn === 'never-was')
        owner.executionArn = `${world.backend.stateMachineArn.replace(':stateMachine:', ':execution:')}:never-was`;
      await world.forge(`LOCK#${subjectLock(world.target, ADDON)}`, 'LOCK', item);
      expect(await world.ask()).toMatchObject({
        status: 'FAILED',
        error: 'Blocked',
        cause: matching(/ChecksFailed|RecoveryPending|BadInput|InvalidRequest/),
      });
      expect(changesIn(world)).toEqual([]);
      expect(await world.written()).not.toContain(SECRET);
    }),
  );

  it('that is garbage does not prevent Recover from finding other locks', () =>
    inside(async (world) => {
      await world.forge('LOCK#garbage', 'LOCK', { fence: SECRET, held: 'LOCK' });
      world.backend.sandbox.world.knobs.eventsLost = true;
      const dead = await world.start({ addon: ADDON, strategy: 'recreate', preserve: true });
      await world.until(dead, 'WaitForDeletion');
      dead.stop();
      await world.later(15 * 60_000);
      await world.rest();
      expect((await world.record(dead.name))?.outcome).toBe('rolled-back');
    }));
});

it.each<[string, object]>([
  [
    'with terminal commands in it',
    { requestedAt: '2026-01-15T09:00:00.000Z', requestedBy: `\u001b]0;${SECRET}\u0007`, reason: 'x\n'.repeat(10_000) },
  ],
  ['that is garbage', { requestedAt: { year: SECRET } }],
])('a forged cancel %s can only stop a migration', (_, item) =>
  inside(async (world) => {
    const before = stateOf(world);
    const name = world.backend.ids.ulid();
    await world.forge(`MIGRATION#${name}`, 'CANCEL', item);
    expect(await world.ask({}, { name })).toMatchObject({
      status: 'FAILED',
      error: 'Blocked',
      cause: containing('Cancelled: The migration was cancelled'),
    });
    expect([stateOf(world), changesIn(world)]).toEqual([before, []]);
    expect(await world.written()).not.toContain(SECRET);
  }),
);

it('a forged cancel in the middle causes a rollback: the add-on has its original state', () =>
  inside(async (world) => {
    const before = world.readAddon(ADDON, SERVICE_ACCOUNT);
    const running = await world.start({ addon: ADDON, strategy: 'recreate', preserve: true });
    await world.until(running, 'WaitForDeletion');
    await world.forge(`MIGRATION#${running.name}`, 'CANCEL', { requestedAt: 7 });
    await world.rest();
    expect([running.error, world.readAddon(ADDON, SERVICE_ACCOUNT)]).toEqual(['RolledBack', before]);
  }));
