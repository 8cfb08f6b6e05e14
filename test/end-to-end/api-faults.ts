/** A request that is sent again, by a caller whose first one met a fault, is carried out once. */
import { expect } from 'vitest';
import { type FaultCase, faultAt, faultCases, TRANSIENT_KINDS, type TransientKind } from '../faults/contract.ts';
import {
  type ApiWorld,
  inApiWorld,
  migrationsIn,
  pending,
  type Person,
  personIn,
  ROLES,
  WANTS_APPROVAL,
} from './api-world.ts';

/** Calls of StartExecution that were answered well. */
const startsIn = ({ sandbox }: Pick<ApiWorld, 'sandbox'>) =>
  sandbox.world.log.calls.filter(
    ({ service, operation, step, status }) =>
      service === 'states' && operation === 'StartExecution' && step === 'api' && status < 300,
  ).length;

export const recordsIn = async ({ world }: Pick<ApiWorld, 'world'>): Promise<string[]> =>
  (await world.backend.ledger.listMigrations({}, 100)).migrations.map(({ migrationId }) => migrationId);

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
export const CALLS = [
  'dynamodb:PutItem',
  'dynamodb:Query',
  'dynamodb:GetItem',
  'dynamodb:UpdateItem',
  'states:StartExecution',
];

/** The calls that an undisturbed request makes. */
export const callsOfOne = (): Promise<string[]> =>
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

/** Each transient fault at each call of a request. */
export const REQUEST_FAULTS = faultCases(TRANSIENT_KINDS, CALLS);

/** Checks that whoever asks again has one migration, with and without a key. */
export async function expectAskedOnce(fault: FaultCase<TransientKind>): Promise<void> {
  // Without a key what is asked for is the key: it matters where something was done already.
  for (const key of fault.kind.endsWith('-after') ? ['a-key', undefined] : ['a-key'])
    await inApiWorld({ faults: [faultAt('api', fault)] }, async (given) => {
      const { world, sandbox, ann } = given;
      const { id, tries } = await insist(given, ann, key);
      // It did strike; and a throttled read or a lost reply is not hidden, but told.
      expect(tries).toBe(2);
      await sandbox.clock.sleep(60_000);
      expect({
        ids: migrationsIn({ world, sandbox }).map(({ name }) => name),
        records: await recordsIn({ world }),
        started: startsIn({ sandbox }) > 0,
      }).toEqual({ ids: [id], records: [id], started: true });
      expect(await ann.shown(id)).toMatchObject({
        status: 'running',
        requestedBy: ann.arn,
        approvals: [{ round: 1, state: 'pending' }],
      });
      await ann.cancel(id);
      await world.rest();
    });
}

const DECISIONS = {
  SendTaskSuccess: ['approve', 'migrated'],
  SendTaskFailure: ['reject', 'blocked'],
} as const;

/** Each transient fault at each call by which an execution is told of a decision. */
export const DECISION_FAULTS = faultCases(TRANSIENT_KINDS, Object.keys(DECISIONS));

/** Checks that whoever says it again is heard, and that nobody else decides meanwhile. */
export const expectDecidedOnce = ({ kind, call: operation }: FaultCase<TransientKind>): Promise<void> =>
  inApiWorld({ faults: [{ kind, step: 'api', operation }] }, async ({ world, sandbox, ann, bob }) => {
    const [decision, outcome] = DECISIONS[operation as keyof typeof DECISIONS];
    const eve = personIn(sandbox, ROLES.reviewer, 'eve');
    const id = await ann.migrate(WANTS_APPROVAL);
    const { planHash } = await pending(sandbox, bob, id);
    const path = `/migrations/${id}/approval`;
    const first = await bob.ask('POST', path, { body: { decision, planHash } });
    expect(AGAIN).toContain(first.status);
    await eve.refused('no-approval', 'POST', path, {
      body: { decision: decision === 'approve' ? 'reject' : 'approve', planHash },
    });
    expect((await bob.approve(id, planHash, decision)).approval).toMatchObject({ decidedBy: bob.arn });
    await world.rest();
    expect(await ann.shown(id)).toMatchObject({ outcome, approvals: [{ round: 1, decidedBy: bob.arn }] });
  });
