/**
 * `node test/openapi/walk.ts SCHEMATHESIS [--times N] [--report FILE]`: opens a sandbox with the service, and has
 * schemathesis walk its API by docs/openapi.json. Ends with 1 where schemathesis has found something, an operation has
 * never answered 2xx, or no link of the document has led to an operation. `--times N` asks N times as many
 * requests: after the walk as it is, it repeats the phases with other seeds, in the world that the walk has left.
 * `--report FILE` writes the answers by operation, phase and status, and the problems.
 */
import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { createApiClient, networkHttp } from '../../cli/api/http.ts';
import { openSandboxBackend } from '../../cli/backend.ts';
import { OPERATIONS } from '../../lambdas/api/operations.ts';
import { OPENAPI_FILE } from '../../scripts/openapi.ts';
import type { Scenario } from '../../sandbox/scenario/scenario.ts';
import { issueAccessKey } from '../../sandbox/authorization/access-keys.ts';
import { ROLES, withPeople } from '../end-to-end/api-world.ts';
import { ADDON, scenarioWith, TARGET } from '../end-to-end/fixture.ts';

/** Fast enough that a migration is over while other operations are asked, and slow enough to meet one under way. */
const SCALE = 100;
const SEED = 20_260_115;
/** A walk ends early where the world has gone on meanwhile: Hypothesis takes that for a flaky test. */
const MOST_WALKS = 6;
/** Where walks begin. */
const STARTS = new Set(['createPlan', 'createMigration', 'createSweep', 'listMigrations', 'listSweeps']);
const TOOLS = join(import.meta.dirname, '../../tools/openapi');

const { positionals, values } = parseArgs({
  allowPositionals: true,
  options: { times: { type: 'string', default: '1' }, report: { type: 'string' } },
});
const [schemathesis = 'schemathesis'] = positionals;
const factor = Number(values.times);
const directory = mkdtempSync(join(tmpdir(), 'walk-'));
const tally = join(directory, 'tally.json');
/** Nobody waits between requests: that a stage throttles is tested elsewhere. */
const unthrottled = (scenario: Scenario): void => {
  withPeople(scenario);
  scenario.knobs.apiThrottling = 'off';
};
const backend = await openSandboxBackend(scenarioWith(unthrottled), { clock: { scaled: SCALE }, listen: {} });
const { sandbox } = backend;
const keyOf = (name: 'deployer' | 'reviewer') => issueAccessKey(sandbox.world, ROLES[name], { sessionName: name });
const credentials = { deployer: keyOf('deployer'), reviewer: keyOf('reviewer') };

/** Until it is so; a second of the wall is a minute and more there. Throws where it has ended without. */
async function until<Answer extends { status: string }>(
  path: string,
  isSo: (answer: Answer) => boolean,
): Promise<Answer> {
  for (;;) {
    const answer = await ask<Answer>('GET', path);
    if (isSo(answer)) return answer;
    if (answer.status === 'ended') throw new Error(`${path} has ended: ${JSON.stringify(answer)}`);
    await new Promise((resolve) => void setTimeout(resolve, 200));
  }
}
async function ask<Answer>(method: string, path: string, body?: object): Promise<Answer> {
  const client = createApiClient({
    url: sandbox.apiUrl ?? '',
    region: TARGET.region,
    credentials: credentials.deployer,
    http: networkHttp,
  });
  const { status, body: text } = await client.request(method, path, body ? { body } : {});
  if (status >= 300) throw new Error(`${method} ${path} was answered by ${status}: ${text}`);
  return JSON.parse(text) as Answer;
}

interface Shown {
  migrationId: string;
  status: string;
  outcome?: string;
  approvals: { state: string; planHash: string }[];
}
const REQUEST = { target: TARGET, addon: ADDON };
interface Prepared {
  pending: [id: string, planHash: string][];
  sweeps: string[];
  migrated: string[];
}
/**
 * Something for each operation to do: plans that wait for an approval, and sweeps under way. They last until a migration
 * of the add-on begins, which supersedes them.
 */
