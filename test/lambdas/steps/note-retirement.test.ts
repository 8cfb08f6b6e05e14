/** What an execution of Retire notes about itself in the migration's record, regardless of who started it. */
import { beforeEach, describe, expect, it } from 'vitest';
import { MigrationError } from '../../../lambdas/domain/failures/errors.ts';
import type { Retirement } from '../../../lambdas/domain/record/retirement.ts';
import { lost } from '../fakes.ts';
import { ROLE } from '../example.ts';
import { ADDON_LOCK, at, executionArn, MIGRATION_ID, OTHER_MIGRATION_ID, ROLE_LOCK } from '../run-examples.ts';
import { aRetirement } from '../fixtures.ts';
import { expectError, anError, containing } from '../matchers.ts';
import type { Begun } from './begun.ts';
import { dryRun, migrated, putBack, RETIRE_EXECUTION, RETIRED, run } from './retiring.ts';

const ID = RETIRE_EXECUTION.slice(RETIRE_EXECUTION.lastIndexOf(':') + 1);
const LATER = executionArn('later', 'Retire');

describe('the retirement that the record shows', () => {
  let fakes: Begun;
  const shown = async (): Promise<Retirement | undefined> => (await fakes.record()).retirement;
  const accept = async (change: Partial<Retirement> = {}): Promise<Retirement> => {
    const retirement = aRetirement({ id: ID, state: 'requested', executionArn: RETIRE_EXECUTION, ...change });
    await fakes.ledger.changeRetirement(MIGRATION_ID, undefined, retirement);
    return retirement;
  };
  /** What the record shows at the first call of that port. */
  const duringFirst = (port: 'describeCluster'): Promise<Retirement | undefined> =>
    new Promise((resolve) => {
      const inner = fakes.eks[port].bind(fakes.eks);
      fakes.eks[port] = async () => {
        resolve(await shown());
        return inner();
      };
    });

  beforeEach(async () => void (fakes = await migrated()));

  it('runs, and has ended with what it found, where a person has started its execution', async () => {
    const meanwhile = duringFirst('describeCluster');
    await run(fakes, { requestedBy: 'jo', reason: 'it is time', executionStartedAt: '2026-01-05T10:00:00Z' });
    const asked = {
      id: ID,
      action: 'retire',
      dryRun: false,
      soakDays: 7,
      requestedBy: 'jo',
      reason: 'it is time',
      startedAt: '2026-01-05T10:00:00.000Z',
      executionArn: RETIRE_EXECUTION,
    };
    expect(await meanwhile).toEqual({ ...asked, state: 'running' });
    expect(await shown()).toEqual({
      ...asked,
      state: 'ended',
      endedAt: at(0),
      done: true,
      checks: expect.arrayContaining([expect.objectContaining({ id: 'retire-verified', status: 'pass' })]) as unknown,
      roles: [{ roleArn: ROLE, result: 'removed', before: expect.any(String) as unknown, after: RETIRED }],
    });
    await putBack(fakes, { executionArn: LATER, executionStartedAt: '2026-01-05T11:00:00Z' });
    expect(await shown()).toMatchObject({ id: 'later', action: 'reinstate', state: 'ended', done: true });
  });

  it('is the accepted one, which keeps who asked for it and when', async () => {
    const accepted = await accept({ dryRun: true, requestedBy: 'arn:aws:sts::1:assumed-role/a/b', startedAt: at(-5) });
    await dryRun(fakes, { executionStartedAt: at(-4) });
    expect(await shown()).toMatchObject({
      ...accepted,
      state: 'ended',
      done: false,
      roles: [{ roleArn: ROLE, result: 'would-remove' }],
    });
  });

  it('is refused in the words of the service, with its checks', async () => {
    await fakes.update({ verified: 'api' });
    await expectError(run(fakes), 'RetireRefused');
    expect(await shown()).toMatchObject({
      state: 'refused',
      endedAt: at(0),
      error: anError('RetireRefused', 'no pod was read'),
      checks: expect.arrayContaining([expect.objectContaining({ id: 'retire-verified', status: 'fail' })]) as unknown,
      roles: [{ roleArn: ROLE, result: 'refused' }],
      next: containing(`pod-identity retire ${MIGRATION_ID}`),
    });
    expect(await shown()).not.toHaveProperty('done');
  });

  it('is refused where another migration of the add-on holds its lock', async () => {
    await fakes.ledger.acquireLock(ADDON_LOCK, {
      migrationId: OTHER_MIGRATION_ID,
      executionArn: executionArn(OTHER_MIGRATION_ID),
      since: at(-1),
    });
    await expectError(run(fakes), 'LockHeld');
    expect(await shown()).toMatchObject({ state: 'refused', error: { name: 'LockHeld' } });
  });

  it('goes on running while a role is waited for, and says so', async () => {
    const owner = { migrationId: OTHER_MIGRATION_ID, executionArn: executionArn(OTHER_MIGRATION_ID), since: at(-1) };
    await fakes.ledger.acquireLock(ROLE_LOCK, owner);
    await expectError(run(fakes), 'RoleLockHeld');
    expect(await shown()).toMatchObject({ state: 'running', error: { name: 'RoleLockHeld' } });
    expect(await shown()).not.toHaveProperty('endedAt');
    await fakes.ledger.releaseLock(ROLE_LOCK, owner.executionArn);
    await run(fakes);
    expect(await shown()).toMatchObject({ state: 'ended', done: true });
    expect(await shown()).not.toHaveProperty('error');
  });

  it('has ended by an error that is no refusal, without saying what became of a role', async () => {
    fakes.roles.updateTrustPolicy = () => Promise.reject(new MigrationError('AccessDenied', 'no right'));
    await expectError(run(fakes), 'AccessDenied');
    const one = await shown();
    expect(one).toMatchObject({ state: 'ended', error: { name: 'AccessDenied', message: 'no right' } });
    expect([one?.roles, one?.done]).toEqual([undefined, undefined]);
    expect(one?.next).toContain('continues from there');
  });

  it('keeps its end where another attempt of the same execution comes after it', async () => {
    await run(fakes);
    const end = await shown();
    expect(await run(fakes)).toMatchObject({ done: false });
    expect(await shown()).toEqual(end);
  });

  it('is the one whose execution was started last, of two at once', async () => {
    // An earlier one, whose attempt comes late.
    await run(fakes, { executionArn: LATER, executionStartedAt: at(-10) });
    const end = await shown();
    await run(fakes, { executionStartedAt: at(-20) });
    expect(await shown()).toEqual(end);
    await run(fakes, { executionStartedAt: at(-5) });
    expect(await shown()).toMatchObject({ id: ID });
  });

  it('is the accepted one until that begins, whatever else is started: it must be found again', async () => {
    const accepted = await accept({ id: 'later', executionArn: LATER, startedAt: at(-60) });
    expect(await run(fakes, { executionStartedAt: at(0) })).toMatchObject({ done: true });
    expect([await shown(), await fakes.ledger.listRequestedRetirements()]).toEqual([accepted, [MIGRATION_ID]]);
  });

  it('does not say how one ended that another has taken the place of', async () => {
    const other = aRetirement({ id: 'later', executionArn: LATER, startedAt: at(-1) });
    const inner = fakes.eks.describeCluster.bind(fakes.eks);
    fakes.eks.describeCluster = async () => {
      await fakes.ledger.changeRetirement(MIGRATION_ID, await fakes.ledger.getRetirement(MIGRATION_ID), other);
      return inner();
    };
    expect(await run(fakes)).toMatchObject({ done: true });
    expect(await shown()).toEqual(other);
  });

  it('does not stand in the way of the error where its end can not be noted', async () => {
    await fakes.update({ verified: 'api' });
    fakes.journal.failNext('ledger.getRetirement', 'before', lost());
    await expectError(run(fakes), 'RetireRefused');
    expect(await shown()).toMatchObject({ state: 'running' });
    expect(fakes.telemetry.lines).toContainEqual(expect.objectContaining({ level: 'warn' }));
  });

  it('is not made for a migration that is not there', async () => {
    await expectError(run(fakes, { migrationId: OTHER_MIGRATION_ID }), 'BadInput');
    expect(fakes.journal.names()).not.toContain('ledger.changeRetirement');
  });
});
