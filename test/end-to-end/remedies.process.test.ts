/**
 * Each command in a remedy, pasted into a shell with the real `aws` and `kubectl` in the situation that prints it. For
 * the first command of each kind, the shell starts this program; for the others, it gets the shell's words in this process.
 */
import { readFileSync } from 'node:fs';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { commandsIn } from '../../cli/text/remedy.ts';
import { credentialsOfPod } from '../../sandbox/credentials/sessions.ts';
import { listObjects } from '../../sandbox/objects/store.ts';
import { issueAccessKey } from '../../sandbox/authorization/access-keys.ts';
import { parseScenario } from '../../sandbox/build/load.ts';
import { stubEnvironment } from '../cli/fixtures.ts';
import { useWarmAws } from '../warm-aws/index.ts';
import { inThisProcess } from './commands.ts';
import { scenarioFile } from './fixture.ts';
import { type Row, rows, templateOf } from './remedies.ts';
import { PACE, reasonToSkip, type Result, serveHere, type ServedHere } from './served.ts';
import { OpenWorld } from './world.ts';
import { containing } from '../lambdas/matchers.ts';

const reason = reasonToSkip('aws', 'kubectl');

const closing: ServedHere[] = [];
afterEach(async () => {
  for (const one of closing.splice(0)) await one.close();
});

const open = async (name: string): Promise<{ served: ServedHere; world: OpenWorld }> => {
  const path = scenarioFile(name);
  const scenario = parseScenario(readFileSync(path, 'utf8'), path);
  const served = await serveHere(scenario, PACE);
  closing.push(served);
  return { served, world: new OpenWorld(served.backend, scenario) };
};

/** Returns the remedies of a check that did not pass. */
const remediesOf = async (world: OpenWorld, { subject, check }: Pick<Row, 'subject' | 'check'>) => {
  const { plan } = await world.migrate({ ...subject, dryRun: true });
  return plan!.checks.filter(({ id, status }) => id === check && status !== 'pass');
};
const started = new Set<string>();
/** Ends at the program: the words that it would get are printed, each with a NUL. */
const WORDS = `pod-identity() { printf '%s\\0' "$@"; }\n`;

/** Pastes a command into a shell. */
const paste = async (served: ServedHere, command: string): Promise<Result> => {
  const kind = /^pod-identity (\S+)/.exec(command)?.[1];
  if (kind === undefined || started.size < started.add(kind).size) return served.run('bash', ['-e', '-c', command]);
  const { out } = await served.run('bash', ['-e', '-c', `${WORDS}${command}`]);
  stubEnvironment(served.variables);
  try {
    return await inThisProcess(served, out.split('\0').slice(0, -1));
  } finally {
    vi.unstubAllEnvs();
  }
};
const blocks = ({ status }: { status: string }): boolean => status === 'fail' || status === 'unknown';

