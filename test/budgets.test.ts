/** The comparison of measurements with the budgets; `npm run budgets` measures. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { type Budgets, judgeLines, judgeRun, judgeTime, slowness } from '../scripts/budgets/judge.ts';
import { COUNTED } from '../scripts/budgets/lines.ts';
import { append, readMeasurements } from '../scripts/budgets/measurements.ts';

const ROOT = join(import.meta.dirname, '..');
const json = (file: string): unknown => JSON.parse(readFileSync(join(ROOT, file), 'utf8'));
const actual = json('budgets.json') as Budgets;

const BUDGETS: Budgets = {
  yardstick: 0.01,
  seconds: { test: 100 },
  secondsOfFile: 6,
  migration: 45,
  calls: 200,
  lines: {},
  files: { test: { 'test/a.test.ts': 3 } },
};
const FILES = new Map([
  ['test/a.test.ts', 4],
  ['test/b.test.ts', 60],
  ['test/c.test.ts', 0.5],
]);

describe('a run of tests', () => {
  it('is within its budget', () =>
    expect(judgeRun(BUDGETS, 'test', { seconds: 99, files: FILES, yardstick: 0.01 })).toEqual({
      what: 'npm run test',
      isWithin: true,
      text: 'npm run test: 99 of 100 processor seconds',
    }));

  it('exceeds it, and the files that take longer than recorded are named, the largest difference first', () =>
    expect(judgeRun(BUDGETS, 'test', { seconds: 101, files: FILES, yardstick: 0.01 })).toEqual({
      what: 'npm run test',
      isWithin: false,
      text:
        'npm run test: 101 of 100 processor seconds' +
        '\n  test/b.test.ts takes 59.0 s more than recorded' +
        '\n  test/a.test.ts takes 1.0 s more than recorded',
    }));

  it('may take longer on a machine on which the yardstick takes longer', () => {
    const verdict = judgeRun(BUDGETS, 'test', { seconds: 180, files: FILES, yardstick: 0.02 });
    expect(verdict).toMatchObject({
      isWithin: true,
      text: 'npm run test: 90 of 100 processor seconds (180 measured on a machine that is 2.00 times slower)',
    });
  });

  it('has no smaller budget on a faster machine', () => expect(slowness(BUDGETS, 0.001)).toBe(1));

  it('needs a limit', () =>
    expect(() => judgeRun(BUDGETS, 'unknown', { seconds: 1, files: FILES, yardstick: 1 })).toThrow(
      'budgets.json has no limit for npm run unknown.',
    ));
});

it('compares a single time with its limit', () => {
  expect(judgeTime('a simulated migration', 46, 45, 'ms', 1)).toMatchObject({ isWithin: false });
  expect(judgeTime('a simulated migration', 45, 45, 'ms', 1)).toMatchObject({ isWithin: true });
});

it('names the files with the most added lines if there are too many lines', () => {
  const judge = (lines: number): unknown => judgeLines('tracked files', lines, 1000, () => [['docs/a.md', 7]]);
  expect(judge(1000)).toEqual({ what: 'tracked files', isWithin: true, text: 'tracked files: 1,000 of 1,000 lines' });
  expect(judge(1001)).toMatchObject({
    isWithin: false,
    text: 'tracked files: 1,001 of 1,000 lines\n  docs/a.md has 7 lines more than when the limit was set',
  });
});

it('adds up the last measurement of each process without the yardstick, whose median it takes', () => {
  const folder = mkdtempSync(join(tmpdir(), 'measurements-'));
  const path = join(folder, 'test.jsonl');
  try {
    expect(() => readMeasurements(path)).toThrow('contains no measurements. Run the tests with MEASUREMENTS=');
    writeFileSync(path, '');
    for (const seconds of [1, 5]) append(path, { kind: 'process', pid: 1, seconds });
    append(path, { kind: 'process', pid: 2, seconds: 10 });
    for (const seconds of [0.25, 1, 0.75]) append(path, { kind: 'yardstick', seconds });
    append(path, { kind: 'file', file: 'test/a.test.ts', seconds: 4, ofTests: 3 });
    expect(readMeasurements(path)).toEqual({
      seconds: 13,
      yardstick: 0.75,
      files: new Map([['test/a.test.ts', 4]]),
      tests: new Map([['test/a.test.ts', 3]]),
    });
  } finally {
    rmSync(folder, { recursive: true });
  }
});

it('has limits for what is counted, and for scripts that exist', () => {
  const { scripts } = json('package.json') as { scripts: Record<string, string> };
  expect(Object.keys(actual.lines).sort()).toEqual(Object.keys(COUNTED).sort());
  expect(Object.keys(actual.seconds).filter((script) => scripts[script] === undefined)).toEqual([]);
});
