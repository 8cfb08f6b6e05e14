import { describe, expect, it } from 'vitest';
import type { Rollback } from '../../../lambdas/domain/record/rollback.ts';
import { aRollback, at, executionArn, RECOVERY_EXECUTION } from '../fixtures.ts';
import { expectError } from '../matchers.ts';
import type { Begun } from './begun.ts';
import { holders, migrated, SECOND_RECOVERY, stop, takeOver } from './taking-over.ts';

describe('take-over of a rollback that was requested', () => {
  const accepted = aRollback({ state: 'requested', after: 'migrated', requestedBy: 'ann', accept: ['credential-gap'] });
  async function withAccepted(change: Partial<Rollback> = {}): Promise<Begun> {
    const fakes = await migrated();
    await fakes.update({ status: 'rolling-back', rollback: { ...accepted, ...change } });
    return fakes;
  }
  const running = { action: 'roll-back', failure: { Error: 'RollbackRequested' } };

  it('begins it as it was accepted, whatever the input says', async () => {
    const fakes = await withAccepted();
    expect(await takeOver(fakes, { cause: 'requested', requestedBy: 'eve' })).toMatchObject(running);
    expect(await fakes.record()).toMatchObject({
      status: 'rolling-back',
      executionArn: RECOVERY_EXECUTION,
      verified: 'none',
      outcome: 'migrated',
      endedAt: at(300),
      rollback: { ...accepted, state: 'running' },
    });
  });

  it('does nothing, and refuses nothing, where another execution is to begin it or has begun it', async () => {
    for (const status of [undefined, 'RUNNING'] as const)
      for (const state of ['requested', 'running'] as const) {
        const fakes = await withAccepted({ executionArn: SECOND_RECOVERY, state });
        if (state === 'running') await fakes.update({ executionArn: SECOND_RECOVERY });
        if (status === undefined && state === 'running') continue;
        if (status) fakes.executions.states.set(SECOND_RECOVERY, { status });
        const before = await fakes.record();
        expect(await takeOver(fakes)).toMatchObject({ action: 'nothing' });
        await expectError(takeOver(fakes, { cause: 'requested' }), 'RollbackRefused');
        expect(await fakes.record()).toEqual(before);
        expect(await holders(fakes)).toEqual([undefined, undefined]);
      }
  });

  it('goes on with one whose execution stopped before it began, and only one of two does', async () => {
    const fakes = await withAccepted({ executionArn: executionArn('stopped', 'Recover') });
    stop(fakes, 600, executionArn('stopped', 'Recover'));
    fakes.executions.states.set(SECOND_RECOVERY, { status: 'RUNNING' });
    const answers = (await Promise.all([takeOver(fakes), takeOver(fakes, { executionArn: SECOND_RECOVERY })])) as {
      action: string;
    }[];
    expect(answers.map(({ action }) => action).sort()).toEqual(['nothing', 'roll-back']);
    expect(await fakes.record()).toMatchObject({
      status: 'rolling-back',
      rollback: { ...accepted, state: 'running', executionArn: expect.any(String) as string },
    });
  });

  it('of twenty executions that were started by hand begins one', async () => {
    const fakes = await migrated();
    const arns = Array.from({ length: 20 }, (_, n) => executionArn(`by-hand-${n}`, 'Recover'));
    for (const arn of arns) fakes.executions.states.set(arn, { status: 'RUNNING' });
    const results = await Promise.allSettled(
      arns.map((arn) => takeOver(fakes, { cause: 'requested', requestedBy: 'jo', executionArn: arn })),
    );
    const first = results.findIndex(({ status }) => status === 'fulfilled');
    expect(results.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
    expect(await fakes.record()).toMatchObject({
      status: 'rolling-back',
      rollback: { id: `by-hand-${first}`, state: 'running', requestedBy: 'jo', executionArn: arns[first] },
    });
  });

  it('refuses it for whatever time does not cure, and waits for the rest', async () => {
    const defect = await withAccepted();
    defect.journal.refuseNext('eks.describeAddon', 'BadInput', 'It is another add-on.');
    await expectError(takeOver(defect, { cause: 'requested' }), 'BadInput');
    expect(await defect.record()).toMatchObject({
      status: 'ended',
      outcome: 'migrated',
      rollback: { state: 'refused', error: { name: 'BadInput' } },
    });
    for (const name of ['AccessDenied', 'Throttled'] as const) {
      const fakes = await withAccepted();
      fakes.journal.refuseNext('eks.describeAddon', name, 'Not now.');
      await expectError(takeOver(fakes, { cause: 'requested' }), name);
      expect(await fakes.record()).toMatchObject({ status: 'rolling-back', rollback: accepted });
      expect(await takeOver(fakes, { cause: 'requested' })).toMatchObject(running);
    }
  });
});
