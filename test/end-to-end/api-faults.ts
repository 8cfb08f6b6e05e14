/** A request that is sent again after a fault is carried out once. */
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
import { words } from '../words.ts';

/** Calls of StartExecution that succeeded. */
const startsIn = ({ sandbox }: Pick<ApiWorld, 'sandbox'>) =>
  sandbox.world.log.calls.filter(
    ({ service, operation, step, status }) =>
      service === 'states' && operation === 'StartExecution' && step === 'api' && status < 300,
  ).length;

export const recordsIn = async ({ world }: Pick<ApiWorld, 'world'>): Promise<string[]> =>
  (await world.backend.ledger.listMigrations({}, 100)).migrations.map(({ migrationId }) => migrationId);

/** The answers after which a caller sends again (docs/api.md). */
const AGAIN = [502, 503, 504];
const MOST_TRIES = 5;

/** Sends the request unchanged until it is answered, as a pipeline does. */
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

/** Returns the calls that the Lambda makes for one request, in order. */
export const CALLS = words`
  dynamodb:PutItem dynamodb:Query dynamodb:GetItem dynamodb:UpdateItem states:StartExecution
`;

/** The calls of an undisturbed request. */
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

/** Checks that repeating a request leads to one migration, with and without a key. */
export async function expectAskedOnce(fault: FaultCase<TransientKind>): Promise<void> {
  // Without a key, the content of the request is the key, which matters if something was done already.
  for (const key of fault.kind.endsWith('-after') ? ['a-key', undefined] : ['a-key'])
    await inApiWorld({ faults: [faultAt('api', fault)] }, async (given) => {
      const { world, sandbox, ann } = given;
      const { id, tries } = await insist(given, ann, key);
      // The fault did strike; and a throttled read or a lost reply is not hidden, but reported.
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

const DECISIONS = { SendTaskSuccess: ['approve', 'migrated'], SendTaskFailure: ['reject', 'blocked'] } as const;

/** Each transient fault at each call that passes a decision to an execution. */
export const DECISION_FAULTS = faultCases(TRANSIENT_KINDS, Object.keys(DECISIONS));

/** Checks that a repeated decision succeeds, and that no other decision is accepted meanwhile. */
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
