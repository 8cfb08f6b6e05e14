/**
 * The shared pace's promises, held by DynamoDB (in process, by both of its clients) and by the fake of the steps'
 * tests.
 */
import { UpdateCommand } from '@aws-sdk/lib-dynamodb';
import { beforeEach, describe, expect, it } from 'vitest';
import { createDynamoPace } from '../../../lambdas/adapters/dynamo-pace.ts';
import { documentsOf } from '../../../lambdas/adapters/dynamo-table.ts';
import { allowedAt, CEILINGS, CUT_AT_MOST_EVERY, type PaceScope, rateAt } from '../../../lambdas/domain/aws/pace.ts';
import type { Pace, Reserved } from '../../../lambdas/ports/index.ts';
import { FakePace } from '../fake-pace.ts';
import { newDynamoDb, TABLE } from './ledgers.ts';

const NOW = 1_800_000_000_000;
const EKS: PaceScope = { service: 'eks', account: '111122223333', region: 'eu-west-1', cluster: 'dev' };
const IAM: PaceScope = { ...EKS, service: 'iam' };

const PACES: [string, () => Promise<() => Pace>][] = [
  ...(['sdk', 'direct'] as const).map((clients): [string, () => Promise<() => Pace>] => [
    `DynamoDB, ${clients}`,
    async () => {
      const client = await newDynamoDb(clients);
      return () => createDynamoPace({ client, tableName: TABLE });
    },
  ]),
  [
    'memory',
    async () => {
      const pace = new FakePace();
      return () => pace;
    },
  ],
];

describe.each(PACES)('the shared pace on %s', (_, open) => {
  /** Another function's: it has seen nothing yet. */
  let another: () => Pace;
  let pace: Pace;
  beforeEach(async () => {
    another = await open();
    pace = another();
  });
  const reserved = async (scope: PaceScope, calls: number, now = NOW, of = pace): Promise<Reserved> => {
    const made = await of.reserve(scope, calls, now);
    if (!('position' in made)) throw new Error('nothing was reserved');
    return made;
  };

  it('does not exist until the first reservation, and is separate for each location', async () => {
    expect(await pace.read(EKS, NOW)).toBeUndefined();
    await reserved(EKS, 12);
    expect((await pace.read(EKS, NOW))?.rate).toBe(CEILINGS.eks);
    expect(await pace.read(IAM, NOW)).toBeUndefined();
    expect(await pace.read({ ...EKS, region: 'us-east-1' }, NOW)).toBeUndefined();
    expect(await pace.read({ ...EKS, cluster: 'other' }, NOW)).toBeDefined();
  });

  it('assigns each reservation the positions after the earlier ones, for every caller', async () => {
    const first = await reserved(EKS, 200);
    const second = await reserved(EKS, 5, NOW + 100);
    const third = await reserved(EKS, 5, NOW + 100, another());
    const fourth = await reserved(EKS, 1, NOW + 200);
    expect([second, third, fourth].map(({ position }) => position - first.position)).toEqual([200, 205, 210]);
  });

  it('loses what nobody used: after a rest the next positions are allowed now', async () => {
    const first = await reserved(EKS, 12);
    const later = await reserved(EKS, 12, NOW + 3_600_000);
    expect(later.position).toBeGreaterThan(first.position + 1000);
    expect(Math.abs(allowedAt(later.state, 'eks', later.position) - NOW - 3_600_000)).toBeLessThan(100);
    expect((await reserved(EKS, 1, NOW + 3_600_001, another())).position).toBe(later.position + 12);
  });

  it('reserves nothing where that would come too late', async () => {
    await reserved(EKS, 400);
    for (const one of [pace, another()]) expect(await one.reserve(EKS, 5, NOW, 5000)).not.toHaveProperty('position');
    expect((await reserved(EKS, 1)).position).toBe((await reserved(EKS, 1)).position - 1);
    // 400 calls take 20 s at 20 a second.
    expect(await pace.reserve(EKS, 5, NOW + 16_000, 5000)).toHaveProperty('position');
  });

  it('takes back what is not needed', async () => {
    const first = await reserved(EKS, 100);
    await pace.giveBack(EKS, 40);
    expect((await reserved(EKS, 1, NOW, another())).position).toBe(first.position + 60);
  });

  it('halves the rate for what is refused at it, once in five seconds, for all', async () => {
    const { state } = await reserved(EKS, 12);
    const cut = await pace.refused(EKS, NOW, state.cutAt);
    expect(cut).toMatchObject({ rate: CEILINGS.eks / 2, cutAt: NOW });
    // Calls of before the cut, and of right after it.
    expect(await another().refused(EKS, NOW + 6000, state.cutAt)).toEqual(cut);
    expect(await another().refused(EKS, NOW + 4000, cut.cutAt)).toEqual(cut);
    const made = await reserved(EKS, 1, NOW + 4000);
    expect(rateAt(made.state, 'eks', NOW)).toBe(CEILINGS.eks / 2);
    const again = await another().refused(EKS, NOW + CUT_AT_MOST_EVERY, cut.cutAt);
    expect(again.rate).toBeCloseTo(rateAt(cut, 'eks', NOW + CUT_AT_MOST_EVERY) / 2, 9);
    // One that has not seen the cut reserves nevertheless.
    expect((await reserved(EKS, 1, NOW + CUT_AT_MOST_EVERY)).state.rate).toBe(again.rate);
  });

  it('has room for a hundred at once, none of whom gets what another one has', async () => {
    const positions = await Promise.all(
      Array.from({ length: 100 }, async () => (await reserved(EKS, 5, NOW, another())).position),
    );
    expect([new Set(positions).size, Math.max(...positions) - Math.min(...positions)]).toEqual([100, 495]);
  });
});

