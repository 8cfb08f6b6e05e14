/**
 * The demo, on copies of one sandbox: the state before, what fails, the migration in place, which disturbs nobody, and
 * delete and create, which is the exception.
 */
import { isOwnedBy } from '../../lambdas/domain/aws/arn.ts';
import type { MigrationReport } from '../../lambdas/domain/record/migration.ts';
import type { Strategy } from '../../lambdas/domain/request/request.ts';
import type { Target } from '../../lambdas/domain/terms/subject.ts';
import { openSandboxBackend, type SandboxBackend } from '../backend.ts';
import { CliError } from '../errors.ts';
import { EXIT_CODES, type ExitCode } from '../exit-codes.ts';
import type { Io } from '../io.ts';
import { type DemoFlags, EXAMPLE_SCENARIO, PROGRAM, WATCHING_SCALE } from '../options.ts';
import { sayBuilding } from '../open-sandbox.ts';
import { openScenario } from '../open-scenario.ts';
import { commandLines } from '../print/next.ts';
import { hanging, type Style, styleFor } from '../text/style.ts';
import { startProgress } from '../progress.ts';
import { requestFrom } from '../request.ts';
import { runMigration } from '../service/run.ts';
import { fileOfScenario } from '../scenarios.ts';
import { look, type Sight, sightLines } from './observe.ts';
import { changesOf, experienceLines, planLines, tryAsTerraform } from './story.ts';

const ADDON = 'aws-ebs-csi-driver';
const SCENARIO = 'ebs-csi-irsa';

interface Stage {
  open: () => Promise<SandboxBackend>;
  target: Target;
  style: Style;
  io: Io;
  say: (...lines: string[]) => void;
}

/** Runs the demo on stdout, with live progress on stderr. Returns 0 only if it ends as expected. */
export const demo = async (flags: DemoFlags, io: Io): Promise<ExitCode> => {
  const scenario = await openScenario(fileOfScenario(SCENARIO));
  const watched = io.stderr.isTTY === true;
  return tell({
    open: () =>
      openSandboxBackend(scenario, {
        clock: flags.clock ?? (watched ? { scaled: WATCHING_SCALE } : 'virtual'),
        onBuild: sayBuilding(io),
      }),
    target: targetOf(scenario.accounts),
    style: styleFor(io.stdout),
    io,
    say: (...lines) => void io.stdout.write(`${lines.join('\n')}\n`),
  });
};

const targetOf = (
  accounts: readonly {
    id: string;
    clusters: readonly { name: string; region: string; addons: readonly { name: string }[] }[];
  }[],
): Target => {
  for (const account of accounts) {
    const cluster = account.clusters.find(({ addons }) => addons.some(({ name }) => name === ADDON));
    if (cluster) return { account: account.id, region: cluster.region, cluster: cluster.name };
  }
  throw new CliError(
    'ScenarioError',
    `${EXAMPLE_SCENARIO} has no cluster with the add-on ${ADDON}`,
    'Restore that file from the repository',
  );
};

const section = ({ say, style }: Stage, title: string): void =>
  say('', style.paint(['bold', 'cyan'], `── ${title} `.padEnd(Math.min(style.width, 80), '─')));

/** One migration, and what a new read of the cluster shows after it. */
interface Act {
  report: MigrationReport;
  after: Sight;
  missing: string[];
}

const act = async (backend: SandboxBackend, strategy: Strategy, stage: Stage): Promise<Act> => {
  const { target, say, style, io } = stage;
  const sinceCall = backend.sandbox.world.log.calls.length;
  const request = requestFrom({ addon: ADDON, strategy }, target, 'demo');
  const report = await runMigration(backend, request, startProgress(io.stderr, backend));
  const after = await look(backend, target, ADDON);
  const calls = changesOf(backend.sandbox.world.log.calls.slice(sinceCall));
  say(...planLines(report, style), ...experienceLines(report, after, calls, style));
  return { report, after, missing: missingIn({ report, after }, target) };
};

const using = async <T>(stage: Stage, work: (backend: SandboxBackend) => Promise<T>): Promise<T> => {
  const backend = await stage.open();
  try {
    return await work(backend);
  } finally {
    await backend.close();
  }
};

const paragraph = ({ say, style }: Stage, text: string): void =>
  say(...hanging('', text, { ...style, width: Math.min(style.width, 80) }));

const tell = async (stage: Stage): Promise<ExitCode> => {
  const { target, style, say } = stage;
  paragraph(
    stage,
    `A simulated AWS, as ${EXAMPLE_SCENARIO} describes it. The calls go through the AWS SDK; nothing leaves this machine.`,
  );
  const inPlace = await using(stage, async (backend) => {
    section(stage, 'Before: the add-on uses IRSA');
    const before = await look(backend, target, ADDON);
    say(...sightLines(before, style));
    section(stage, 'What Terraform does: UpdateAddon with an empty role');
    say(...(await tryAsTerraform(backend, target, ADDON, before, style)));
    section(stage, 'The migration: in place, and nobody notices');
    return act(backend, 'auto', stage);
  });
  section(stage, 'The exception: delete the add-on and create it again');
  paragraph(
    stage,
    'Needed only if EKS cannot update the add-on in place, or its pods keep the old identity after restarts. Never chosen without --max-disruption outage or --strategy recreate, because the add-on is gone meanwhile. On a second copy of the cluster:',
  );
  const recreated = await using(stage, (backend) => act(backend, 'recreate', stage));
  const missing = [...inPlace.missing, ...recreated.missing];
  say('');
  if (missing.length > 0) {
    say(style.paint('red', `✖ The demo did not end as expected: ${missing.join('; ')}.`));
    return EXIT_CODES.unexpected;
  }
  const counted = inPlace.after.pods.filter(({ identity }) => identity === 'pod-identity').length;
  say(
    ...hanging(
      `${style.paint('green', '✔')} `,
      `${ADDON} is ACTIVE and on EKS Pod Identity; ${counted} of ${counted} pods have its configuration.`,
      style,
    ),
    ...hanging(
      '  ',
      'Until the code that defines the add-on is changed, its next apply reverts the migration. After a migration, "hand-off" prints what that code must contain, and patches Terraform.',
      style,
    ),
    ...commandLines({ why: 'Your own cluster, read with your own credentials', command: `${PROGRAM} doctor` }, style),
    `  ${style.paint('bold', `${PROGRAM} plan --cluster NAME`)}`,
  );
  return EXIT_CODES.ok;
};

/** Returns what is missing according to a new read of the cluster, independent of the report. */
const missingIn = (
  { report, after: { addon, associations, pods } }: Pick<Act, 'report' | 'after'>,
  target: Target,
): string[] => {
  const counted = pods.filter(({ identity }) => identity !== 'not-applicable');
  return [
    ...(report.outcome === 'migrated' ? [] : [`the outcome is ${report.outcome}`]),
    ...(addon?.status === 'ACTIVE' ? [] : [`the add-on is ${addon?.status ?? 'missing'}`]),
    ...(addon?.serviceAccountRoleArn === undefined
      ? []
      : [`the add-on still has the role ${addon.serviceAccountRoleArn}`]),
    ...(associations.some(({ ownerArn }) => isOwnedBy(ownerArn, target.cluster, ADDON))
      ? []
      : ['the add-on owns no association']),
    ...(counted.length > 0 ? [] : ['no pod has its role']),
    ...counted
      .filter(({ identity }) => identity !== 'pod-identity')
      .map(({ name, identity }) => `pod ${name} is on ${identity}`),
  ];
};
