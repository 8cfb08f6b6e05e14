/** Tests that consumers of a run come about as its spec wants, and that the promises about them notice what breaks. */
import { beforeAll, describe, expect, it } from 'vitest';
import { ensureAssembly } from '../../cli/assembly.ts';
import {
  keptAnnotationBreaksNothing,
  plansNameUsers,
  retiredPairsAreServed,
  usersAreNamed,
} from './consumers-promises.ts';
import { brokenPromises } from './promises.ts';
import { simulate, type RunResult } from './run.ts';
import { specOfSeed } from './seeds.ts';
import { ACCEPTS, APPEARS, type ConsumerSpec, CONSUMERS, type ConsumersSpec, type RunSpec } from './spec.ts';
import { containing } from '../lambdas/matchers.ts';

let assembly = '';
beforeAll(async () => void (assembly = (await ensureAssembly()).directory));

const run = async (consumers: ConsumersSpec, more: Partial<RunSpec> = {}): Promise<RunResult> => {
  const result = await simulate({ scenario: 'service-account', seed: 1, faults: [], consumers, ...more }, assembly);
  expect(await brokenPromises(result)).toEqual([]);
  return result;
};
const STORE = { is: 'SecretStore', name: 'aws', of: 'planned' } as const;
const ISSUER = { is: 'Issuer', name: 'aws', of: 'planned' } as const;
const outcomeOf = ({ migrations }: RunResult): string | undefined => migrations[0]?.record?.outcome;
const statusesOf = ({ retirements }: RunResult): (string | undefined)[] => retirements.map(({ error }) => error);

/** Returns the result as if neither the requests nor the retirements had accepted anything. */
const unaccepting = (result: RunResult): RunResult => ({
  ...result,
  migrations: result.migrations.map((one) => ({ ...one, request: { ...one.request, accept: [] } })),
});

describe('a consumer of the annotation', () => {
  it('keeps the annotation from being removed', async () => {
    const result = await run({ objects: [STORE] });
    expect([outcomeOf(result), result.consumers?.gaps]).toEqual(['blocked', []]);
  });

  it('stops working once the request accepts it, which nobody else may cause', async () => {
    const result = await run({ objects: [{ ...STORE, accepted: 'request' }] });
    expect(outcomeOf(result)).toBe('migrated');
    expect(result.consumers?.gaps.map(({ name }) => name)).toEqual(['SecretStore/payments/aws']);
    const [how, ...more] = await usersAreNamed.broken(unaccepting(result));
    expect(how).toContain('SecretStore/payments/aws got no credentials');
    expect([how, more]).toEqual([containing('annotate-service-account'), []]);
  });

  it('is not kept from working if the annotation is kept', async () => {
    const result = await run({ objects: [STORE], annotation: 'keep' });
    expect([outcomeOf(result), result.consumers?.gaps]).toEqual(['migrated', []]);
    const serviceAccount = { namespace: 'payments', name: 'api' };
    const gap = { name: 'SecretStore/payments/aws', serviceAccount, from: 0, why: 'tested', line: 300 };
    result.consumers?.gaps.push(gap);
    expect(await keptAnnotationBreaksNothing.broken(result)).toEqual([
      expect.stringContaining('although the annotation is kept'),
    ]);
  });

  it('that another service account has does not matter', async () => {
    const result = await run({ objects: [{ ...STORE, of: 'other' }] });
    expect([outcomeOf(result), result.consumers?.gaps]).toEqual(['migrated', []]);
    expect([...(result.consumers?.had ?? [])]).toEqual(['SecretStore/elsewhere/aws elsewhere/api']);
  });

  it.each(APPEARS.slice(0, 3))(
    'that appears after %s has begun is seen before the annotation is removed',
    async (appears) => {
      const result = await run({ objects: [{ ...STORE, appears }] });
      expect([...(result.consumers?.had ?? [])]).toEqual(['SecretStore/payments/aws payments/api']);
      expect([result.consumers?.gaps, outcomeOf(result)]).toEqual([[], appears === 'plan' ? 'blocked' : 'migrated']);
    },
  );

  it('that may not be read keeps the annotation until its resource is accepted', async () => {
    expect(outcomeOf(await run({ objects: [STORE], unread: [{ is: 'SecretStore' }] }))).toBe('blocked');
    const accepted = await run({ objects: [STORE], unread: [{ is: 'SecretStore', accepted: 'request' }] });
    expect(outcomeOf(accepted)).toBe('migrated');
    expect(accepted.consumers?.gaps).toHaveLength(1);
    expect(await usersAreNamed.broken(unaccepting(accepted))).toHaveLength(1);
  });
});

