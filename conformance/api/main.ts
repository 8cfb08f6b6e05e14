/** `npm run conformance -- api`: schemathesis, with many more requests than in CI. */
import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { printTo } from '../build/print.ts';
import { ROOT } from '../build/program.ts';
import { pythonEnvironment, type PythonEnvironment } from '../build/python.ts';
import { keepPartResults, writeWholeResults } from '../part-results.ts';
import { type Order, readOrder } from './arguments.ts';
import { countsOf, operationsOf, type WalkReport } from './tally.ts';

/**
 * Runs test/openapi/walk.ts, which scripts/check-api.sh runs as well, and returns its report; undefined if it ended
 * without one.
 */
const walk = async ({ bin }: PythonEnvironment, { times, brief }: Order): Promise<WalkReport | undefined> => {
  const print = printTo(process.stderr);
  const folder = mkdtempSync(join(tmpdir(), 'conformance-api-'));
  const report = join(folder, 'report.json');
  const words = ['test/openapi/walk.ts', bin('schemathesis'), '--times', String(times), '--report', report];
  try {
    const child = spawn(process.execPath, words, {
      cwd: ROOT,
      stdio: brief ? ['ignore', 'pipe', 'pipe'] : ['ignore', 'inherit', 'inherit'],
      env: { ...process.env, SCHEMATHESIS_TELEMETRY: 'false' },
    });
    let output = '';
    for (const stream of [child.stdout, child.stderr])
      stream?.setEncoding('utf8').on('data', (text: string) => {
        output += text;
        print(text.trim().split('\n').at(-1) ?? '', true);
      });
    const code = await new Promise<number>((resolve, reject) => {
      child.on('error', reject);
      child.on('close', (ended) => resolve(ended ?? 1));
    });
    if (code !== 0 && brief) console.log(output);
    return existsSync(report) ? (JSON.parse(readFileSync(report, 'utf8')) as WalkReport) : undefined;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
};

/** Runs the part, and returns the exit code. Throws a BuildError if Python or a package is missing. */
export const run = async (args: readonly string[]): Promise<number> => {
  const order = readOrder(args);
  const environment = await pythonEnvironment(
    { name: 'openapi', requirements: join(ROOT, 'tools/openapi/requirements.txt') },
    printTo(process.stderr),
  );
  const started = Date.now();
  const report = await walk(environment, order);
  if (!report) {
    console.error('The walk ended before it had asked everything. Run: npm run check:api');
    return 1;
  }
  const operations = operationsOf(report);
  const counts = countsOf(operations);
  const texts = Object.entries(counts).map(([what, count]) => `${count} ${what}`);
  console.log(`${texts.join(', ')}, ${report.problems.length} problems`);
  const seconds = (Date.now() - started) / 1000;
  writeWholeResults('api', { seconds, counts, operations, problems: report.problems });
  if (report.problems.length > 0) {
    for (const problem of report.problems) console.log(problem);
    console.log(
      'Correct lambdas/api or the document (node scripts/openapi.ts), with a test, and run again: npm run conformance -- api',
    );
    return 1;
  }
  if (order.whole)
    keepPartResults({
      part: 'api',
      programs: { schemathesis: environment.versionOf('schemathesis') },
      counts,
      differences: [],
      notRun: [],
      seconds,
    });
  console.log('The API answered as its document says. Nothing to do.');
  return 0;
};
