/** The real `aws`, with its modules loaded once for all commands of a test file. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { afterAll, beforeAll } from 'vitest';

/**
 * Makes the commands of this test file that start `aws`, also those of shells and of kubectl, run it in a process that
 * has loaded it: a start takes a fifth of the processor time. Each command runs in a fork of that process, with its own
 * environment and streams. Nothing changes if the installed `aws` is not the awscli of `python3`, as version 2 is not.
 * Must be called before the sandbox is served, whose commands take over the PATH.
 */
export const useWarmAws = (): void => {
  let directory: string;
  let server: ChildProcess;
  const path = process.env['PATH'];
  beforeAll(async () => {
    directory = mkdtempSync(join(tmpdir(), 'aws-'));
    const variables = Object.entries(process.env).filter(([name]) => !name.startsWith('AWS_'));
    server = spawn('python3', [join(import.meta.dirname, 'server.py'), join(directory, 'socket')], {
      // No credentials of the machine's user are looked for; a command gets its client's own environment.
      env: { ...Object.fromEntries(variables), AWS_EC2_METADATA_DISABLED: 'true', AWS_MAX_ATTEMPTS: '1' },
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    const [line] = (await once(server.stdout!, 'data')) as [Buffer];
    const python = JSON.parse(line.toString('utf8')) as string | null;
    if (python === null) return;
    const client = readFileSync(join(import.meta.dirname, 'client.py'), 'utf8');
    writeFileSync(join(directory, 'aws'), `#!${python} -IS\n${client}`, { mode: 0o755 });
    process.env['PATH'] = `${directory}${delimiter}${path}`;
  });
  afterAll(async () => {
    process.env['PATH'] = path;
    const ended = once(server, 'exit');
    server.stdin!.end();
    await ended;
    rmSync(directory, { recursive: true, force: true });
  });
};