describe.skipIf(reason !== undefined)(`a command in a remedy${reason === undefined ? '' : ` (${reason})`}`, () => {
  useWarmAws();

  it.each(rows.filter((row) => 'unblocks' in row).map((row): [string, string, Row] => [row.check, row.template, row]))(
    'of %s works: %s',
    async (_, template, row) => {
      const { served, world } = await open(row.scenario);
      const before = await remediesOf(world, row);
      expect(before.length).toBeGreaterThan(0);
      const command = before
        .flatMap(({ remedy = '' }) => commandsIn(remedy))
        .find((one) => templateOf(one) === template);
      expect(command).toBeDefined();
      const migrates = command!.startsWith('pod-identity migrate');
      const { code, out, err } = await paste(served, command!);
      expect({ command, code, out, err }).toMatchObject({ code: 0 });
      if (!('unblocks' in row) || !row.unblocks) return;
      // What EKS has begun is over before the next plan.
      await world.later(600_000);
      expect(migrates ? [] : (await remediesOf(world, row)).filter(blocks)).toEqual([]);
    },
  );

  it('of kubernetes-access gives the service access, once it is applied', async () => {
    const row = rows.find(({ check }) => check === 'kubernetes-access')!;
    const { served, world } = await open(row.scenario);
    const [command = ''] = (await remediesOf(world, row)).flatMap(({ remedy = '' }) => commandsIn(remedy));
    expect(await paste(served, `${command} --apply`)).toMatchObject({ code: 0 });
    await world.later(60_000);
    expect((await remediesOf(world, row)).filter(blocks)).toEqual([]);
  });

  it('of role-account leads to a workload that is migrated and has the credentials of the role in the other account', async () => {
    const row = rows.find(({ check }) => check === 'role-account')!;
    const { served, world } = await open(row.scenario);
    const { world: inside } = served.backend.sandbox;
    const administrator = issueAccessKey(inside, 'arn:aws:iam::444455556666:role/administrator');
    const credentials = {
      '111122223333': {},
      '444455556666': {
        AWS_ACCESS_KEY_ID: administrator.accessKeyId,
        AWS_SECRET_ACCESS_KEY: administrator.secretAccessKey,
        AWS_SESSION_TOKEN: administrator.sessionToken ?? '',
      },
    };
    const [command = ''] = (await remediesOf(world, row)).flatMap(({ remedy = '' }) => commandsIn(remedy));
    const printed = await paste(served, `${command} --json`);
    expect(printed).toMatchObject({ code: 0 });
    const { baseRoleArn, steps } = JSON.parse(printed.out) as {
      baseRoleArn: string;
      steps: { account: keyof typeof credentials; commands: string[] }[];
    };
    const subject = { ...row.subject, roleArn: baseRoleArn };

    // In the other account, the second command prints the one that changes the trust policy.
    const directory = served.variables['KUBECONFIG']!.replace(/\/[^/]+$/, '');
    const [base, other, associate, migrate] = steps;
    const pasteIn = async (account: keyof typeof credentials, commands: string[]) => {
      const text = commands.join('\n').replaceAll('npm run --silent pod-identity --', 'pod-identity');
      const done = await served.run(
        'bash',
        ['-e', '-c', text.replaceAll('trust.json', `${directory}/trust.json`)],
        credentials[account],
      );
      expect({ text, ...done }).toMatchObject({ code: 0 });
      return done.out;
    };
    await pasteIn(base!.account, base!.commands);
    // Without the association, the pods would get the wrong role, so the plan blocks.
    await world.later(60_000);
    const early = (await world.migrate({ ...subject, dryRun: true })).plan!.checks.filter(blocks);
    expect(early).toMatchObject([{ id: 'associations', remedy: containing('--target-role-arn') }]);

    const again = await pasteIn(other!.account, other!.commands);
    const change = /^aws iam update-assume-role-policy .*$/m.exec(again)?.[0];
    await pasteIn(other!.account, [change!]);
    await pasteIn(associate!.account, associate!.commands);
    await world.later(60_000);
    const report = await world.migrate(subject);
    expect({ outcome: report.outcome, checks: report.plan?.checks.filter(blocks) }).toEqual({
      outcome: 'migrated',
      checks: [],
    });
    expect(migrate!.commands[0]).toContain(`--role-arn ${baseRoleArn}`);
    const [association] = [...world.cluster.associations.values()];
    const pods = listObjects(world.cluster.kube, 'Pod').filter((pod) => pod.spec.serviceAccountName === 'export');
    expect(pods.length).toBeGreaterThan(0);
    for (const pod of pods)
      expect(credentialsOfPod(inside, world.cluster, pod)).toMatchObject([
        { method: 'pod-identity', roleArn: 'arn:aws:iam::444455556666:role/report-archive' },
      ]);
    expect(association).toMatchObject({
      roleArn: baseRoleArn,
      targetRoleArn: 'arn:aws:iam::444455556666:role/report-archive',
    });
  });
});
