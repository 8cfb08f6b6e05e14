import { array, assert, constantFrom, integer, nat, property, record } from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Lock, LockHolder, Taking } from '../../../../lambdas/domain/migration/locks.ts';
import {
  eachHolder,
  isConflicting,
  takeAlone,
  takeOverShare,
  takeShared,
  WISH_LASTS_MS,
  withoutSharer,
} from '../../../../lambdas/domain/migration/locks.ts';

const at = (seconds: number): string => new Date(Date.UTC(2026, 0, 1) + seconds * 1000).toISOString();
const who = (name: string, seconds = 0) => ({ migrationId: name, executionArn: `x-${name}`, since: at(seconds) });
const FREE: Lock = { key: 'k', fence: 0 };
const [ANN, BOB, EVE] = [who('ann'), who('bob'), who('eve')];

/** The lock as it is after the attempt. */
const after = (lock: Lock, taking: Taking): Lock => (taking.do === 'has' ? lock : (taking.next ?? lock));
const shared = (...holders: LockHolder[]): Lock =>
  holders.reduce((lock, holder) => after(lock, takeShared(lock, holder)), FREE);
const alone = (holder: LockHolder): Lock => after(FREE, takeAlone(FREE, holder));

describe('a lock', () => {
  it('is shared by several executions, or held by one alone', () => {
    expect([shared(ANN, BOB).shared, takeShared(alone(ANN), BOB)]).toEqual([[ANN, BOB], { do: 'wait', holder: ANN }]);
    expect(takeAlone(alone(ANN), BOB)).toEqual({ do: 'wait', holder: ANN });
    expect(takeAlone(shared(ANN), BOB)).toMatchObject({ do: 'wait', holder: ANN });
  });

  it('is held alone by its only sharer, and shared by an execution that holds it alone', () => {
    expect(takeAlone(shared(ANN), ANN)).toEqual({ do: 'take', next: { key: 'k', fence: 2, holder: ANN } });
    expect(takeShared(alone(ANN), ANN)).toEqual({ do: 'has', fence: 1 });
  });

  it('always names one of its sharers, even after another sharer releases it', () => {
    const lock = withoutSharer(shared(ANN, BOB), ANN.executionArn)!;
    expect(lock).toMatchObject({ holder: BOB, shared: [BOB] });
    expect(withoutSharer(lock, BOB.executionArn)).toEqual({ key: 'k', fence: 4 });
    expect(withoutSharer(lock, EVE.executionArn)).toBeUndefined();
    expect(withoutSharer(alone(ANN), ANN.executionArn)).toBeUndefined();
  });

  it('is left to an execution that wishes to hold it alone: new sharers wait, existing sharers keep it', () => {
    const wished = after(shared(ANN), takeAlone(shared(ANN), BOB));
    expect(takeShared(wished, EVE)).toMatchObject({ do: 'wait', holder: { migrationId: 'bob' } });
    expect(takeShared(wished, ANN)).toMatchObject({ do: 'has' });
    const free = withoutSharer(wished, ANN.executionArn)!;
    expect(takeShared(free, EVE)).toMatchObject({ do: 'wait', holder: { migrationId: 'bob' } });
    expect(takeAlone(free, BOB)).toMatchObject({ do: 'take', next: { holder: BOB } });
    expect(after(free, takeAlone(free, BOB))).not.toHaveProperty('wish');
  });

  it('is no longer left to an execution that has not renewed its wish', () => {
    const wished = after(shared(ANN), takeAlone(shared(ANN), BOB));
    const seconds = WISH_LASTS_MS / 1000;
    expect(takeShared(wished, who('eve', seconds - 1))).toMatchObject({ do: 'wait' });
    expect(takeShared(wished, who('eve', seconds))).toMatchObject({ do: 'take' });
    const again = after(wished, takeAlone(wished, who('bob', 30)));
    expect(takeShared(again, who('eve', seconds + 29))).toMatchObject({ do: 'wait' });
  });

  it('keeps the first wish', () =>
    expect(takeAlone(after(shared(ANN), takeAlone(shared(ANN), BOB)), EVE)).toEqual({ do: 'wait', holder: ANN }));

  it('passes on one share, and none for a migration without a share', () => {
    const recovery = { ...who('ann', 60), executionArn: 'x-recovery' };
    const lock = after(FREE, takeOverShare(shared(ANN, BOB), ANN.executionArn, recovery)!);
    expect(lock).toMatchObject({ fence: 3, shared: [BOB, recovery] });
    expect(takeOverShare(lock, ANN.executionArn, recovery)).toEqual({ do: 'has', fence: 3 });
    expect(takeOverShare(lock, ANN.executionArn, { ...recovery, executionArn: 'x-second' })).toEqual({
      do: 'wait',
      holder: recovery,
    });
    expect(takeOverShare(lock, EVE.executionArn, who('eve', 60))).toBeUndefined();
  });

  it('conflicts with migrations that it cannot be shared with', () => {
    expect(isConflicting(shared(ANN), 'bob', 'shared')).toBe(false);
    expect(isConflicting(shared(ANN), 'bob', 'exclusive')).toBe(true);
    expect(isConflicting(alone(ANN), 'bob', 'shared')).toBe(true);
    expect(isConflicting(alone(ANN), 'ann', 'exclusive')).toBe(false);
    expect(isConflicting(FREE, 'bob', 'exclusive')).toBe(false);
    expect(eachHolder(shared(ANN, BOB)).map(({ holder }) => holder)).toEqual([ANN, BOB]);
  });
});