async function prepareWaits(): Promise<Prepared> {
  const waiting = await Promise.all(
    Array.from({ length: 4 }, (_, index) =>
      ask<Shown>('POST', '/migrations', { ...REQUEST, approval: 'required', reason: `walk ${index}` }),
    ),
  );
  const pending: Prepared['pending'] = [];
  for (const { migrationId } of waiting) {
    const { approvals } = await until<Shown>(`/migrations/${migrationId}`, (one) => one.approvals.length > 0);
    pending.push([migrationId, approvals[0]?.planHash ?? '']);
  }
  const sweeps: string[] = [];
  for (const reason of ['to pause', 'to stop']) {
    const { sweepId } = await ask<{ sweepId: string }>('POST', '/sweeps', {
      mode: 'migrate',
      options: { approval: 'required' },
      reason,
    });
    // It is under way for as long as nobody approves.
    await until<{ status: string; tally: { inFlight: number } }>(
      `/sweeps/${sweepId}`,
      ({ tally: { inFlight } }) => inFlight > 0,
    );
    sweeps.push(sweepId);
  }
  return { pending, sweeps, migrated: [] };
}
/** And what can be rolled back. */
async function prepareMigrated(before: Prepared): Promise<Prepared> {
  const { migrationId } = await ask<Shown>('POST', '/migrations', REQUEST);
  await until<Shown>(`/migrations/${migrationId}`, ({ outcome }) => outcome === 'migrated');
  return { ...before, pending: [], migrated: [migrationId] };
}

const environment = {
  ...process.env,
  SCHEMATHESIS_HOOKS: 'hooks',
  PYTHONPATH: TOOLS,
  PYTHONDONTWRITEBYTECODE: '1',
  WALK_CREDENTIALS: JSON.stringify(credentials),
  WALK_TARGET: JSON.stringify(TARGET),
  WALK_ADDON: ADDON,
  WALK_REGION: TARGET.region,
  WALK_TALLY: tally,
};

/** Answers by operation, phase and status. */
const counted: Record<string, Record<string, Record<string, number>>> = {};
const problems: string[] = [];

/** Has schemathesis carry out the phases, and adds its answers. */
async function run(phases: string, seed: number, prepared: Prepared): Promise<void> {
  const walking = spawn(
    schemathesis,
    [
      '--config-file',
      join(TOOLS, 'schemathesis.toml'),
      'run',
      OPENAPI_FILE,
      `--url=${new URL(sandbox.apiUrl ?? '').origin}`,
      `--phases=${phases}`,
      `--seed=${seed}`,
    ],
    { stdio: 'inherit', cwd: directory, env: { ...environment, WALK_PREPARED: JSON.stringify(prepared) } },
  );
  const code = await new Promise<number>((resolve, reject) => {
    walking.on('error', reject);
    walking.on('close', (ended) => resolve(ended ?? 1));
  });
  if (code !== 0) problems.push(`schemathesis ended with ${code} in ${phases}: see above.`);
  for (const [id, byPhase] of Object.entries(JSON.parse(readFileSync(tally, 'utf8')) as typeof counted))
    for (const [phase, byStatus] of Object.entries(byPhase))
      for (const [status, times] of Object.entries(byStatus)) {
        const counts = ((counted[id] ??= {})[phase] ??= {});
        counts[status] = (counts[status] ?? 0) + times;
      }
}
const notLedTo = (): string[] =>
  Object.keys(OPERATIONS).filter((id) => !STARTS.has(id) && counted[id]?.['stateful'] === undefined);

const requests = (): number =>
  Object.values(counted)
    .flatMap((byPhase) => Object.values(byPhase).flatMap((counts) => Object.values(counts)))
    .reduce((sum, count) => sum + count, 0);

const waits = await prepareWaits();
await run('examples', SEED, waits);
const prepared = await prepareMigrated(waits);
await run('coverage,fuzzing', SEED, prepared);
for (let walk = 1; walk <= MOST_WALKS && problems.length === 0 && (walk === 1 || notLedTo().length > 0); walk++)
  await run('stateful', SEED + walk, prepared);
const once = requests();
for (let round = 1; requests() < factor * once && problems.length === 0; round++)
  await run('coverage,fuzzing,stateful', SEED + MOST_WALKS + round, prepared);
await backend.close();
rmSync(directory, { recursive: true });

const countsText = (counts: Record<string, number>): string =>
  Object.entries(counts)
    .map(([status, times]) => `${times} × ${status}`)
    .join(', ');
for (const [id, byPhase] of Object.entries(counted)) {
  const texts = Object.entries(byPhase).map(([phase, counts]) => `${phase} ${countsText(counts)}`);
  console.log(`${id}: ${texts.join('; ')}`);
}
problems.push(
  ...Object.keys(OPERATIONS)
    .filter(
      (id) =>
        // Not 204, which is how OPTIONS is answered.
        !Object.values(counted[id] ?? {}).some((counts) => [200, 202].some((one) => counts[one] !== undefined)),
    )
    .map((id) => `${id} has never answered 2xx.`),
  ...notLedTo().map((id) => `No link of the document has led to ${id}.`),
  ...sandbox.failures.map(String),
);
if (values.report !== undefined) writeFileSync(values.report, JSON.stringify({ counted, problems }));
for (const problem of problems) console.error(problem);
process.exitCode = problems.length > 0 ? 1 : 0;
