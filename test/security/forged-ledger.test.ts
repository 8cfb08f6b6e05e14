/** A principal that can only write into the ledger causes no change that the deployment does not allow. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { subjectLock } from '../../lambdas/use-cases/migration/lock.ts';
import type { AddonSnapshot, Migration, Plan } from '../../lambdas/domain/migration/model.ts';
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

const forgeSnapshot = (world: HostileWorld, snapshot: (real: AddonSnapshot) => AddonSnapshot): Promise<string> =>
  forgeMigration(world, { snapshot });

describe('a forged migration', () => {
  /** The driver has no identity: then a forged rollback has something to restore. */
  const unmigrated = hostileScenario();
  const attempted = (
    forge: (world: HostileWorld) => Promise<string>,
    change: (world: HostileWorld) => void = () => {},
  ) =>
    inHostileWorld({ scenario: unmigrated, deployment: narrow }, async (world) => {
      const migrationId = await forge(world);
      change(world);
      const before = stateOf(world);
      const execution = await world.recover(migrationId);
      const after = stateOf(world);
      return {
        before,
        after,
        execution,
        changes: changesIn(world),
        record: await world.record(migrationId).catch((error: unknown) => error),
        written: await world.written(),
      };
    });

  it("whose snapshot has an administrator's role as the IRSA role is not rolled back", async () => {
    const { before, after, execution, changes } = await attempted((world) =>
      forgeSnapshot(world, (real) => ({ ...real, addon: { ...real.addon, serviceAccountRoleArn: ADMIN } })),
    );
    expect([after, changes, execution.status]).toEqual([before, [], 'FAILED']);
  });

  it("that records an administrator's role for a driver without a role is stopped by IAM, and the driver stays", async () => {
    const { before, after, execution, changes } = await attempted(
      (world) => forgeSnapshot(world, (real) => ({ ...real, addon: { ...real.addon, serviceAccountRoleArn: ADMIN } })),
      ({ cluster }) => {
        const addon = cluster.addons.get(ADDON)!;
        const [association] = cluster.associations.values();
        delete addon.serviceAccountRoleArn;
        Object.assign(association!, { ownerArn: addon.arn });
        addon.associationIds = [association!.id];
      },
    );
    expect(execution).toMatchObject({ status: 'FAILED', error: 'NeedsHuman', cause: matching(/iam:PassRole/) });
    expect([changes, after]).toEqual([[], before]);
  });

  it('whose snapshot is of another add-on is refused before a lock is taken', async () => {
    const { before, after, execution, changes } = await attempted((world) =>
      forgeSnapshot(world, (real) => ({
        ...real,
        addon: { ...real.addon, name: 'vpc-cni', arn: real.addon.arn.replace(ADDON, 'vpc-cni') },
      })),
    );
    expect([after, changes]).toEqual([before, []]);
    expect(execution).toMatchObject({
      status: 'FAILED',
      error: 'RecoveryFailed',
      cause: matching(/BadInput.*does not belong to/),
    });
  });

  it('is not retired if its role may not be changed', async () => {
    const { before, after, execution, changes } = await inside(async (world) => {
      const migrationId = await forgeMigration<AddonSnapshot>(world, {
        record: () => ({ outcome: 'migrated', verified: 'ready', endedAt: '2025-06-01T00:00:00.000Z' }),
        snapshot: (real) => ({ ...real, addon: { ...real.addon, serviceAccountRoleArn: ADMIN } }),
      });
      const seen = stateOf(world);
      const machine = world.backend.retireStateMachineArn!;
      const retiring = await world.attempt(
        { migrationId, action: 'retire', dryRun: false, soakDays: 0 },
        { machine, name: `retire-${migrationId}` },
      );
      return { before: seen, after: stateOf(world), execution: retiring, changes: changesIn(world) };
    });
    expect([after, changes]).toEqual([before, []]);
    expect(execution).toMatchObject({
      status: 'FAILED',
      error: 'RetireRefused',
      cause: containing(`may not change the trust policy of ${ADMIN}`),
    });
  });

  it('that claims to have retired, or repaired, another role changes nothing of it', async () => {
    const policy = JSON.stringify({
      Version: '2012-10-17',
      Statement: [{ Effect: 'Allow', Principal: { AWS: '*' }, Action: 'sts:AssumeRole' }],
    });
    const { before, after, errors, changes } = await inside(async (world) => {
      const migrationId = await forgeMigration(world, { record: () => ({ outcome: 'migrated', verified: 'ready' }) });
      const note = {
        roleArn: ADMIN,
        before: policy,
        after: '{}',
        notedAt: '2025-06-01T00:00:00.000Z',
        writtenAt: '2025-06-01T00:00:00.000Z',
      };
      await world.backend.ledger.recordRetirement(migrationId, {
        ...note,
        removed: [{ statement: { Effect: 'Allow', Principal: { AWS: '*' }, Action: 'sts:AssumeRole' } }],
      });
      await world.backend.ledger.recordTrustChange(migrationId, { ...note, statement: {} });
      const seen = stateOf(world);
      const machine = world.backend.retireStateMachineArn!;
      const back = await world.attempt(
        { migrationId, action: 'reinstate', dryRun: false, soakDays: 0 },
        { machine, name: `reinstate-${migrationId}` },
      );
      await world.recover(migrationId);
      return {
        before: seen,
        after: stateOf(world),
        errors: back.error,
        changes: changesIn(world).filter((one) => one.startsWith('iam:')),
      };
    });
    expect([errors, changes]).toEqual(['RetireRefused', []]);
    expect((after as { roles: unknown }[]).map(({ roles }) => roles)).toEqual(
      (before as { roles: unknown }[]).map(({ roles }) => roles),
    );
  });

  it.each<[string, object]>([
    ['of another form', { status: SECRET, request: { target: SECRET }, plan: [] }],
    ['without anything', {}],
    [
      'with a lock of another migration',
      { status: 'running', startedAt: 'x', request: 7, locks: ['111122223333#eu-west-1#reliability-dev#vpc-cni'] },
    ],
  ])('that is garbage %s ends the recovery with an error name, and its content is not repeated', async (_, item) => {
    const { execution, changes, written } = await inside(async (world) => {
      const migrationId = world.backend.ids.ulid();
      await world.forge(`MIGRATION#${migrationId}`, 'RECORD', item);
      return { execution: await world.recover(migrationId), changes: changesIn(world), written: await world.written() };
    });
    expect(execution).toMatchObject({
      status: 'FAILED',
      error: 'RecoveryFailed',
      cause: containing(
        'BadInput: The ledger has a migration in a format that this version of the service does not write',
      ),
    });
    expect(changes).toEqual([]);
    expect(written).not.toContain(SECRET);
  });
});

