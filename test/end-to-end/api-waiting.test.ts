/**
 * What a migration waits for, over HTTP: its change window, an approval that the deployment requires; and cancellations
 * in each phase.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { ensureAssembly } from '../../cli/assembly.ts';
import { synthesise } from '../../scripts/synthesise.ts';
import type { Call } from '../../sandbox/calls/call-log.ts';
import { openSandbox } from '../../sandbox/sandbox.ts';
import {
  type ApiWorld,
  BODY,
  ended,
  HOURS,
  inApiWorld,
  MINUTES,
  migrationsIn,
  pending,
  personIn,
  ROLES,
  SERVICE_ACCOUNT,
  until,
  WANTS_APPROVAL,
  withPeople,
} from './api-world.ts';
import { ADDON, scenarioWith } from './fixture.ts';
import { containing } from '../lambdas/matchers.ts';

/** The world begins on a Thursday at 09:00 UTC. */
const OPENS = Date.parse('2026-01-15T11:00:00.000Z');
const WINDOW = { schedule: '0 12 * * THU', durationMinutes: 60, timeZone: 'Europe/Berlin' };

/** Locks that were taken or released. */
const lockWrites = ({ sandbox }: Pick<ApiWorld, 'sandbox'>): Call[] =>
  sandbox.world.log.calls.filter(
    ({ service, operation, input, status }) =>
      service === 'dynamodb' &&
      status < 300 &&
      /^(Put|Update)Item|TransactWrite/.test(operation) &&
      JSON.stringify(input).includes('LOCK#'),
  );

describe('a change window', () => {
  it('is waited for without a lock, and the migration begins within it', () =>
    inApiWorld({}, async ({ world, sandbox, ann }) => {
      const id = await ann.migrate({ ...BODY, changeWindow: WINDOW });
      await until(sandbox, ann, id, ({ step }) => step === 'await-window');
      await world.later(HOURS);
      expect([await world.backend.ledger.listHeldLocks(), lockWrites({ sandbox })]).toEqual([[], []]);
      await world.rest();
      const end = await ann.shown(id);
      expect(end).toMatchObject({ outcome: 'migrated', verified: 'ready' });
      const locks = lockWrites({ sandbox }).map(({ at }) => Date.parse(at));
      expect(locks.length).toBeGreaterThan(0);
      expect(Math.min(...locks)).toBeGreaterThanOrEqual(OPENS);
      expect(Math.min(...locks)).toBeLessThan(OPENS + 10 * MINUTES);
      expect(Date.parse(world.changes()[0]!.at)).toBeGreaterThanOrEqual(OPENS);
      expect(Date.parse(end.steps.find(({ name }) => name === 'begin')!.startedAt)).toBeLessThan(OPENS + 10 * MINUTES);
    }));

  it('that is out of reach ends the migration blocked at once', () =>
    inApiWorld({}, async ({ world, sandbox, ann }) => {
      const id = await ann.migrate({ ...BODY, changeWindow: { ...WINDOW, waitAtMostHours: 1 } });
      const end = await ended(sandbox, ann, id);
      expect(end).toMatchObject({ outcome: 'blocked', failure: { name: 'WindowOutOfReach' } });
      expect(Date.parse(end.endedAt!) - Date.parse(end.startedAt)).toBeLessThan(MINUTES);
      expect([world.changes(), lockWrites({ sandbox })]).toEqual([[], []]);
    }));

  it('is waited for after the approval', () =>
    inApiWorld({}, async ({ world, sandbox, ann, bob }) => {
      const id = await ann.migrate({ ...WANTS_APPROVAL, changeWindow: WINDOW });
      const { planHash } = await pending(sandbox, bob, id);
      await bob.approve(id, planHash);
      await until(sandbox, ann, id, ({ step }) => step === 'await-window');
      expect(sandbox.clock.now()).toBeLessThan(OPENS - HOURS);
      await world.rest();
      const end = await ann.shown(id);
      expect(end.outcome).toBe('migrated');
      expect(Date.parse(end.steps.find(({ name }) => name === 'begin')!.startedAt)).toBeGreaterThanOrEqual(OPENS);
    }));
});

it('a deployment that requires approvals makes every change wait for one, and no plan; by its own rule for approvers', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'approvals-'));
  const scenario = scenarioWith(withPeople);
  try {
    const config = join(folder, 'config.json');
    const approvals = { required: true, approver: 'another-role' };
    writeFileSync(config, JSON.stringify({ passableRoleArns: ['role/reliability-*'], approvals }));
    const assemblyDirectory = join(folder, 'assembly');
    synthesise(assemblyDirectory, { lambdaDirectory: (await ensureAssembly()).lambdaDirectory, context: { config } });
    const sandbox = await openSandbox({ scenario, assemblyDirectory });
    try {
      await sandbox.clock.spawn(async () => {
        const ann = personIn(sandbox, ROLES.deployer, 'ann');
        const twin = personIn(sandbox, ROLES.deployer, 'twin');
        const bob = personIn(sandbox, ROLES.reviewer, 'bob');
        expect(await ended(sandbox, ann, await ann.plan())).toMatchObject({ outcome: 'planned', approvals: [] });
        const id = await ann.migrate({ ...BODY, approval: 'none' });
        const { planHash } = await pending(sandbox, bob, id);
        const barred = await twin.refusedDecision(id, planHash, 'approve', 'not-allowed-to-approve');
        expect(barred.detail).toContain('this is the same role');
        expect(sandbox.world.log.mutations()).toEqual([]);
        await bob.approve(id, planHash);
        expect(await ended(sandbox, ann, id)).toMatchObject({
          outcome: 'migrated',
          approvals: [{ state: 'approved', decidedBy: bob.arn }],
        });
      });
      expect(sandbox.failures).toEqual([]);
    } finally {
      await sandbox.close();
    }
  } finally {
    rmSync(folder, { recursive: true });
  }
});