describe('requests in any order', () => {
  const names = ['a', 'b', 'c', 'd'];
  const step = record({
    name: constantFrom(...names),
    does: constantFrom('share', 'alone', 'let-go'),
    passes: integer({ min: 0, max: 200 }),
  });

  it('never share a lock that is held alone, and the fence only increases', () =>
    assert(
      property(array(step, { maxLength: 60 }), (steps) => {
        let lock: Lock = FREE;
        let now = 0;
        const has = new Map<string, 'share' | 'alone'>();
        for (const { name, does, passes } of steps) {
          now += passes;
          const before = lock.fence;
          if (does === 'let-go') {
            const next = withoutSharer(lock, `x-${name}`);
            if (next) lock = next;
            else if (!lock.shared && lock.holder?.migrationId === name) lock = { key: 'k', fence: lock.fence };
            has.delete(name);
          } else {
            const taking = (does === 'share' ? takeShared : takeAlone)(lock, who(name, now));
            lock = after(lock, taking);
            // Who has it alone has it so until they let go.
            if (taking.do === 'take') has.set(name, does);
          }
          expect(lock.fence).toBeGreaterThanOrEqual(before);
          const holders = eachHolder(lock).flatMap(({ holder }) => (holder ? [holder.migrationId] : []));
          expect(new Set(holders)).toEqual(new Set(has.keys()));
          expect([...has.values()].includes('alone') && has.size > 1).toBe(false);
        }
      }),
    ));

  it('eventually succeed for an execution that keeps requesting the lock alone, despite many sharers', () => {
    const isHadAlone = () =>
      property(array(nat({ max: 3 }), { minLength: 40, maxLength: 40 }), (stays) => {
        // Each sharer stays for some rounds, and in each round a new one comes; nobody stays longer than four.
        let lock: Lock = shared(ANN);
        const leaves = new Map<string, number>([['x-ann', 4]]);
        for (const [round, stay] of stays.entries()) {
          const now = round * 30;
          for (const [executionArn, leaving] of leaves)
            if (leaving <= round) {
              lock = withoutSharer(lock, executionArn) ?? lock;
              leaves.delete(executionArn);
            }
          if (takeAlone(lock, who('exclusive', now)).do === 'take') return true;
          lock = after(lock, takeAlone(lock, who('exclusive', now)));
          const comer = who(`sharer-${round}`, now);
          const taking = takeShared(lock, comer);
          lock = after(lock, taking);
          if (taking.do === 'take') leaves.set(comer.executionArn, round + 1 + stay);
        }
        return false;
      });
    expect(() => assert(isHadAlone())).not.toThrow();
  });
});
