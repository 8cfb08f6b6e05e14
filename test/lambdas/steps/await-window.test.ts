import { describe, expect, it } from 'vitest';
import type { Approval } from '../../../lambdas/domain/approval/approval.ts';
import type { ChangeWindow } from '../../../lambdas/domain/terms/change-window.ts';
import { createHandler, type LambdaContext } from '../../../lambdas/runtime/handler.ts';
import { awaitWindowStep } from '../../../lambdas/steps/await-window/handler.ts';
import { beginStep } from '../../../lambdas/steps/begin/handler.ts';
import { type Fakes, invoke, newFakes } from '../fakes.ts';
import { ADDON, target } from '../example.ts';
import { ADDON_LOCK, at, EXECUTION, MIGRATION_ID, NOW, ROLE_LOCK, otherHolder } from '../run-examples.ts';
import { aMigration, aPlan, aRequest } from '../fixtures.ts';
import { expectError, expectExactError } from '../matchers.ts';
import { runPlan } from './planning.ts';

const HOUR = 3600;
const input = { migrationId: MIGRATION_ID, target, subject: ADDON };
/** It is Monday, 09:00 in UTC: open from 10:00 to 11:00 each day. */
const WINDOW: ChangeWindow = { schedule: '0 10 * * *', durationMinutes: 60, timeZone: 'UTC', waitAtMostHours: 336 };

async function waiting(
  window: ChangeWindow | undefined,
  request: object = {},
): Promise<{ fakes: Fakes; planHash: string }> {
  const fakes = newFakes();
  const migration = aMigration({
    plan: aPlan(),
    request: aRequest({ ...(window ? { changeWindow: window } : {}), ...request }),
  });
  await fakes.ledger.putMigration(migration);
  return { fakes, planHash: migration.plan!.hash };
}
const look = (fakes: Fakes, startedAt = at(0), more: object = {}): Promise<unknown> =>
  invoke(awaitWindowStep, { ...input, startedAt, ...more }, fakes);
const begin = ({ fakes, planHash }: { fakes: Fakes; planHash: string }, more: object = {}): Promise<unknown> =>
  invoke(beginStep, { ...input, executionArn: EXECUTION, planHash, ...more }, fakes);

describe('the wait for a window', () => {
  it('says when it opens until it is open, and changes nothing', async () => {
    const { fakes } = await waiting(WINDOW);
    await expectExactError(
      look(fakes),
      'WindowClosed',
      'The change window (0 10 * * *, UTC) opens at 2026-01-05T10:00:00.000Z.',
    );
    fakes.clock.advance(HOUR * 1000);
    expect([await look(fakes), fakes.journal.mutations()]).toEqual([{ openUntil: at(2 * HOUR) }, []]);
    expect(fakes.journal.names().filter((name) => /Lock|putMigration|update/.test(name))).toEqual([]);
  });
  it('says that it is far off where it does not open within the hour, to whom knows that', async () => {
    const later = async (minutes: number, more: object): Promise<unknown> => {
      const { fakes } = await waiting({ ...WINDOW, schedule: `${minutes % 60} ${9 + Math.floor(minutes / 60)} * * *` });
      return invoke(awaitWindowStep, { ...input, startedAt: at(0), ...more }, fakes);
    };
    const hourly = { pollsHourly: true };
    await expectError(later(61, hourly), 'WindowFarOff');
    await expectError(later(60, hourly), 'WindowClosed');
    await expectError(later(600, {}), 'WindowClosed');
    await expectError(later(600, { pollsHourly: false }), 'WindowClosed');
  });
  it('is over where there is none', async () => {
    const { fakes } = await waiting(undefined);
    expect(await look(fakes)).toEqual({});
  });
  it('goes by the deployment’s window, which a request narrows and never widens', async () => {
    const { fakes } = await waiting(undefined);
    fakes.settings.changeWindow = WINDOW;
    await expectError(look(fakes), 'WindowClosed');
    // Open now, which the deployment is not, and from half past ten on, when the deployment is open for half an hour.
    const own = await waiting({ ...WINDOW, schedule: '0 9,10 * * *', durationMinutes: 60 });
    own.fakes.settings.changeWindow = { ...WINDOW, schedule: '30 10 * * *' };
    await expectExactError(
      look(own.fakes, at(0), { pollsHourly: true }),
      'WindowFarOff',
      'The overlap of the change windows of the deployment and of the request (30 10 * * *, UTC; 0 9,10 * * *, UTC) opens at 2026-01-05T10:30:00.000Z.',
    );
    await expectError(begin(own), 'WindowClosed', 'It opens at 2026-01-05T10:30:00.000Z');
    own.fakes.clock.advance(1.5 * HOUR * 1000);
    expect([await look(own.fakes), await begin(own)]).toEqual([{ openUntil: at(2 * HOUR) }, { fence: 1 }]);
  });
  it('ends at once where the window does not open in time', async () => {
    const { fakes } = await waiting({ ...WINDOW, schedule: '0 10 * * SUN', waitAtMostHours: 24 });
    await expectError(
      look(fakes),
      'WindowOutOfReach',
      /before 2026-01-11T10:00:00.000Z, and migration \w+ waits until 2026-01-06T09:00:00.000Z at most\. Nothing was changed/,
    );
  });
  it('counts from when it began, and never beyond what a migration may wait', async () => {
    const { fakes } = await waiting({ ...WINDOW, waitAtMostHours: 1 });
    fakes.clock.advance(30 * 60_000);
    await expectError(look(fakes), 'WindowClosed');
    await expectError(look(fakes, at(-HOUR)), 'WindowOutOfReach');
    fakes.clock.advance(30 * 24 * HOUR * 1000);
    await expectError(look(fakes, new Date(fakes.clock.now()).toISOString()), 'WindowOutOfReach');
  });
  it('ends when the migration is cancelled', async () => {
    const { fakes } = await waiting(WINDOW);
    await fakes.ledger.requestCancel(MIGRATION_ID, { requestedAt: at(0) });
    const handler = createHandler(awaitWindowStep, fakes.dependencies);
    await expectError(
      handler({ ...input, startedAt: at(0) }, { getRemainingTimeInMillis: () => 60_000 } as unknown as LambdaContext),
      'Cancelled',
    );
  });
});