it('a consumer of the trust keeps the trust from being retired until the retirement accepts it', async () => {
  const held = await run({ objects: [ISSUER] }, { retire: 'kept' });
  expect([outcomeOf(held), statusesOf(held)]).toEqual(['migrated', ['RetireRefused']]);
  const byRequest = await run({ objects: [{ ...ISSUER, accepted: 'request' }] }, { retire: 'kept' });
  expect(statusesOf(byRequest)).toEqual(['RetireRefused']);
  const accepted = await run({ objects: [{ ...ISSUER, accepted: 'retirement' }] }, { retire: 'kept' });
  expect(statusesOf(accepted)).toEqual([undefined]);
  expect(accepted.consumers?.gaps.map(({ name }) => name)).toEqual(['Issuer/payments/aws']);
});

it('plans-name-users compares names in both directions', async () => {
  const result = await run({ objects: [ISSUER, { ...STORE, of: 'other' }] });
  const [migration] = result.migrations;
  const { record } = migration!;
  const naming = (names: string[]): RunResult => ({
    ...result,
    migrations: [
      {
        ...migration!,
        record: {
          ...record!,
          plan: { ...record!.plan!, consumers: names.map((name) => ({ ...record!.plan!.consumers![0]!, name })) },
        },
      },
    ],
  });
  expect(await plansNameUsers.broken(naming(['Issuer/payments/aws']))).toEqual([]);
  expect(await plansNameUsers.broken(naming([]))).toEqual([
    expect.stringContaining('does not name Issuer/payments/aws'),
  ]);
  expect(await plansNameUsers.broken(naming(['Issuer/payments/aws', 'SecretStore/elsewhere/aws']))).toEqual([
    expect.stringContaining('names SecretStore/elsewhere/aws'),
  ]);
});

it('a pattern in the trust is retired once each service account that matches has an association or is accepted', async () => {
  const held = await run({ objects: [], pattern: { others: [{ associated: true }, {}] } }, { retire: 'kept' });
  expect(statusesOf(held)).toEqual(['RetireRefused']);
  const whole = await run(
    { objects: [], pattern: { others: [{ associated: true }, { accepted: true }] } },
    { retire: 'kept' },
  );
  expect(statusesOf(whole)).toEqual([undefined]);
  const [retirement] = whole.retirements;
  const [how] = await retiredPairsAreServed.broken({ ...whole, retirements: [{ ...retirement!, accepted: [] }] });
  expect(how).toContain('from payments/api-2, which has no association');
});

it('a seed draws everything about consumers', () => {
  const specs = Array.from({ length: 1000 }, (_, seed) => specOfSeed(seed).consumers ?? { objects: [] });
  const objects = specs.flatMap((one) => one.objects);
  const seen = <Field extends keyof ConsumerSpec>(field: Field) => new Set(objects.map((one) => one[field]));
  expect([seen('is'), seen('of')]).toEqual([new Set(CONSUMERS), new Set(['planned', 'other'])]);
  expect(seen('accepted')).toEqual(new Set([undefined, ...ACCEPTS]));
  expect(seen('appears')).toEqual(new Set([undefined, ...APPEARS]));
  expect(new Set(specs.map(({ annotation }) => annotation))).toEqual(new Set([undefined, 'keep', 'remove']));
  const others = specs.flatMap(({ pattern }) => pattern?.others ?? []);
  expect(new Set(others.flatMap((one) => Object.keys(one)))).toEqual(new Set(['associated', 'accepted', 'annotated']));
  expect(others).toContainEqual({});
  expect(specs.some(({ unread = [] }) => unread.some(({ accepted }) => accepted !== undefined))).toBe(true);
  expect(specs.some(({ unread = [] }) => unread.some(({ accepted }) => accepted === undefined))).toBe(true);
});
