/**
 * Each role has the rights that it uses, and no other: over these runs no call is refused, every action that is granted
 * is used, and a run would fail without it. `proof.grid.test.ts` follows whole runs without each right.
 */
import { describe, expect, it } from 'vitest';
import { OPERATIONS } from '../../lambdas/api/operations.ts';
import { follows } from './follow.ts';
import { isUsed, nameOf, titleOf } from './grants.ts';
import { all, assembly, directory, FEW_RUNS, followAll, grants, isOfUndelivered, ran } from './proof-runs.ts';
import { runFor, unused, usesOf } from './proving.ts';
import { BY_THE_CLOCK } from './sweep-runs.ts';

followAll(FEW_RUNS);

describe('the rights of the deployed roles', () => {
  it('are all used', () => expect(unused(grants, usesOf(ran))).toEqual([]));

  it('would not be, had one of them an action more', () => {
    const [plan] = grants.filter(({ holder }) => holder === 'plan');
    const more = { ...plan!, action: 'eks:DeleteCluster', resources: ['*'] };
    expect(unused([...grants, more], usesOf(ran))).toEqual(['plan eks:DeleteCluster']);
  });

  it('of Scheduler are enough to keep what it may not start', async () => {
    const [start, ...others] = grants.filter(({ holder }) => holder === 'EventBridge Scheduler');
    expect(others).toEqual([]);
    const { uses, denied } = await follows(BY_THE_CLOCK, directory, start);
    expect(denied).toEqual([nameOf(start!)]);
    expect(all.filter((grant) => isOfUndelivered(grant) && isUsed(grant, uses))).toHaveLength(1);
  });

  it('are enough for every operation of the HTTP API', () =>
    expect(new Set([...ran.values()].flatMap(({ asked }) => [...asked]))).toEqual(new Set(Object.keys(OPERATIONS))));

  it('are those of every Lambda, every state machine, every rule and every schedule', () => {
    const holders = new Set(grants.map(({ holder }) => holder));
    for (const { handler } of assembly.functions) expect(holders).toContain(handler.replace('.handler', ''));
    for (const { name } of assembly.stateMachines) expect(holders).toContain(`state machine ${name}`);
    expect([...holders].filter((holder) => holder.startsWith('arn:'))).toEqual([]);
  });
});

it.each(grants.map((grant) => [titleOf(grant), grant] as const))(
  'without one of them a run would fail by its name: %s',
  (_title, grant) => expect(ran.get(runFor(grant, ran))!.missedWithout(grant)).toBe(nameOf(grant)),
);
