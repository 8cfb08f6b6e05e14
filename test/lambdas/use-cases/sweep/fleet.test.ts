/**
 * What must hold of every sweep, whatever becomes of its migrations and its looks: over the fake ledger, and over
 * DynamoDB's. `sweep-fleet.grid.test.ts` checks more of them.
 */
import { describe, expect, it } from 'vitest';
import { anItem, aSweep } from '../../domain/sweep-fixtures.ts';
import { endedBefore, runSweep } from './fleet.ts';
import { checkSweeps, onFake } from './stories.ts';

describe('a sweep', () => {
  it('keeps its promises through crashes, commands and failures', async () =>
    expect(await checkSweeps('fake', 60)).toBeGreaterThan(20));

  it('keeps them over DynamoDB, where it breaks off between any two writes', async () =>
    expect(await checkSweeps('dynamo', 6)).toBeGreaterThan(0));

  it('breaks no more at once than its wave, and no more in all than the threshold and that wave', async () => {
    for (const [canary, stopAfterFailures, broken] of [
      [1, 3, 3],
      [4, 3, 4],
      [2, 3, 6],
      [1, 1, 1],
    ] as const) {
      const items = Array.from({ length: 60 }, (_, index) => ({
        item: anItem(index),
        fate: { outcome: 'rolled-back', seconds: 90 } as const,
      }));
      const breakable = onFake();
      const sweep = aSweep({
        limits: {
          canary,
          concurrency: 20,
          perAccount: 100,
          perRegion: 100,
          stopAfterFailures,
          stopAtFailurePercent: 100,
        },
      });
      let atStop: number | undefined;
      const update = breakable.sweeps.update.bind(breakable.sweeps);
      breakable.sweeps.update = async (id, change) => {
        if (change.status === 'ended') atStop ??= (await breakable.sweeps.tally(id)).ended['rolled-back'];
        await update(id, change);
      };
      await runSweep({ sweep, items, crashes: new Map(), commands: new Map(), looks: 1000 }, breakable);
      expect(atStop, `of a canary of ${canary}, stopping after ${stopAfterFailures}`).toBe(broken);
    }
  });
});

it('the waves that are checked against are the canary, then twice as many each, then one for one', () =>
  expect(Array.from({ length: 14 }, (_, start) => endedBefore(start, { canary: 1, concurrency: 6 }))).toEqual([
    0, 1, 1, 3, 3, 3, 3, 7, 7, 7, 7, 7, 7, 8,
  ]));
