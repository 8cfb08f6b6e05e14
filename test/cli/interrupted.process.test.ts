/** Ctrl-C in the program as a process: it says what is left, with the exit code that shells expect. */
import { spawn } from 'node:child_process';
import { expect, it } from 'vitest';
import { interruptionText } from '../../cli/interrupted.ts';
import { matching } from '../lambdas/matchers.ts';

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
    err: matching(/Interrupted: the sandbox ended with this command, and nothing outside it was changed\./),
  });
});

it.each([
  [{ sandbox: 'a.json' }, 'migrate', /^Interrupted: the sandbox ended/],
  [{ sandbox: 'a.json', state: 'w.json' }, 'migrate', /^Interrupted: nothing of this command is recorded in w\.json/],
  [{}, 'demo', /^Interrupted: the sandbox ended/],
  [{ deployed: true }, 'show', /^Interrupted: nothing was changed/],
])('with %j, %s says what is left', (flags, command, text) => expect(interruptionText(flags, command)).toMatch(text));
