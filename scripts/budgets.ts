/**
 * Compares processor seconds and tracked lines with the budgets in budgets.json: `npm run budgets`.
 *
 * Reads the measurements of test runs from .ci/measurements, where .ci/run writes them, a file for each npm script. The
 * scripts that `--run` names (test, test:grids, test:processes) are run first. Test files of `npm test` that may take
 * too long are run again, alone, and simulated migrations are measured. Ends with 1 if a budget is exceeded.
 *
 * `--record` writes the files that took a second or more into budgets.json, for later failures to show what grew.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { type Budgets, judgeLines, judgeRun, judgeTime, slowness, type Verdict } from './budgets/judge.ts';
import { addedSince, COUNTED, trackedLines } from './budgets/lines.ts';
import { type Measurements, readMeasurements } from './budgets/measurements.ts';
import { jsonText } from './json-text.ts';

const ROOT = join(import.meta.dirname, '..');
const BUDGETS = 'budgets.json';
const MEASUREMENTS = join(ROOT, '.ci/measurements');
/** A file that takes less than this part of the limit among others is not run again alone. */
const MAY_EXCEED = 0.75;
const TRIES = 3;
const MIGRATIONS = 150;

const pathOf = (script: string): string => join(MEASUREMENTS, `${script.replace(':', '-')}.jsonl`);

/** Runs a program with its measurements in `path`, and returns whether it succeeded. */
function measured(path: string, program: string, args: readonly string[], stdio: 'inherit' | 'ignore'): boolean {
  rmSync(path, { force: true });
  const { status } = spawnSync(program, args, { cwd: ROOT, stdio, env: { ...process.env, MEASUREMENTS: path } });
  return status === 0;
}

/** Measures until all of it is within the limits, three times at most; returns the last verdicts. */
function untilWithin(measure: () => Verdict[]): Verdict[] {
  let verdicts = measure();
  for (let tries = 1; tries < TRIES && verdicts.some(({ isWithin }) => !isWithin); tries += 1) verdicts = measure();
  return verdicts;
}

/** Judges a test file in a process of its own. */
function judgeFile(budgets: Budgets, file: string): Verdict[] {
  const folder = mkdtempSync(join(tmpdir(), 'budgets-'));
  const path = join(folder, 'measurements.jsonl');
  try {
    return untilWithin(() => {
      measured(path, 'npx', ['vitest', 'run', '--project', 'pure', '--project', 'rest', file], 'ignore');
      const run = readMeasurements(path);
      const factor = slowness(budgets, run.yardstick);
      const seconds = run.tests.get(file) ?? Number.POSITIVE_INFINITY;
      return [judgeTime(`${file}, alone`, seconds, budgets.secondsOfFile, 'processor seconds', factor)];
    });
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

const mayExceed = (budgets: Budgets, run: Measurements): string[] =>
  [...run.tests]
    .filter(([, seconds]) => seconds / slowness(budgets, run.yardstick) > budgets.secondsOfFile * MAY_EXCEED)
    .map(([file]) => file);

/** Judges simulated migrations. */
const judgeMigrations = (budgets: Budgets): Verdict[] =>
  untilWithin(() => {
    const { stdout, status, stderr } = spawnSync(
      process.execPath,
      ['bench/migrations.ts', String(MIGRATIONS), '--unwatched', '--json'],
      { cwd: ROOT, encoding: 'utf8' },
    );
    if (status !== 0) throw new Error(`bench/migrations.ts failed: ${stderr}`);
    const measurement = JSON.parse(stdout) as Record<'processorMs' | 'calls' | 'yardstick', number>;
    const { processorMs, calls, yardstick } = measurement;
    return [
      judgeTime('a simulated migration', processorMs, budgets.migration, 'ms', slowness(budgets, yardstick)),
      judgeTime('a simulated migration', calls, budgets.calls, 'calls', 1),
    ];
  });

function judgeTrackedLines(budgets: Budgets): Verdict[] {
  const lines = trackedLines(ROOT);
  return Object.entries(budgets.lines).map(([what, limit]) => {
    const isCounted = COUNTED[what];
    if (isCounted === undefined) throw new Error(`${BUDGETS} limits the lines of ${what}, which nothing counts.`);
    const total = [...lines].reduce((sum, [file, count]) => sum + (isCounted(file) ? count : 0), 0);
    return judgeLines(what, total, limit, () => addedSince(ROOT, BUDGETS, isCounted));
  });
}

/** Returns the files that took a second or more, with tenths of seconds of the machine that the budgets are for. */
const recordable = (budgets: Budgets, run: Measurements): Record<string, number> =>
  Object.fromEntries(
    [...run.files]
      .map(([file, seconds]): [string, number] => [file, seconds / slowness(budgets, run.yardstick)])
      .filter(([, seconds]) => seconds >= 1)
      .map(([file, seconds]): [string, number] => [file, Math.round(seconds * 10) / 10])
      .sort(([a], [b]) => (a < b ? -1 : 1)),
  );

const { values } = parseArgs({
  options: { run: { type: 'string', multiple: true, default: [] }, record: { type: 'boolean', default: false } },
});
const budgets = JSON.parse(readFileSync(join(ROOT, BUDGETS), 'utf8')) as Budgets;
mkdirSync(MEASUREMENTS, { recursive: true });
for (const script of values.run)
  if (!measured(pathOf(script), 'npm', ['run', script], 'inherit')) console.log(`npm run ${script} failed.`);

const runs = Object.keys(budgets.seconds)
  .filter((script) => existsSync(pathOf(script)))
  .map((script) => ({ script, run: readMeasurements(pathOf(script)) }));
if (values.record) {
  const files = { ...budgets.files };
  for (const { script, run } of runs) files[script] = recordable(budgets, run);
  writeFileSync(join(ROOT, BUDGETS), jsonText({ ...budgets, files }, 3));
  console.log(`${BUDGETS} has the files of ${runs.map(({ script }) => `npm run ${script}`).join(', ')}.`);
} else {
  const missing = Object.keys(budgets.seconds).filter((script) => !existsSync(pathOf(script)));
  for (const script of missing) console.log(`not measured: npm run ${script}`);
  const verdicts = [
    ...runs.map(({ script, run }) => judgeRun(budgets, script, run)),
    ...runs.flatMap(({ script, run }) =>
      script === 'test' ? mayExceed(budgets, run).flatMap((file) => judgeFile(budgets, file)) : [],
    ),
    ...judgeMigrations(budgets),
    ...judgeTrackedLines(budgets),
  ];
  for (const { text, isWithin } of verdicts) console.log(`${isWithin ? 'within ' : 'ABOVE  '} ${text}`);
  const exceeded = verdicts.filter(({ isWithin }) => !isWithin);
  const isUnmeasured = process.env['CI'] !== undefined && missing.length > 0;
  if (exceeded.length > 0)
    console.log(
      `${exceeded.length} of ${verdicts.length} budgets are exceeded. Make what grew cheaper, move something, or raise ` +
        `the number in ${BUDGETS} in a commit that gives the reason.`,
    );
  process.exitCode = exceeded.length > 0 || isUnmeasured ? 1 : 0;
}
