/**
 * docs/quick-start.md, as its reader follows it: the package in an empty folder, and a served sandbox in place of AWS. The
 * commands and outputs that the page shows are those of this test. To write the outputs of today into the page:
 * `WRITE_DOCS=1 npx vitest run --project processes test/quick-start.process.test.ts`.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { commandsIn, withOutputs } from '../scripts/outputs.ts';
import { installAlone, run, withoutNpm } from './packed.ts';

const PAGE = join(import.meta.dirname, '../docs/quick-start.md');
const GUARD = pathToFileURL(join(import.meta.dirname, 'only-local.ts')).href;
const COLUMNS = '80';

const scratch = mkdtempSync(join(tmpdir(), 'quick-start-'));
const project = join(scratch, 'empty');
const log = join(scratch, 'calls.jsonl');
const program = join(project, 'node_modules/.bin/pod-identity');
let sandbox: ChildProcess;
let environment: NodeJS.ProcessEnv;

interface Announced {
  environment: Record<string, string>;
  unset: string[];
}

/** Reads the document that the sandbox prints once it serves. */
const announced = async (child: ChildProcess): Promise<Announced> => {
  let text = '';
  for await (const chunk of child.stdout!) {
    text += String(chunk);
    try {
      return JSON.parse(text) as Announced;
    } catch {
      // The rest of the document is still to come.
    }
  }
  throw new Error(`The sandbox has ended: ${text}`);
};

/** Replaces what differs from run to run: ports, times and ids. A terminal shows a step that runs in place of its end. */
const masked = (text: string): string =>
  text
    .replaceAll(/127\.0\.0\.1:\d+/g, '127.0.0.1:4566')
    .replaceAll(/\b20\d\d-\d\d-\d\d \d\d:\d\d:\d\d/g, '2026-11-28 12:00:00')
    .replaceAll(/\b01[0-9A-HJKMNP-TV-Z]{24}\b/g, '01KF0E44M047C4FEZDQK8YZG0M')
    .replaceAll(/\bNode v?\d+\.\d+\.\d+/g, 'Node 24.21.0')
    .replaceAll(/(-controller)-[0-9a-f]{8,10}-/g, '$1-9c4944db6-')
    .replaceAll(/^❯ .*\n/gm, '')
    .replaceAll(/[ \t]+$/gm, '');

const ended: { command: string; status: number | null }[] = [];

/** Runs a command as typed, with both streams as on a terminal. */
const typed = (command: string): Promise<string> => {
  const { status, stdout, stderr } = run('bash', ['-c', `exec 2>&1\n${command}`], project, environment);
  ended.push({ command, status });
  return Promise.resolve(masked(stdout + stderr));
};

beforeAll(async () => {
  installAlone(project);
  sandbox = spawn(program, ['sandbox', '--scenario', 'ebs-csi-irsa', '--json', '--log', log], {
    cwd: project,
    env: withoutNpm,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const { environment: printed, unset } = await announced(sandbox);
  // Nothing is deployed as far as the reader knows.
  const ofAws = Object.entries(printed).filter(([name]) => !name.startsWith('POD_IDENTITY_'));
  const rest = Object.entries(withoutNpm).filter(([name]) => !unset.includes(name));
  environment = {
    ...Object.fromEntries([...rest, ...ofAws]),
    PATH: [join(project, 'node_modules/.bin'), process.env['PATH']].join(delimiter),
    NODE_OPTIONS: `--no-warnings --import ${GUARD}`,
    COLUMNS,
    NO_COLOR: '1',
  };
});
afterAll(async () => {
  const stopped = once(sandbox, 'exit');
  sandbox.kill('SIGTERM');
  await stopped;
  rmSync(scratch, { recursive: true, force: true });
});

describe('docs/quick-start.md', () => {
  const page = readFileSync(PAGE, 'utf8');

  it('shows what its commands print', async () => {
    const today = await withOutputs(page, typed);
    if (process.env['WRITE_DOCS'] === '1') writeFileSync(PAGE, today);
    expect(today).toBe(readFileSync(PAGE, 'utf8'));
    expect(ended.map(({ status }) => status)).toEqual(ended.map(() => 0));
  });

  it('checks, plans, records and rehearses', () => {
    expect(commandsIn(page).map((command) => command.split(' ')[1])).toEqual(['doctor', 'plan', 'record', 'migrate']);
    expect(existsSync(join(project, 'twin.json'))).toBe(true);
  });

  it('changes nothing in AWS', () => {
    const calls = readFileSync(log, 'utf8')
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as { operation: string; service: string });
    expect(calls.length).toBeGreaterThan(20);
    const changing = calls.filter(
      ({ operation }) => !/^(Describe|List|Get|Simulate|get|list|GET|AssumeRole)/.test(operation),
    );
    expect(changing).toEqual([]);
  });

  it('reaches the first plan of a cluster in at most three steps', () =>
    expect(
      page.slice(0, page.indexOf('pod-identity plan --cluster')).match(/^## \d+\. /gm)?.length,
    ).toBeLessThanOrEqual(3));
});
