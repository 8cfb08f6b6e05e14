/** Runs `plan` for a whole cluster. */
import { stringify } from 'yaml';
import { randomFrom } from '../../lambdas/domain/text/random.ts';
import { jsonText } from '../../lambdas/domain/text/text.ts';
import { isClear } from '../../lambdas/domain/overview/items.ts';
import { overview as overviewSchema, type Overview } from '../../lambdas/domain/overview/model.ts';
import { isMigrationError } from '../../lambdas/domain/failures/errors.ts';
import type { Clock, TargetPorts } from '../../lambdas/ports/index.ts';
import type { Target } from '../../lambdas/domain/terms/subject.ts';
import { readOverview } from '../../lambdas/use-cases/overview/read.ts';
import { type Pace, paceOf } from '../../lambdas/use-cases/sweep/pace.ts';
import { portsOf } from '../../lambdas/runtime/wiring.ts';
import { notRead } from '../aws/not-read.ts';
import { readingPorts, readInAws } from '../aws/reading.ts';
import { backendOfReading } from '../backend-options.ts';
import { CliError } from '../errors.ts';
import { EXIT_CODES, type ExitCode } from '../exit-codes.ts';
import type { Io } from '../io.ts';
import { openForMigration } from '../open-backend.ts';
import { styleFor } from '../text/style.ts';
import { sandboxOf } from '../sandbox-of.ts';
import { whileReading } from '../while-reading.ts';
import { markdownOf } from './markdown.ts';
import type { ClusterPlanFlags } from './options.ts';
import { NO_LEDGER, previewSettings } from './preview.ts';
import { overviewLines } from './print-cluster.ts';

/** EKS calls per second, as a sweep makes by default: the limits of an account are shared with its other tools. */
const CALLS_PER_SECOND = 5;

const newPace = (clock: Clock): Pace =>
  paceOf({
    callsPerSecond: CALLS_PER_SECOND,
    clock,
    random: randomFrom('overview'),
    remainingTime: () => Number.MAX_SAFE_INTEGER,
  });

const overviewOf = (
  { namespace, trust, accept, iac, verification, agent }: ClusterPlanFlags,
  { ports, target, clock }: { ports: TargetPorts; target: Target; clock: Clock },
  onProgress: (what: string) => void,
): Promise<Overview> => {
  // IAM is not asked about permissions: without a deployed service, the answer decides nothing.
  const preview = { why: 'the plan of a whole cluster does not ask' };
  return readOverview({
    target,
    namespace,
    options: {
      trust,
      accept,
      ...(iac ? { iac } : {}),
      verification,
      agent,
    },
    settings: { ...previewSettings(preview), preview },
    ledger: NO_LEDGER,
    ports,
    clock,
    onProgress,
  });
};

/** Reads in AWS with the caller's own credentials, also if a service is deployed. */
const readCluster = async (flags: ClusterPlanFlags, io: Io): Promise<Overview> => {
  const choice = backendOfReading(flags);
  if (choice.kind === 'aws' || choice.kind === 'deployed')
    return readInAws(
      flags,
      io,
      ({ target, clock, ...ports }) =>
        whileReading(io, `cluster ${flags.cluster}`, (show) => overviewOf(flags, { ports, target, clock }, show)),
      (clock) => newPace(clock).around,
    );
  const silent = flags.output !== 'table' && io.stderr.isTTY !== true;
  const { session, target } = await openForMigration(choice, flags, { io, silent, watched: false });
  try {
    return await session.run((backend) => {
      const clients = sandboxOf(backend).clients(undefined, target.region);
      const { clock } = backend;
      const ports = readingPorts(portsOf(clients, target, { around: newPace(clock).around }), clock);
      return overviewOf(flags, { ports, target, clock }, () => {});
    });
  } finally {
    await session.close();
  }
};

const textOf = (found: Overview, flags: ClusterPlanFlags, io: Io): string => {
  switch (flags.output) {
    case 'json':
      return `${jsonText(found, 2)}\n`;
    case 'yaml':
      return stringify(JSON.parse(jsonText(found)));
    case 'markdown':
      return `${markdownOf(found, flags).join('\n')}\n`;
    case 'table':
      return `${overviewLines(found, flags, styleFor(io.stdout)).join('\n')}\n`;
  }
};

/** Returns the error for a cluster that could not be read at all. */
const explained = (error: unknown, { cluster, region, sandbox, state }: ClusterPlanFlags): unknown =>
  isMigrationError(error, 'NotFound')
    ? new CliError(
        'UnknownCluster',
        error.message,
        sandbox === undefined && state === undefined
          ? `To list the clusters: aws eks list-clusters${region === undefined ? '' : ` --region ${region}`}`
          : 'Name a cluster of the scenario: accounts[].clusters[].name in its file',
        undefined,
        { cause: error },
      )
    : notRead(error, cluster);

/** Prints the overview. Returns 3 if something is blocked or could not be read, otherwise 0. */
export const planCluster = async (flags: ClusterPlanFlags, io: Io): Promise<ExitCode> => {
  const found = overviewSchema.parse(
    await readCluster(flags, io).catch((error: unknown) => {
      throw explained(error, flags);
    }),
  );
  io.stdout.write(textOf(found, flags, io));
  return isClear(found) ? EXIT_CODES.ok : EXIT_CODES.blocked;
};
