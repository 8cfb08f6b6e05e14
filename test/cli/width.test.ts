/** No line of the output is wider than the terminal, except for what must stay whole: commands, ARNs and URLs. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Command } from 'commander';
import { beforeAll, describe, expect, it } from 'vitest';
import type { Io } from '../../cli/io.ts';
import { build, main } from '../../cli/program.ts';
import { collector } from './fixtures.ts';
import { scenarioWith, SCENARIO, trustOf } from '../end-to-end/fixture.ts';
import { scratchDirectory } from '../scratch.ts';

const WIDTHS = [80, 60];

const terminal = (columns: number): Io & { text: () => string } => {
  const output = () => ({ ...collector(), isTTY: true, columns, hasColors: () => false });
  const [stdout, stderr] = [output(), output()];
  return { stdout, stderr, text: () => `${stdout.text()}${stderr.text()}` };
};
/** The same for a command that shows its progress: that is drawn on stderr, and wrapped, by listr2. */
const withProgress = (columns: number): Io & { text: () => string } => {
  const io = terminal(columns);
  const { stdout } = io;
  return { stdout, stderr: collector(), text: (stdout as ReturnType<typeof collector>).text };
};

const COMMAND = /^\s*(?:#|: |pod-identity |npm |npx |aws |kubectl |cdk |kill |eval |\. )/;
/** A line of a policy document. */
const JSON_LINE = /^[\s+-]*(?:"[^"]*": .*|[[\]{}"].*)$/;
/** The longest text before a word that stays whole: marks, ids, and names with a colon. */
const LONGEST_LEAD = 30;

/** Returns the lines that are too long although there was a blank to break them at. */
const ragged = (text: string, width: number): string[] => {
  let continues = false;
  return text.split('\n').filter((line) => {
    const isCommand = continues || COMMAND.test(line);
    continues = isCommand && line.endsWith('\\');
    if (line.length <= width || isCommand || JSON_LINE.test(line)) return false;
    const start = line.lastIndexOf(' ', width) + 1;
    return line.includes(' ', start) || start > LONGEST_LEAD;
  });
};

const commandsOf = (command: Command, path: string[] = []): string[][] => [
  path,
  ...command.commands.filter((one) => one.name() !== 'help').flatMap((one) => commandsOf(one, [...path, one.name()])),
];
const COMMANDS = commandsOf(build({ stdout: collector(), stderr: collector() }, () => {}));

describe.each(WIDTHS)('with %i columns', (width) => {
  it.each(COMMANDS.map((path) => [path.join(' '), path] as const))('the help of "%s" fits', async (_name, path) => {
    const io = terminal(width);
    await main([...path, '--help'], io);
    expect(io.text().length).toBeGreaterThan(100);
    expect(ragged(io.text(), width)).toEqual([]);
  });
});

const WORKS = /^(?:plan|migrate|sweep|demo|rollback|retire)\b.*(?:\.json\b|$)/;

