/** The demo in five sections, on one sandbox: the state before, what fails, the plan, the migration, the verification. */
import { isOwnedBy } from '../../lambdas/domain/aws/arn.ts';
import type { MigrationRequest, Target } from '../../lambdas/domain/migration/model.ts';
import { openSandboxBackend, type SandboxBackend } from '../backend.ts';
import { CliError } from '../errors.ts';
import { EXIT_CODES, type ExitCode } from '../exit-codes.ts';
import type { Io } from '../io.ts';
import { type DemoFlags, EXAMPLE_SCENARIO, WATCHING_SCALE } from '../options.ts';
import { openScenario, sayBuilding } from '../open-backend.ts';
import { type Style, styleFor } from '../print/style.ts';
import { summary } from '../print/summary.ts';
import { startProgress } from '../progress.ts';
import { requestFrom } from '../request.ts';
import { runMigration } from '../run.ts';
import { fileOfScenario } from '../scenarios.ts';
import { look, type Sight, sightLines } from './observe.ts';
import { callsThatChanged, tryAsTerraform } from './story.ts';

const ADDON = 'aws-ebs-csi-driver';
const SCENARIO = 'ebs-csi-irsa';

/** Runs the demo on stdout, with live progress on stderr. Returns 0 only if it ends as expected. */
export const demo = async (flags: DemoFlags, io: Io): Promise<ExitCode> => {
  const scenario = await openScenario(fileOfScenario(SCENARIO));
  const watched = io.stderr.isTTY === true;
  const style = styleFor(io.stdout);
  const say = (...lines: string[]): void => void io.stdout.write(`${lines.join('\n')}\n`);
  const backend = await openSandboxBackend(scenario, {
    clock: flags.clock ?? (watched ? { scaled: WATCHING_SCALE } : 'virtual'),
    onBuild: sayBuilding(io),
  });
  try {
    return await tell(backend, targetOf(scenario.accounts), style, say, io);
  } finally {
    await backend.close();
  }
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

const tell = async (
  backend: SandboxBackend,
  target: Target,
  style: Style,
  say: (...lines: string[]) => void,
  io: Io,
): Promise<ExitCode> => {
  const section = (n: number, title: string): void =>
    say('', style.paint(['bold', 'cyan'], `── ${n}. ${title} `.padEnd(style.width - 10, '─')), '');
  const request = (dryRun: boolean): MigrationRequest =>
    requestFrom({ addon: ADDON, strategy: 'recreate', dryRun }, target, 'demo');

  say(
    `The sandbox simulates AWS: account, cluster and add-on come from ${EXAMPLE_SCENARIO}.`,
    'All calls go through the real AWS SDK; nothing leaves this machine.',
  );

  section(1, 'The state before');
  const before = await look(backend, target, ADDON);
  say(...sightLines(before, style));

  section(2, 'What Terraform does: UpdateAddon with serviceAccountRoleArn ""');
  say(...(await tryAsTerraform(backend, target, ADDON, before, style)));

  section(3, 'The plan');
  say(...summary(await runMigration(backend, request(true)), style, ['pods']));

  section(4, 'The migration');
  const sinceCall = backend.sandbox.world.log.calls.length;
  const report = await runMigration(backend, request(false), startProgress(io.stderr, backend));
  say(...summary(report, style, report.outcome === 'migrated' ? ['checks'] : []));

  section(5, 'The verification');
  const after = await look(backend, target, ADDON);
  say(
    ...sightLines(after, style),
    '',
    ...callsThatChanged(backend.sandbox.world.log.calls.slice(sinceCall), style),
    '',
  );
  const missing = [
    ...(report.outcome === 'migrated' ? [] : [`the outcome is ${report.outcome}`]),
    ...notOnPodIdentity(after, target),
  ];
  if (missing.length > 0) {
    say(style.paint('red', `✖ The demo did not end as expected: ${missing.join('; ')}.`));
    return EXIT_CODES.unexpected;
  }
  const counted = after.pods.filter(({ identity }) => identity === 'pod-identity').length;
  say(
    `${style.paint('green', '✔')} ${ADDON} is ACTIVE and on EKS Pod Identity; ${counted} of ${counted} pods with its role use it.`,
  );
  return EXIT_CODES.ok;
};

/** Returns what is missing according to a new read of the cluster, independent of the report. */
const notOnPodIdentity = ({ addon, associations, pods }: Sight, target: Target): string[] => {
  const counted = pods.filter(({ identity }) => identity !== 'not-applicable');
  return [
    ...(addon?.status === 'ACTIVE' ? [] : [`the add-on is ${addon?.status ?? 'missing'}`]),
    ...(addon?.serviceAccountRoleArn === undefined
      ? []
      : [`the add-on still has the role ${addon.serviceAccountRoleArn}`]),
    ...(associations.some(({ ownerArn }) => isOwnedBy(ownerArn, target.cluster, ADDON))
      ? []
      : ['the add-on owns no association']),
    ...(counted.length > 0 ? [] : ['no pod uses its role']),
    ...counted
      .filter(({ identity }) => identity !== 'pod-identity')
      .map(({ name, identity }) => `pod ${name} is on ${identity}`),
  ];
};
