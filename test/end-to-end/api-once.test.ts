/** A request that is sent many times, or by a Lambda that dies in the middle of it, is carried out once. */
import { describe, expect, it } from 'vitest';
import type { FaultKind } from '../../sandbox/world/faults.ts';
import {
  type ApiWorld,
  atOnce,
  BODY,
  inApiWorld,
  migrationsIn,
  pending,
  type Person,
  personIn,
  ROLES,
  WANTS_APPROVAL,
} from './api-world.ts';

const TIMES = 100;

/** Calls of StartExecution that were answered well. */
const startsIn = ({ sandbox }: Pick<ApiWorld, 'sandbox'>) =>
  sandbox.world.log.calls.filter(
    ({ service, operation, step, status }) =>
      service === 'states' && operation === 'StartExecution' && step === 'api' && status < 300,
  ).length;

const recordsIn = async ({ world }: Pick<ApiWorld, 'world'>): Promise<string[]> =>
  (await world.backend.ledger.listMigrations({}, 100)).migrations.map(({ migrationId }) => migrationId);

describe('equal requests at once', () => {
  it.each([
    ['under one key', 'the-one-key'],
    ['without a key', undefined],
  ] as const)('are one migration: %s', async (_, key) => {
    await inApiWorld({}, async ({ world, sandbox, ann }) => {
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
      // Whoever comes later under the key gets what it stands for; without one it is asked for anew.
      const later = await ann.migrate(BODY, key);
      expect(later === id).toBe(key !== undefined);
      expect(migrationsIn({ world, sandbox })).toHaveLength(key === undefined ? 2 : 1);
      await world.rest();
    });
  });

  it('of two principals under the same key are two, of which one finds the add-on locked', async () => {
    await inApiWorld({}, async ({ world, sandbox, ann, bob }) => {
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
    });
  });

  it('and one of another body under the same key: that is refused, and starts nothing', async () => {
    await inApiWorld({}, async ({ world, sandbox, ann }) => {
      const id = await ann.migrate(WANTS_APPROVAL, 'a-key');
      const problem = await ann.refused('key-used', 'POST', '/migrations', {
        body: { ...WANTS_APPROVAL, reason: 'another' },
        headers: { 'idempotency-key': 'a-key' },
      });
      expect(problem).toMatchObject({ status: 422, errors: [{ field: 'header.idempotency-key' }] });
      expect(migrationsIn({ world, sandbox }).map(({ name }) => name)).toEqual([id]);
      await ann.cancel(id);
      await world.rest();
    });
  });
});

const KINDS: FaultKind[] = [
  'throttled',
  'server-error',
  'lost-before',
  'lost-after',
  'crash-before',
  'crash-after',
  'time-out-before',
  'time-out-after',
];
/** What a caller sends again for (docs/api.md). */
const AGAIN = [502, 503, 504];
const MOST_TRIES = 5;

/** As a pipeline does: unchanged, until it is answered. */
const insist = async (
  { sandbox }: ApiWorld,
  person: Person,
  key: string | undefined,
): Promise<{ id: string; tries: number }> => {
  for (let tries = 1; tries <= MOST_TRIES; tries += 1) {
    const { status, text, headers } = await person.ask('POST', '/migrations', {
      body: WANTS_APPROVAL,
      ...(key === undefined ? {} : { headers: { 'idempotency-key': key } }),
    });
    if (status === 202) return { id: (JSON.parse(text) as { migrationId: string }).migrationId, tries };
    expect({ text, isSentAgain: AGAIN.includes(status), type: headers['content-type'] }).toEqual({
      text,
      isSentAgain: true,
      type: 'application/problem+json',
    });
    await sandbox.clock.sleep(5000);
  }
  throw new Error(`It was not answered in ${MOST_TRIES} tries: ${JSON.stringify(person.heard)}`);
};

/** The calls that the Lambda makes for one request, in order. */
const CALLS = ['dynamodb:PutItem', 'dynamodb:Query', 'dynamodb:UpdateItem', 'states:StartExecution'];

const callsOfOne = (): Promise<string[]> =>
  inApiWorld({}, async (given) => {
    const { ann, sandbox, world } = given;
    const id = await ann.migrate(WANTS_APPROVAL, 'a-key');
    const calls = sandbox.world.faults.seen
      .filter(({ step }) => step === 'api')
      .map(({ service, operation }) => `${service}:${operation}`);
    await ann.cancel(id);
    await world.rest();
    return calls;
  });

describe('a fault in the API', () => {
  it('is at one of its calls: the claim, a look at the record, the record, the execution', async () => {
    expect(await callsOfOne()).toEqual(CALLS);
  });

  it.each(KINDS)('%s, at each of its calls: who asks again has one migration, with and without a key', async (kind) => {
    // Without a key what is asked for is the key: it matters where something was done already.
    for (const key of kind.endsWith('-after') ? ['a-key', undefined] : ['a-key']) {
      for (const [index, struck] of CALLS.entries()) {
        await inApiWorld({ faults: [{ kind, step: 'api', call: index + 1 }] }, async (given) => {
          const { world, sandbox, ann } = given;
          const { id, tries } = await insist(given, ann, key);
          const where = `${kind} at ${struck}`;
          // It did strike; and a throttled read or a lost reply is not hidden, but told.
          expect({ where, tries }).toEqual({ where, tries: 2 });
          await sandbox.clock.sleep(60_000);
          const ids = migrationsIn({ world, sandbox }).map(({ name }) => name);
          expect({ where, ids, records: await recordsIn({ world }), started: startsIn({ sandbox }) > 0 }).toEqual({
            where,
            ids: [id],
            records: [id],
            started: true,
          });
          expect(await ann.shown(id)).toMatchObject({
            status: 'running',
            requestedBy: ann.arn,
            approvals: [{ round: 1, state: 'pending' }],
          });
          await ann.cancel(id);
          await world.rest();
        });
      }
    }
  });

  it.each(KINDS)(
    '%s, where an execution is told of a decision: who says it again is heard, and nobody else decides meanwhile',
    async (kind) => {
      const cases = [
        ['approve', 'SendTaskSuccess', 'migrated'],
        ['reject', 'SendTaskFailure', 'blocked'],
      ] as const;
      for (const [decision, operation, outcome] of cases) {
        await inApiWorld({ faults: [{ kind, step: 'api', operation }] }, async ({ world, sandbox, ann, bob }) => {
          const eve = personIn(sandbox, ROLES.reviewer, 'eve');
          const id = await ann.migrate(WANTS_APPROVAL);
          const { planHash } = await pending(sandbox, bob, id);
          const path = `/migrations/${id}/approval`;
          const first = await bob.ask('POST', path, { body: { decision, planHash } });
          expect({ kind, isSentAgain: AGAIN.includes(first.status) }).toEqual({ kind, isSentAgain: true });
          await eve.refused('no-approval', 'POST', path, {
            body: { decision: decision === 'approve' ? 'reject' : 'approve', planHash },
          });
          expect((await bob.approve(id, planHash, decision)).approval).toMatchObject({ decidedBy: bob.arn });
          await world.rest();
          expect(await ann.shown(id)).toMatchObject({ outcome, approvals: [{ round: 1, decidedBy: bob.arn }] });
        });
      }
    },
  );
});