describe('a cancel over HTTP', () => {
  it('during an approval ends the migration blocked at once', () =>
    inApiWorld({}, async ({ world, sandbox, ann, bob }) => {
      const id = await ann.migrate(WANTS_APPROVAL);
      const { planHash } = await pending(sandbox, bob, id);
      expect(await bob.cancel(id, 'wrong day')).toMatchObject({
        migrationId: id,
        first: true,
        begun: false,
        willEnd: 'blocked',
        cancellation: { requestedBy: bob.arn, reason: 'wrong day' },
      });
      const asked = sandbox.clock.now();
      await world.rest();
      expect(sandbox.clock.now() - asked).toBeLessThan(MINUTES);
      const end = await ann.shown(id);
      expect(end).toMatchObject({
        outcome: 'blocked',
        failure: { name: 'Cancelled' },
        approvals: [{ state: 'withdrawn' }],
        cancellation: { requestedBy: bob.arn },
      });
      expect(end.failure!.message).toContain('wrong day');
      await bob.refusedDecision(id, planHash);
      expect(world.changes()).toEqual([]);
    }));

  it('during a closed window ends the migration blocked within the hour', () =>
    inApiWorld({}, async ({ world, sandbox, ann }) => {
      const id = await ann.migrate({ ...BODY, changeWindow: WINDOW });
      await until(sandbox, ann, id, ({ step }) => step === 'await-window');
      expect(await ann.cancel(id)).toMatchObject({ action: 'cancel', first: true, begun: false });
      await world.rest();
      expect(sandbox.clock.now()).toBeLessThan(OPENS - 55 * MINUTES);
      expect(await ann.shown(id)).toMatchObject({ outcome: 'blocked', failure: { name: 'Cancelled' } });
      expect([world.changes(), lockWrites({ sandbox })]).toEqual([[], []]);
    }));

  it.each([
    ['the update', 'UpdateAddon', { strategy: 'in-place' }],
    ['the delete', 'DeleteAddon', { strategy: 'recreate' }],
  ] as const)(
    'during the change, after %s, restores everything; a repetition during the rollback is refused',
    async (_, operation, way) =>
      inApiWorld({ scenario: 'preserve' }, async ({ world, ann, bob }) => {
        const before = world.readAddon(ADDON, SERVICE_ACCOUNT);
        let cancelled: Promise<unknown> | undefined;
        let again: Promise<unknown> | undefined;
        const id = await ann.migrate({ ...BODY, target: world.target, ...way });
        world.onFirst(
          (call) => call.operation === operation,
          () => (cancelled = bob.cancel(id)),
        );
        // The first call of the rollback.
        world.onFirst(
          ({ step }) => step === 'assess-rollback',
          () => (again = bob.refusedCancel(id)),
        );
        await world.rest();
        expect(await cancelled).toMatchObject({ first: true, begun: true });
        // A rollback of the execution continues as it is, and the first decision is final.
        expect(await again).toMatchObject({ status: 409, detail: containing('it is already being rolled back') });
        expect(await ann.shown(id)).toMatchObject({
          outcome: 'rolled-back',
          rollback: { state: 'ended', cause: 'cancelled', requestedBy: bob.arn, reason: 'not today' },
          cancellation: { reason: 'not today' },
          verified: 'injected',
          failure: { name: 'Cancelled' },
        });
        expect(world.readAddon(ADDON, SERVICE_ACCOUNT)).toEqual(before);
        expect(await world.backend.ledger.listHeldLocks()).toEqual([]);
        expect(await bob.refusedCancel(id)).toMatchObject({
          status: 409,
          detail: containing('it ended rolled-back'),
        });
      }),
  );

  it('during a requested rollback, and after the end, is refused', () =>
    inApiWorld({}, async ({ world, sandbox, ann, bob }) => {
      const id = await ann.migrate();
      expect(await ended(sandbox, ann, id)).toMatchObject({ outcome: 'migrated' });
      expect((await ann.refusedCancel(id)).detail).toBe(`Migration ${id} cannot be cancelled: it ended migrated.`);
      await bob.rollBack(id);
      expect(await ann.shown(id)).toMatchObject({ status: 'rolling-back' });
      while ((await ann.shown(id)).rollback?.state !== 'running') await sandbox.clock.sleep(1000);
      expect(await bob.refusedCancel(id)).toMatchObject({
        status: 409,
        detail: containing('it is already being rolled back'),
      });
      await world.rest();
      expect(await ann.shown(id)).toMatchObject({ outcome: 'rolled-back' });
      expect((await ann.refusedCancel(id)).status).toBe(409);
      expect(migrationsIn({ world, sandbox })).toHaveLength(1);
    }));
});
