/** `npm run soak`: everything that takes too long before a merge, in parts, with a log from which it resumes. */
import { execFileSync, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { appendFileSync, existsSync, mkdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { parseArgs } from 'node:util';
import { type Entry, passedFor, readEntries, totalOf } from './log.ts';
import { type Part, partsOf, USUAL } from './parts.ts';

const ROOT = join(import.meta.dirname, '../..');
const USAGE = `Usage: npm run soak -- [--hours H] [--seeds N] [--from SEED] [--documents N] [--log FILE]
  --hours      starts no further part after this many hours (default: runs all parts)
  --seeds      random runs (default ${USUAL.seeds}); --from: seed of the first (default ${USUAL.from})
  --documents  random policies (default ${USUAL.documents})
  --log        file to append to and resume from (default dist/soak.jsonl)`;

const fail = (message: string): never => {
  process.stderr.write(`error: ${message}\n${USAGE}\n`);
  process.exit(2);
};

const read = () => {
  const text = { type: 'string' } as const;
  try {
    return parseArgs({ options: { hours: text, seeds: text, from: text, documents: text, log: text } }).values;
  } catch (error) {
    return fail(error instanceof Error ? error.message : String(error));
  }
};

/** Returns the number of a flag, which must match the form; `otherwise` if the flag is absent. */
const number = (text: string | undefined, flag: string, otherwise: number, form = /^\d{1,9}$/): number => {
  if (text === undefined) return otherwise;
  return form.test(text) ? Number(text) : fail(`${flag} must be a number, not ${JSON.stringify(text)}`);
};
const HOURS = /^\d{1,4}(\.\d+)?$/;

const git = (...words: string[]): string =>
  execFileSync('git', words, { cwd: ROOT, encoding: 'utf8', maxBuffer: 2 ** 28 }).trim();

/** Identifies the sources: a result for other sources does not apply to these. */
const describeCommit = (): string => {
  const changes = git('status', '--porcelain') === '' ? '' : git('diff', 'HEAD') + git('status', '--porcelain');
  const hash = createHash('sha256').update(changes).digest('hex').slice(0, 12);
  return changes === '' ? git('rev-parse', 'HEAD') : `${git('rev-parse', 'HEAD')}+${hash}`;
};

/** Runs a part, shows what it prints, and returns its exit code and last line. */
const run = ({ command, environment: ofPart }: Part): Promise<{ ok: boolean; counts: string }> =>
  new Promise((resolve, reject) => {
    // A release depends on these tests, so none may be skipped.
    const environment = { ...process.env, CI: 'true', NO_COLOR: '1', ...ofPart };
    const child = spawn(process.execPath, command, {
      cwd: ROOT,
      stdio: ['ignore', 'pipe', 'inherit'],
      env: environment,
    });
    let end = '';
    child.stdout.on('data', (chunk: Buffer) => {
      process.stdout.write(chunk);
      end = (end + chunk.toString('utf8')).slice(-4000);
    });
    child.on('error', reject);
    child.on('close', (code) => resolve({ ok: code === 0, counts: end.trimEnd().split('\n').at(-1) ?? '' }));
  });

const flags = read();
const log = flags.log ?? join(ROOT, 'dist/soak.jsonl');
const until = Date.now() + number(flags.hours, '--hours', Infinity, HOURS) * 3_600_000;
const parts = partsOf({
  seeds: number(flags.seeds, '--seeds', USUAL.seeds),
  from: number(flags.from, '--from', USUAL.from),
  documents: number(flags.documents, '--documents', USUAL.documents),
});
const commit = describeCommit();
mkdirSync(dirname(log), { recursive: true });
const passed = passedFor(existsSync(log) ? readEntries(readFileSync(log, 'utf8')) : [], commit);
const done: Entry[] = parts.flatMap(({ name }) => passed.get(name) ?? []);
console.log(`${commit}: ${parts.length} parts, ${done.length} of them have already passed; log ${log}`);

for (const part of parts) {
  if (passed.has(part.name)) continue;
  if (Date.now() >= until) break;
  console.log(`\n=== ${part.name}`);
  const started = performance.now();
  const result = await run(part);
  const entry: Entry = {
    commit,
    part: part.name,
    command: [...Object.entries(part.environment ?? {}).map((pair) => pair.join('=')), 'node', ...part.command].join(
      ' ',
    ),
    ...result,
    seconds: Math.round((performance.now() - started) / 1000),
    at: new Date().toISOString(),
  };
  appendFileSync(log, `${JSON.stringify(entry)}\n`);
  done.push(entry);
}

const failures = done.filter(({ ok }) => !ok);
console.log('');
for (const { part, command } of failures) console.log(`FAILED: ${part}. To run it again: ${command}`);
if (done.length < parts.length) console.log(`${parts.length - done.length} parts remain: npm run soak resumes there.`);
console.log(`${done.length} of ${parts.length} parts: ${totalOf(done)}; ${failures.length} parts failed`);
process.exitCode = failures.length === 0 ? 0 : 1;