describe('the output at the width of the terminal', () => {
  const folder = scratchDirectory();
  let blocked = '';
  beforeAll(() => {
    blocked = join(folder, 'blocked.json');
    const scenario = scenarioWith((changed) => {
      trustOf(changed).Statement.find(({ Sid }) => Sid === 'PodIdentity')!.Action = 'sts:AssumeRole';
    });
    writeFileSync(blocked, JSON.stringify(scenario));
  });

  const ADDON = ['--cluster', 'reliability-dev', '--addon', 'aws-ebs-csi-driver'];
  const ON_FARGATE = ['--cluster', 'billing-prod', '--addon', 'aws-ebs-csi-driver'];
  const WORKLOAD = ['--cluster', 'payments-prod', '--namespace', 'payments', '--service-account', 'api'];
  const WORKLOADS = 'sandbox/scenarios/service-account-irsa.json';
  const ROLE = 'arn:aws:iam::111122223333:role/reliability-dev-ebs-csi-driver-irsa-role';
  const TRUST = ['--cluster-arn', 'arn:aws:eks:eu-west-1:111122223333:cluster/reliability-dev'].concat(
    ['--namespace', 'kube-system'],
    ['--service-account', 'ebs-csi-controller-sa'],
    ['--role-arn', ROLE],
  );
  const cases: [string, () => string[]][] = [
    ['plan', () => ['plan', ...ADDON, '--sandbox', SCENARIO]],
    ['plan --hand-off', () => ['plan', ...ADDON, '--sandbox', SCENARIO, '--hand-off', '--format', 'eksctl']],
    ['plan --verbose', () => ['plan', ...ADDON, '--sandbox', SCENARIO, '--verbose']],
    ['plan --strategy recreate', () => ['plan', ...ADDON, '--strategy', 'recreate', '--sandbox', SCENARIO]],
    ['a blocked plan', () => ['plan', ...ADDON, '--sandbox', blocked]],
    ['a plan that keeps IRSA', () => ['plan', ...ON_FARGATE, '--sandbox', 'sandbox/scenarios/fargate-only.json']],
    ['plan with a trust repair', () => ['plan', ...ADDON, '--sandbox', blocked, '--trust', 'repair']],
    ['migrate', () => ['migrate', ...ADDON, '--sandbox', SCENARIO, '--verbose']],
    ['migrate-workload', () => ['migrate-workload', ...WORKLOAD, '--sandbox', WORKLOADS, '--annotation', 'remove']],
    ['identities', () => ['identities', '--cluster', 'reliability-dev', '--sandbox', SCENARIO, '--roles']],
    ['grant-access', () => ['grant-access', ...ADDON, '--sandbox', SCENARIO, '--apply']],
    ['trust check', () => ['trust', 'check', ...TRUST, '--sandbox', SCENARIO]],
    ['a denied trust check', () => ['trust', 'check', ...TRUST, '--sandbox', blocked]],
    ['trust repair', () => ['trust', 'repair', ...TRUST, '--sandbox', blocked, '--dry-run']],
    ['an inventory', () => ['sweep', '--mode', 'inventory', '--sandbox', blocked]],
    ['a sweep', () => ['sweep', '--mode', 'migrate', '--sandbox', SCENARIO]],
    [
      'a check of code',
      () => ['hand-off', 'check', '--terraform', 'examples/terraform', ...ADDON, '--sandbox', SCENARIO, '--verbose'],
    ],
    ['no code', () => ['hand-off', 'check', '--terraform', 'docs/adr', ...ADDON, '--sandbox', SCENARIO]],
    ['demo', () => ['demo']],
    ['bad options', () => ['cancel', 'x', '--reason', 'long '.repeat(300), '--state', 'a.json']],
    ['no backend', () => ['show', '01KF0E44M047C4FEZDQK8YZG0M']],
    ['an unknown scenario', () => ['identities', '--cluster', 'demo', '--sandbox', 'nowhere.json']],
    ['an unknown context', () => ['identities', '--context', 'nowhere', '--sandbox', SCENARIO]],
  ];
  it.each(cases)('%s', async (_name, argv) => {
    for (const width of WIDTHS) {
      const io = WORKS.test(argv().join(' ')) ? withProgress(width) : terminal(width);
      await main(argv(), io);
      expect(io.text().length).toBeGreaterThan(50);
      expect(ragged(io.text(), width)).toEqual([]);
    }
  });

  it('of commands about kept migrations and sweeps', async () => {
    const state = join(folder, 'world.json');
    const run = async (width: number, ...argv: string[]): Promise<string> => {
      const io = WORKS.test(argv.join(' ')) ? withProgress(width) : terminal(width);
      await main(argv, io);
      expect(ragged(io.text(), width)).toEqual([]);
      return io.text();
    };
    const [id = ''] =
      /\b[0-9A-HJKMNP-TV-Z]{26}\b/.exec(await run(80, 'migrate', ...ADDON, '--sandbox', SCENARIO, '--state', state)) ??
      [];
    // Each command repeats what is in the file, so most are run once, with the fewest columns.
    const narrow = Math.min(...WIDTHS);
    for (const [argv, widths] of [
      [['show', id], WIDTHS],
      [['hand-off', 'check', '--terraform', 'examples/terraform', id], [narrow]],
      [['hand-off', 'patch', '--terraform', 'examples/terraform', id], [narrow]],
      [['cancel', id], [narrow]],
      [['release', id], [narrow]],
      [['retire', id], [narrow]],
      [['approve', id], [narrow]],
      [['migrations'], WIDTHS],
      [['sweeps'], [narrow]],
      [['rollback', id], [narrow]],
      [['retire', id, '--soak-days', '0'], [narrow]],
      [['show', id], [narrow]],
    ] as const)
      for (const width of widths) await run(width, ...argv, '--state', state);
  });
});
