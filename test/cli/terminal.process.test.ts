/** The program at a real terminal: the short plan, the question, and Ctrl-C (docs/adr/0066). */
import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parseScenario } from '../../sandbox/build/load.ts';
import { SCENARIO } from '../end-to-end/fixture.ts';
import { reasonToSkip, serveHere, type ServedHere } from '../end-to-end/served.ts';

/** Slow enough that a migration that is followed can be interrupted. */
const PACE = 20;

/**
 * Runs a command at a pseudo-terminal, and types each text once its marker has appeared. Prints the exit code and what
 * the terminal has shown.
 */
const AT_TERMINAL = `
import fcntl, json, os, pty, struct, sys, termios
typed = json.loads(sys.argv[1])
child, terminal = pty.fork()
if child == 0:
    os.execvp(sys.argv[2], sys.argv[2:])
fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack('HHHH', 40, 80, 0, 0))
shown = b''
while True:
    try:
        some = os.read(terminal, 65536)
    except OSError:
        break
    if not some:
        break
    shown += some
    if typed and typed[0][0].encode() in shown:
        os.write(terminal, typed.pop(0)[1].encode())
code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
print(json.dumps({'code': code, 'shown': shown.decode(errors='replace')}))
`;
import { matching } from '../lambdas/matchers.ts';

const CTRL_C = '\u0003';
const QUESTION = 'Migrate aws-ebs-csi-driver now? [y/N]';
const MIGRATE = ['migrate', '--cluster', 'reliability-dev', '--addon', 'aws-ebs-csi-driver', '--deployed'];

const open = (): Promise<ServedHere> => serveHere(parseScenario(readFileSync(SCENARIO, 'utf8'), SCENARIO), PACE);

/** Migrates at a terminal, in a sandbox that the program takes for AWS. */
const migrate = async (served: ServedHere, ...typed: [marker: string, text: string][]) => {
  const program = [process.execPath, 'bin/pod-identity.ts', ...MIGRATE];
  const { out, err } = await served.run('python3', ['-c', AT_TERMINAL, JSON.stringify(typed), ...program], {
    POD_IDENTITY_SIMULATED: '',
    TERM: 'xterm',
    // The markers have no colors, which the environment of the tests may ask for.
    FORCE_COLOR: '0',
    NO_COLOR: '1',
  });
  expect(err).toBe('');
  const { code, shown } = JSON.parse(out) as { code: number; shown: string };
  return { code, shown: shown.replaceAll('\r\n', '\n') };
};

const CHANGES = /^(?:Create|Delete|Update)(?:Addon|PodIdentityAssociation)$/;
const changes = ({ backend }: ServedHere): string[] =>
  backend.sandbox.world.log.calls.map(({ operation }) => operation).filter((operation) => CHANGES.test(operation));

const reason = reasonToSkip('python3');

describe.skipIf(reason !== undefined)(`at a terminal${reason === undefined ? '' : ` (${reason})`}`, () => {
  let served: ServedHere;
  beforeAll(async () => void (served = await open()));
  afterAll(() => served.close());

  it.each([
    ['no', 'n\n', 1, 'not confirmed: nothing was started, and nothing was changed'],
    ['an empty line', '\n', 1, 'not confirmed: nothing was started, and nothing was changed'],
    ['Ctrl-C', CTRL_C, 130, 'Interrupted before the question was answered: nothing was started'],
  ])('the short plan is shown, and after %s nothing is changed', async (_name, answer, code, says) => {
    const result = await migrate(served, [QUESTION, answer]);
    expect(result).toMatchObject({ code });
    const plan = result.shown.slice(result.shown.indexOf('\nMigrate aws-ebs-csi-driver\n'));
    expect(plan).toMatch(
      /^\nMigrate aws-ebs-csi-driver\n[^]*cluster +reliability-dev, [^]*changes +\w[^]*forecast +about/,
    );
    expect(plan.indexOf(QUESTION)).toBeGreaterThan(plan.indexOf('forecast'));
    expect(result.shown.slice(result.shown.indexOf(QUESTION)).replaceAll(/\n\s*/g, ' ')).toContain(says);
    expect(changes(served)).toEqual([]);
  });

  it('after yes, it migrates', async () => {
    expect(await migrate(served, [QUESTION, 'y\n'])).toMatchObject({
      code: 0,
      shown: matching(/✔ migrated {2}aws-ebs-csi-driver/),
    });
    expect(changes(served)).not.toEqual([]);
  });

  it('Ctrl-C while a migration is followed says that it continues, and how to go on', async () => {
    const other = await open();
    try {
      const { code, shown } = await migrate(other, [QUESTION, 'y\n'], ['Take the locks', CTRL_C]);
      expect({ code, shown }).toMatchObject({
        code: 1,
        shown: matching(
          /migration (\w{26}) continues in the\s+service[^]*To follow it:[^]* show \1 --deployed[^]*To stop it:[^]* cancel \1 --deployed/,
        ),
      });
    } finally {
      await other.close();
    }
  });
});