describe('a forged lock', () => {
  it.each<[string, object]>([
    [
      'that is never released, of an execution that never existed',
      {
        fence: 999_999,
        held: 'LOCK',
        owner: {
          migrationId: '01JZZZZZZZZZZZZZZZZZZZZZZZ',
          executionArn: 'never-was',
          since: '2999-01-01T00:00:00.000Z',
        },
      },
    ],
    [
      'without an execution',
      { fence: 1, held: 'LOCK', owner: { migrationId: '../../x', executionArn: 'none', since: 'never' } },
    ],
    ['that is garbage', { fence: SECRET, held: 'LOCK', owner: 7 }],
  ])('%s blocks a migration, and the refusal names it', async (_, item) => {
    const { execution, changes, written } = await inside(async (world) => {
      const owner = (item as { owner?: { executionArn?: string } }).owner;
      if (owner?.executionArn === 'never-was')
        owner.executionArn = `${world.backend.stateMachineArn.replace(':stateMachine:', ':execution:')}:never-was`;
      await world.forge(`LOCK#${subjectLock(world.target, ADDON)}`, 'LOCK', item);
      return { execution: await world.ask(), changes: changesIn(world), written: await world.written() };
    });
    expect(execution).toMatchObject({
      status: 'FAILED',
      error: 'Blocked',
      cause: matching(/ChecksFailed|RecoveryPending|BadInput|InvalidRequest/),
    });
    expect(changes).toEqual([]);
    expect(written).not.toContain(SECRET);
  });

  it('that is garbage does not prevent Recover from finding other locks', async () => {
    const { outcome } = await inside(async (world) => {
      await world.forge('LOCK#garbage', 'LOCK', { fence: SECRET, held: 'LOCK' });
      world.backend.sandbox.world.knobs.eventsLost = true;
      const dead = await world.start({ addon: ADDON, strategy: 'recreate', preserve: true });
      await world.until(dead, 'WaitForDeletion');
      dead.stop();
      await world.later(15 * 60_000);
      await world.rest();
      return { outcome: (await world.record(dead.name))?.outcome };
    });
    expect(outcome).toBe('rolled-back');
  });
});

it.each<[string, object]>([
  [
    'with terminal commands in it',
    { requestedAt: '2026-01-15T09:00:00.000Z', requestedBy: `\u001b]0;${SECRET}\u0007`, reason: 'x\n'.repeat(10_000) },
  ],
  ['that is garbage', { requestedAt: { year: SECRET } }],
])('a forged cancel %s can only stop a migration', async (_, item) => {
  const { before, after, execution, changes, written } = await inside(async (world) => {
    const seen = stateOf(world);
    const migrationId = world.backend.ids.ulid();
    await world.forge(`MIGRATION#${migrationId}`, 'CANCEL', item);
    return {
      before: seen,
      execution: await world.ask({}, { name: migrationId }),
      after: stateOf(world),
      changes: changesIn(world),
      written: await world.written(),
    };
  });
  expect(execution).toMatchObject({
    status: 'FAILED',
    error: 'Blocked',
    cause: containing('Cancelled: The migration was cancelled'),
  });
  expect([after, changes]).toEqual([before, []]);
  expect(written).not.toContain(SECRET);
});

it('a forged cancel in the middle causes a rollback: the add-on has its original state', async () => {
  const { before, after, execution } = await inside(async (world) => {
    const seen = world.readAddon(ADDON, SERVICE_ACCOUNT);
    const running = await world.start({ addon: ADDON, strategy: 'recreate', preserve: true });
    await world.until(running, 'WaitForDeletion');
    await world.forge(`MIGRATION#${running.name}`, 'CANCEL', { requestedAt: 7 });
    await world.rest();
    return { before: seen, after: world.readAddon(ADDON, SERVICE_ACCOUNT), execution: running };
  });
  expect([execution.error, after]).toEqual(['RolledBack', before]);
});
