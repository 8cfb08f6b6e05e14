import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { assertCanAsk, confirm, mustAsk } from '../../cli/confirm.ts';
import { CliError } from '../../cli/errors.ts';
import type { Io } from '../../cli/io.ts';
import { PLAIN } from '../../cli/text/style.ts';
import { shortPlan } from '../../cli/print/short-plan.ts';
import { aCheck, aPlan, aReport, collectingIo, stubEnvironment } from './fixtures.ts';
import { containing } from '../lambdas/matchers.ts';
import { runProgram } from './run-program.ts';

const DEPLOYED = { deployed: true, yes: false };

const asking = (answer: string | undefined) => {
  const questions: string[] = [];
  const io = {
    ...collectingIo(),
    ask: (question: string) => {
      questions.push(question);
      return Promise.resolve(answer);
    },
  };
  return { io, questions };
};

const failure = async (work: Promise<unknown>): Promise<CliError> => {
  try {
    await work;
  } catch (error) {
    if (error instanceof CliError) return error;
    throw error;
  }
  throw new Error('expected a CliError');
};

beforeEach(() => stubEnvironment({}));
afterEach(() => vi.unstubAllEnvs());

describe('a change', () => {
  it('is asked about only in AWS, and not with --yes or in a served sandbox', () => {
    expect([mustAsk(DEPLOYED), mustAsk({ deployed: true, yes: true })]).toEqual([true, false]);
    expect(mustAsk({ deployed: undefined, yes: false })).toBe(false);
    vi.stubEnv('POD_IDENTITY_SIMULATED', '1');
    expect(mustAsk(DEPLOYED)).toBe(false);
  });

  it('is refused without a terminal, with exit code 2 and the option to add', async () => {
    const error = await failure(Promise.resolve().then(() => assertCanAsk(DEPLOYED, collectingIo())));
    expect(error).toMatchObject({ name: 'NotConfirmed', exitCode: 2 });
    expect(error.hint).toContain('--yes');
    expect(() => assertCanAsk({ deployed: true, yes: true }, collectingIo())).not.toThrow();
    expect(() => assertCanAsk(DEPLOYED, asking('').io)).not.toThrow();
  });

  it.each(['y', 'Y', 'yes', ' Yes '])('is made after the answer "%s"', async (answer) => {
    const { io, questions } = asking(answer);
    await confirm(io, () => ['what changes'], 'Do it?');
    expect([io.err(), questions]).toEqual(['what changes\n', ['\nDo it? [y/N] ']]);
  });

  it.each(['', 'n', 'no', 'yess', 'ok', undefined])('is not made after the answer %j', async (answer) => {
    const { io } = asking(answer);
    expect(await failure(confirm(io, () => [], 'Do it?'))).toMatchObject({ name: 'NotConfirmed', exitCode: 1 });
  });

  it('says at Ctrl-C that nothing was started', async () => {
    const said: string[] = [];
    const io: Io = { ...asking('y').io, onInterrupt: (text) => void said.push(text) };
    await confirm(io, () => [], 'Do it?');
    expect(said).toEqual([containing('nothing was started, and nothing was changed')]);
  });
});

describe('commands that change something in AWS', () => {
  const ID = '01JD8Z5Q6R7S8T9V0W1X2Y3Z4A';
  const ADDON = ['--cluster', 'demo', '--addon', 'aws-ebs-csi-driver'];
  const ARN = 'arn:aws:eks:eu-west-1:111122223333:cluster/demo';
  it.each([
    ['migrate', ...ADDON, '--deployed'],
    ['migrate-workload', '--cluster', 'demo', '--namespace', 'a', '--service-account', 'b', '--deployed'],
    ['rollback', ID, '--deployed'],
    ['release', ID, '--deployed'],
    ['retire', ID, '--apply', '--deployed'],
    ['sweep', '--mode', 'migrate', '--deployed'],
    ['grant-access', ...ADDON, '--apply', '--deployed'],
    ['trust', 'repair', '--role-arn', 'arn:aws:iam::111122223333:role/a', '--cluster-arn', ARN].concat(
      ['--namespace', 'a'],
      ['--service-account', 'b'],
    ),
  ])('%s %s refuses without a terminal, before it makes any call', async (...argv) => {
    const err = containing('there is no terminal to ask on; nothing was changed');
    expect(await runProgram(...argv)).toMatchObject({ code: 2, out: '', err });
  });

  it.each([
    ['plan', ...ADDON, '--deployed'],
    ['retire', ID, '--deployed'],
    ['sweep', '--mode', 'plan', '--deployed'],
  ])('%s %s only reads, and does not ask', async (...argv) => {
    expect((await runProgram(...argv)).err).not.toContain('no terminal to ask');
  });
});

it('the short plan has the subject, what changes, the disruption, and what warns', () => {
  const plan = aPlan({
    checks: [aCheck(), aCheck({ id: 'odd', status: 'warn', message: 'one oddity' })],
    attempts: [
      { strategy: 'in-place', preserve: false, disruption: 'rolling', resolveConflicts: 'PRESERVE' },
      { strategy: 'recreate', preserve: true, disruption: 'rolling', resolveConflicts: 'NONE' },
    ],
  });
  expect(shortPlan(aReport({ outcome: 'planned', plan }), PLAIN).join('\n')).toBe(
    [
      '',
      'Migrate aws-ebs-csi-driver',
      '  cluster     demo, account 111122223333, eu-west-1',
      '  strategy    in place; if the pods keep the old identity after restarts: recreate with preserve',
      '  changes     Delete the add-on',
      '  verified    Verify the pods',
      '  disruption  pods roll, capacity stays',
      '  warnings    odd: one oddity',
    ].join('\n'),
  );
});
