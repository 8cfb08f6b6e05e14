/** Ctrl-C in the program as a process: it says what is left, with the exit code that shells expect. */
import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';

/** Runs the program, and interrupts it as soon as it has printed `at`. */
const interrupted = async (at: string, ...argv: string[]): Promise<{ code: number | null; err: string }> => {
  const child = spawn(process.execPath, ['bin/pod-identity.ts', ...argv], { stdio: ['ignore', 'ignore', 'pipe'] });
  const { promise, resolve } = Promise.withResolvers<number | null>();
  let err = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    const before = err;
    err += text;
    if (!before.includes(at) && err.includes(at)) child.kill('SIGINT');
  });
  child.on('close', resolve);
  return { code: await promise, err };
};

const MIGRATE = ['migrate', '--cluster', 'reliability-dev', '--addon', 'aws-ebs-csi-driver'];
const SANDBOX = ['--sandbox', 'sandbox/scenarios/ebs-csi-irsa.json'];

it('an embedded sandbox ends with the command', async () => {
  const { code, err } = await interrupted('❯ Run the checks', ...MIGRATE, ...SANDBOX, '--clock', 'real');
  expect({ code, err }).toMatchObject({
    code: 130,
    err: expect.stringMatching(
      /Interrupted: the sandbox ended with this command, and nothing outside it was changed\./,
    ) as unknown,
  });
});

it('a kept sandbox is as it was before', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'interrupted-'));
  const file = join(folder, 'world.json');
  try {
    const { code, err } = await interrupted('❯ Run the checks', ...MIGRATE, ...SANDBOX, '--state', file);
    expect({ code, kept: existsSync(file) }).toEqual({ code: 130, kept: false });
    expect(err).toContain(`nothing of this command is recorded in ${file}`);
  } finally {
    rmSync(folder, { recursive: true });
  }
});
