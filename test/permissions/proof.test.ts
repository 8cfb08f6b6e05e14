/**
 * Each role has the rights that it uses, and no other: over these runs no call is refused, every action that is granted
 * is used, and a run fails without it.
 */
import { beforeAll, describe, expect, it } from 'vitest';
import { OPERATIONS } from '../../lambdas/api/operations.ts';
import { type Assembly, loadAssembly } from '../../sandbox/assembly/assembly.ts';
import { deployWithSchedule } from './deployment.ts';
import { follows, type Ran, type Run } from './follow.ts';
import { type Grant, grantsOf, isUsed, nameOf } from './grants.ts';
import { runFor, unasked, unused, usesOf } from './proving.ts';
import { RUNS as MIGRATIONS } from './runs.ts';
import { BY_THE_CLOCK, SWEEPS } from './sweep-runs.ts';

const directory = await deployWithSchedule();
const assembly: Assembly = loadAssembly(directory, { account: '111122223333', region: 'eu-west-1' });
const RUNS: readonly Run[] = [...MIGRATIONS, ...SWEEPS];
// To become a role of another account: spokes.test.ts.
const all = grantsOf(assembly).filter(({ action }) => action !== 'sts:AssumeRole');
/** What Scheduler does with what it could not start, which is in no run that goes well. */
const isOfUndelivered = (grant: Grant): boolean => nameOf(grant) === 'EventBridge Scheduler sqs:SendMessage';
const grants = all.filter((grant) => !isOfUndelivered(grant));

const ran = new Map<Run, Ran>();
beforeAll(async () => {
  for (const run of RUNS) ran.set(run, await follows(run, directory));
}, 180_000);

describe('the rights of the deployed roles', () => {
  it.each(RUNS)('are enough: $name', (run) => {
    expect(ran.get(run)).toMatchObject({ denied: [], refusals: [], failures: [], ends: run.ends });
  });

  it('are all used', () => {
    expect(unused(grants, usesOf(ran))).toEqual([]);
  });

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

  it('are enough for every operation of the HTTP API', () => {
    expect(new Set([...ran.values()].flatMap(({ asked }) => [...asked]))).toEqual(new Set(Object.keys(OPERATIONS)));
  });

  it('are those of every Lambda, every state machine, every rule and every schedule', () => {
    const holders = new Set(grants.map(({ holder }) => holder));
    for (const { handler } of assembly.functions) expect(holders).toContain(handler.replace('.handler', ''));
    for (const { name } of assembly.stateMachines) expect(holders).toContain(`state machine ${name}`);
    expect([...holders].filter((holder) => holder.startsWith('arn:'))).toEqual([]);
  });
});

describe('without one of them', () => {
  it.each(grants.map((grant) => [nameOf(grant), grant] as const))(
    'a run fails by its name: %s',
    async (name, grant) => {
      const run = runFor(grant, ran);
      const { denied } = await follows(grant.action === 'iam:PassRole' ? unasked(run) : run, directory, grant);
      expect(denied).toContain(name);
    },
  );

  it.each(
    grants
      .filter(
        ({ holder, action }) =>
          action === 'iam:PassRole' && /^((create|update|restore)-addon|create-association)$/.test(holder),
      )
      .map((grant) => [nameOf(grant), grant] as const),
  )('the plan says so beforehand: %s', async (_name, grant) => {
    const { ends, blockedBy } = await follows(runFor(grant, ran), directory, grant);
    expect(ends[0]).toMatch(/Blocked$/);
    expect(blockedBy).toEqual([expect.stringMatching(new RegExp(`\\(${grant.holder}\\) pass .*iam:PassRole`, 's'))]);
  });
});

describe('iam:AssociatedResourceArn', () => {
  it.each(['cluster', 'absent'] as const)(
    'does not keep roles from being passed, there and back: %s',
    async (associatedResourceArn) => {
      const run = RUNS.find(({ name }) => name === 'in place over its own association, rolled back on demand')!;
      const { denied, ends } = await follows({ ...run, knobs: { ...run.knobs, associatedResourceArn } }, directory);
      expect(denied).toEqual([]);
      expect(ends).toEqual(run.ends);
    },
  );
});
