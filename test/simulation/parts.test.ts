/** Tests of what the parts of a simulation print and return. Their runs have made-up results. */
import { describe, expect, it } from 'vitest';
import type { SeenCall } from './exhaustive.ts';
import { InTurn } from './output.ts';
import { readCommand, runParts } from './parts.ts';
import { emptyTally } from './tally.ts';
import type { MutantResult, Results, Task } from './tasks.ts';
import type { Do } from './workers.ts';

const application = { directory: 'assembly', lambdaDirectory: 'lambdas' };
const SEEN: SeenCall[] = ['CreateAddon', 'DeleteAddon'].map((operation, index) => ({
  n: index + 1,
  service: 'eks',
  operation,
  step: 'change-addon',
  mutating: true,
}));

/** Returns the result of a task. Runs of seed 3 break a promise. */
const resultOf = (task: Task): Results[Task['does']] => {
  if (task.does === 'list') return SEEN;
  if (task.does === 'try')
    return (task.mutant.name === 'conclusion-once' ? { instead: [] } : { caught: 'so' }) satisfies MutantResult;
  const { seed } = task.spec;
  const tally = { ...emptyTally(), runs: 1, migrated: 1, broken: seed === 3 ? 1 : 0 };
  tally.acts[`life act-${String(seed)} drawn`] = 1;
  return { tally, ...(seed === 3 ? { failure: `BROKEN with seed ${String(seed)}\n` } : {}) };
};

/** Runs a command, and returns what it prints and the tasks in the order in which one worker would do them. */
async function run(command: string) {
  const printed = { out: '', err: '' };
  const tasks: (Task & { turn: number })[] = [];
  const waiting: { turn: number; settle: () => void }[] = [];
  const work: Do = async (task, { turn = 0 } = {}) => {
    await new Promise<void>((settle) => waiting.push({ turn, settle }));
    tasks.push({ ...task, turn });
    return resultOf(task) as never;
  };
  const { parts } = readCommand(command.split(' '));
  const inTurn = new InTurn(parts.length, {
    out: (text) => void (printed.out += text),
    err: (text) => void (printed.err += text),
  });
  const state = { isOver: false };
  const passed = runParts(parts, application, work, inTurn).finally(() => (state.isOver = true));
  while (!state.isOver) {
    await new Promise(setImmediate);
    const next = waiting.toSorted((one, other) => one.turn - other.turn)[0];
    if (next) waiting.splice(waiting.indexOf(next), 1);
    next?.settle();
  }
  return { ...printed, tasks, passed: await passed };
}

const SEEDS = '--seeds 4';
const TIME = '--time --seeds 2';
const INTERFERENCES = '--interferences --scenario in-place --every 7';
const EXHAUSTIVE = '--exhaustive --scenario in-place --every 5';
const MUTANTS = '--mutants --mutant annotation-stays-off --mutant conclusion-once';
const ALL = [SEEDS, TIME, INTERFERENCES, EXHAUSTIVE, MUTANTS];

describe('the parts of a simulation', () => {
  it('print and return the same together as alone', async () => {
    const alone = await Promise.all(ALL.map(run));
    const joined = await run(ALL.join(' and '));
    const results = alone.map(({ passed: [isPassed] }) => isPassed);
    expect(results).toEqual([false, true, true, true, false]);
    expect(joined.passed).toEqual(results);
    const expected = alone.map(({ out }, part) =>
      [
        `=== ${ALL[part]!}\n`,
        out,
        results[part] === true ? '--- passed\n' : `--- FAILED: npm run simulate -- ${ALL[part]!}\n`,
      ].join(''),
    );
    expect(joined.out).toBe(expected.join(''));
    expect(joined.err).toBe('BROKEN with seed 3\n');
    for (const { out } of alone) expect(out).toMatch(/\n\d+ (runs|mutants): [^\n]+\n$|^\d+ runs: [^\n]+\n$/);
  });

  it('list what can happen in a scenario once for all lists', async () => {
    const { tasks } = await run(`${INTERFERENCES} and ${EXHAUSTIVE}`);
    const listed = tasks.filter(({ does }) => does === 'list').map((task) => JSON.stringify(task));
    expect(listed.length).toBeGreaterThan(1);
    expect(new Set(listed).size).toBe(listed.length);
  });

  it('begin with lists, then have the longest runs, and mutants at the end', async () => {
    const { tasks } = await run(ALL.join(' and '));
    expect(tasks[0]).toMatchObject({ does: 'list' });
    const runs = tasks.filter(({ does }) => does !== 'list').map(({ turn }) => turn);
    expect(runs.at(-1)).toBe(Math.max(...runs));
    const times = tasks.flatMap((task, index) => (task.does === 'run' && task.spec.time !== undefined ? [index] : []));
    const others = tasks.flatMap((task, index) => (task.turn > 2 ? [index] : []));
    expect(Math.max(...times)).toBeLessThan(Math.min(...others));
  });

  it('share one number of workers, and are refused if one of them is not valid', () => {
    expect(readCommand(['--seeds', '1', '--workers', '3', 'and', '--mutants'])).toMatchObject({
      parts: [{ words: ['--seeds', '1', '--workers', '3'] }, { words: ['--mutants'] }],
      workers: 3,
    });
    expect(readCommand(['--seeds', '1']).workers).toBeUndefined();
    expect(() => readCommand(['--seeds', '1', 'and'])).toThrow('no simulation was selected');
    expect(() => readCommand('--seeds 1 --workers 1 and --mutants --workers 2'.split(' '))).toThrow('only once');
    expect(() => readCommand(['--seeds', '1', 'or', '--mutants'])).toThrow("Unexpected argument 'or'");
  });
});

describe('the output of parts', () => {
  it('is printed at once for the first that has not ended, and in order for the others', () => {
    const printed: string[] = [];
    const print = (text: string): void => void printed.push(text);
    const inTurn = new InTurn(3, { out: print, err: print });
    inTurn.of(1).out('b1');
    inTurn.of(0).err('a1');
    expect(printed).toEqual(['a1']);
    inTurn.of(2).out('c1');
    inTurn.end(1);
    expect(printed).toEqual(['a1']);
    inTurn.end(0);
    expect(printed).toEqual(['a1', 'b1', 'c1']);
    inTurn.of(2).out('c2');
    expect(printed).toEqual(['a1', 'b1', 'c1', 'c2']);
  });

  it('is printed, too, if no part goes on', () => {
    const printed: string[] = [];
    const inTurn = new InTurn(2, { out: (text) => void printed.push(text), err: () => {} });
    inTurn.of(1).out('held');
    inTurn.flush();
    expect(printed).toEqual(['held']);
  });
});