describe('the shared pace in the ledger', () => {
  it('is reserved by one write, without a read, unless the rate was cut or calls wait', async () => {
    const client = await newDynamoDb();
    const made: (string | undefined)[] = [];
    client.middlewareStack.add((next, context) => (args) => {
      made.push(context.commandName);
      return next(args);
    });
    const callsOf = async (now: number): Promise<string[]> => {
      made.length = 0;
      // Another function's: it has seen nothing yet.
      await createDynamoPace({ client, tableName: TABLE }).reserve(EKS, 40, now);
      return made.map((name) => (name ?? '').replace('Command', ''));
    };
    expect(await callsOf(NOW)).toEqual(['UpdateItem']);
    expect(await callsOf(NOW + 3000)).toEqual(['UpdateItem']);
    const whereCallsWait = await callsOf(NOW + 3000);
    await createDynamoPace({ client, tableName: TABLE }).refused(EKS, NOW + 3000, 0);
    const afterCut = await callsOf(NOW + 60_000);
    for (const calls of [whereCallsWait, afterCut]) expect(calls).toEqual(['UpdateItem', 'Query', 'UpdateItem']);
  });

  it('is begun again where its item is not as this service writes it: the call that finds it is told', async () => {
    const client = await newDynamoDb();
    const pace = createDynamoPace({ client, tableName: TABLE });
    for (const broken of [{ head: 'a lot' }, { head: 1e12 }, { rate: -1 }, { cutAt: NOW + 1e10 }]) {
      await pace.reserve(EKS, 1, NOW);
      const [[name, value]] = Object.entries(broken) as [[string, unknown]];
      await documentsOf(client).send(
        new UpdateCommand({
          TableName: TABLE,
          Key: { pk: 'PACE#eks#111122223333#eu-west-1', sk: 'PACE' },
          UpdateExpression: 'SET #name = :value',
          ExpressionAttributeNames: { '#name': name },
          ExpressionAttributeValues: { ':value': value },
        }),
      );
      const fresh = createDynamoPace({ client, tableName: TABLE });
      await expect(fresh.reserve(EKS, 1, NOW)).rejects.toThrow('was reset. Find out which principal wrote it.');
      expect(await fresh.reserve(EKS, 1, NOW)).toHaveProperty('position');
    }
  });
});