describe('begin, with a window', () => {
  it('takes none outside it', async () => {
    const migration = await waiting(WINDOW);
    await expectError(begin(migration), 'WindowClosed');
    expect([await migration.fakes.ledger.listHeldLocks(), migration.fakes.journal.mutations()]).toEqual([[], []]);
    expect(await migration.fakes.ledger.unsent(MIGRATION_ID)).toEqual([]);
  });
  it('lets go of what it has where the window closes while a role is waited for, and of nobody else’s', async () => {
    const migration = await waiting({ ...WINDOW, schedule: '0 9 * * *' });
    const { ledger, clock } = migration.fakes;
    await ledger.acquireLock(ROLE_LOCK, otherHolder(at(0)));
    await expectError(begin(migration), 'RoleLockHeld');
    expect((await ledger.readLock(ADDON_LOCK))?.holder?.migrationId).toBe(MIGRATION_ID);
    clock.advance(HOUR * 1000);
    await expectError(begin(migration), 'WindowClosed');
    expect((await ledger.listHeldLocks()).map(({ key }) => key)).toEqual([ROLE_LOCK]);
  });
  it('goes on with what it has begun, whatever the time', async () => {
    const migration = await waiting({ ...WINDOW, schedule: '0 9 * * *' });
    migration.fakes.journal.failNext('ledger.putSnapshot', 'after');
    await expectError(begin(migration), 'ConnectionLost');
    migration.fakes.clock.advance(HOUR * 1000);
    expect(await begin(migration)).toEqual({ fence: 1 });
  });
});

describe('begin, if an approval is required', () => {
  const given = (planHash: string): Approval => ({
    round: 1,
    planHash,
    state: 'approved',
    requestedAt: at(0),
    expiresAt: at(60),
    decidedBy: 'arn:aws:iam::111122223333:user/bob',
    decidedAt: at(30),
  });
  const put = ({ fakes }: { fakes: Fakes }, approval: Approval): Promise<Approval> =>
    fakes.ledger.putApproval(MIGRATION_ID, approval, { taskToken: 'token', at: NOW });
  it.each([
    ['its request', { approval: 'required' }, false],
    ['the deployment', {}, true],
  ])('by %s, carries out no plan that was not approved', async (_, request, required) => {
    const { fakes, planHash } = await waiting(undefined, request);
    fakes.settings.approvals = { required, approver: 'anyone', allowUnknownRequester: false };
    for (const approvedHash of [undefined, '', 'a'.repeat(64)])
      await expectError(begin({ fakes, planHash }, { approvedHash }), 'BadInput', 'approv');
    expect(await fakes.ledger.listHeldLocks()).toEqual([]);
    await put({ fakes }, given(planHash));
    expect(await begin({ fakes, planHash }, { approvedHash: planHash })).toEqual({ fence: 1 });
  });
  it('does not take an approval in the ledger alone for one', async () => {
    const { fakes, planHash } = await waiting(undefined, { approval: 'required' });
    await put({ fakes }, given(planHash));
    await expectError(begin({ fakes, planHash }), 'BadInput', 'it was not approved');
  });
});

describe('a plan', () => {
  it('is not made for a window that is never open together with the deployment’s', async () => {
    const fakes = newFakes();
    fakes.settings.changeWindow = { ...WINDOW, schedule: '0 22 * * SUN', timeZone: 'Europe/Berlin' };
    const request = aRequest({ changeWindow: { ...WINDOW, schedule: '0 22 * * SAT' } });
    await expect(runPlan(fakes, request)).rejects.toMatchObject({
      name: 'WindowOutOfReach',
      message:
        "The change window of the request is never open together with the deployment's change window (0 22 * * SUN, Europe/Berlin, for 60 minutes). A request can only narrow that window: choose one within it, or leave it out. Nothing was changed. Start the migration again with another window.",
    });
    expect(fakes.journal.names().filter((name) => /^(eks|roles|kubernetes)\./.test(name))).toEqual([]);
  });
  it('reports whether an approval is required, how long it is valid, and whether there is a window', async () => {
    const plan = async (request: object, settings: Partial<Fakes['settings']> = {}): Promise<unknown> => {
      const fakes = newFakes();
      Object.assign(fakes.settings, settings);
      return runPlan(fakes, aRequest(request));
    };
    expect(await plan({})).toMatchObject({ needsApproval: false, hasWindow: false });
    expect(await plan({ approval: 'required', approvalHours: 2, changeWindow: WINDOW })).toMatchObject({
      needsApproval: true,
      approvalSeconds: 7200,
      hasWindow: true,
    });
    const approvals = { required: true, approver: 'anyone', allowUnknownRequester: false } as const;
    expect(await plan({}, { approvals, changeWindow: WINDOW })).toMatchObject({ needsApproval: true, hasWindow: true });
  });
});
