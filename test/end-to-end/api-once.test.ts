/** A request that is sent many times, or to a Lambda that dies while handling it, is carried out once. */
import { describe, expect, it } from 'vitest';
import { sampleOf } from '../faults/contract.ts';
import {
  expectAskedOnce,
  CALLS,
  callsOfOne,
  DECISION_FAULTS,
  expectDecidedOnce,
  recordsIn,
  REQUEST_FAULTS,
} from './api-faults.ts';
import { atOnce, BODY, inApiWorld, migrationsIn, WANTS_APPROVAL } from './api-world.ts';

const TIMES = 100;

describe('equal requests at once', () => {
  it.each([
    ['under one key', 'the-one-key'],
    ['without a key', undefined],
  ] as const)('are one migration: %s', async (_, key) =>
    inApiWorld({ knobs: { apiThrottling: 'off' } }, async ({ world, sandbox, ann }) => {
      const ids = await atOnce(
        sandbox,
        Array.from({ length: TIMES }, () => () => ann.migrate(BODY, key)),
      );
      expect(new Set(ids).size).toBe(1);
      expect(ann.heard).toHaveLength(TIMES);
      const [id] = ids;
      expect(migrationsIn({ world, sandbox }).map(({ name }) => name)).toEqual([id]);
      await world.rest();
      expect(await recordsIn({ world })).toEqual([id]);
      expect(await ann.shown(id!)).toMatchObject({ outcome: 'migrated' });
      // A later request under the key gets its current state; without a key it is a new request.
      expect((await ann.migrate(BODY, key)) === id).toBe(key !== undefined);
      expect(migrationsIn({ world, sandbox })).toHaveLength(key === undefined ? 2 : 1);
      await world.rest();
    }),
  );

  it('of two principals under the same key are two, one of which finds the add-on locked', () =>
    inApiWorld({}, async ({ world, sandbox, ann, bob }) => {
      const ids = await atOnce(
        sandbox,
        [ann, bob].map((one) => () => one.migrate(BODY, 'a-key')),
      );
      expect(new Set(ids).size).toBe(2);
      await world.rest();
      expect(
        new Set(
          (
            await atOnce(
              sandbox,
              ids.map((id) => () => ann.shown(id)),
            )
          ).map(({ outcome }) => outcome),
        ),
      ).toEqual(new Set(['blocked', 'migrated']));
    }));

  it('and one with another body under the same key: that one is refused, and starts nothing', () =>
    inApiWorld({}, async ({ world, sandbox, ann }) => {
      const id = await ann.migrate(WANTS_APPROVAL, 'a-key');
      const problem = await ann.refused('key-used', 'POST', '/migrations', {
        body: { ...WANTS_APPROVAL, reason: 'another' },
        headers: { 'idempotency-key': 'a-key' },
      });
      expect(problem).toMatchObject({ status: 422, errors: [{ field: 'header.idempotency-key' }] });
      expect(migrationsIn({ world, sandbox }).map(({ name }) => name)).toEqual([id]);
      await ann.cancel(id);
      await world.rest();
    }));
});

describe('a fault in the API', () => {
  it('is at one of its calls: the claim, reads of the record and of the lock, the slots, the record, the execution', async () => {
    const slot = ['dynamodb:Query', 'dynamodb:UpdateItem'];
    const [claim, read, lock, ...start] = CALLS;
    expect(await callsOfOne()).toEqual([claim, read, lock, ...slot, ...slot, ...start]);
  });

  it.each(sampleOf(REQUEST_FAULTS))('$kind at $call: a repeated request leads to one migration', (fault) =>
    expectAskedOnce(fault),
  );

  it.each(sampleOf(DECISION_FAULTS))(
    '$kind at $call, which passes a decision to an execution: a repetition succeeds, and no other decision is accepted meanwhile',
    (fault) => expectDecidedOnce(fault),
  );
});
