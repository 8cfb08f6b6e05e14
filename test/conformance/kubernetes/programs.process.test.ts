/** The programs of a control plane end with the process that started them, in whatever way it ends. */
import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterEach, expect, it } from 'vitest';
import { createProgramGroup } from '../../../conformance/kubernetes/plane/programs.ts';
import { eventually } from '../../eventually.ts';

const PROGRAMS = join(import.meta.dirname, '../../../conformance/kubernetes/plane/programs.ts');
const directories: string[] = [];
const newDirectory = (): string => {
  const directory = mkdtempSync(join(tmpdir(), 'programs-test-'));
  directories.push(directory);
  return directory;
};
afterEach(() => {
  for (const directory of directories.splice(0)) rmSync(directory, { recursive: true, force: true });
});

/** Starts a program that writes its process id into a file, and stays. */
const PARENT = `
const [, programs, directory] = process.argv;
const { createProgramGroup } = await import(programs);
createProgramGroup(directory).start('child', 'sh', ['-c', 'echo $$ > "$0"; exec sleep 600', directory + '/pid']);
setInterval(() => {}, 1000);
console.log('started');`;

const isRunning = (pid: number): boolean => {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
};

it.each(['SIGKILL', 'SIGINT'] as const)('%s ends them and deletes their directory', async (signal) => {
  const directory = newDirectory();
  const parent = spawn(process.execPath, ['--input-type=module', '-e', PARENT, PROGRAMS, directory], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  await new Promise((resolve) => createInterface({ input: parent.stdout }).once('line', resolve));
  const pid = await eventually(() => {
    const text = readFileSync(join(directory, 'pid'), 'utf8');
    expect(text).toMatch(/\d\n/);
    return Number(text);
  });
  expect(isRunning(pid)).toBe(true);
  parent.kill(signal);
  await eventually(() => expect(isRunning(pid)).toBe(false));
  await eventually(() => expect(existsSync(directory)).toBe(false));
});

it('a program that ends rejects with the last lines of its log', async () => {
  const group = createProgramGroup(newDirectory());
  await expect(group.start('child', 'sh', ['-c', 'echo no such flag: --x >&2; exit 3']).failed).rejects.toThrow(
    'child ended with exit code 3. The last lines of its log:\nno such flag: --x',
  );
  await group.stop();
});

it('a program that is not there rejects', async () => {
  const group = createProgramGroup(newDirectory());
  await expect(group.start('child', '/nowhere/child', []).failed).rejects.toThrow('child could not be started');
  await group.stop();
});

it('stop ends them, and that is no failure', async () => {
  const group = createProgramGroup(newDirectory());
  let failed = false;
  group.start('child', 'sleep', ['600']).failed.catch(() => void (failed = true));
  await group.stop();
  expect(failed).toBe(false);
});
