/** Runs `grant-access`. */
import { type Target, subjectOf } from '../../lambdas/domain/terms/subject.ts';
import type { Backend } from '../backend.ts';
import { assertCanAsk, confirm, mustAsk } from '../confirm.ts';
import { awsError } from '../deployed.ts';
import { CliError } from '../errors.ts';
import { EXIT_CODES, type ExitCode } from '../exit-codes.ts';
import type { Io } from '../io.ts';
import { EXAMPLE_SCENARIO, PROGRAM } from '../options.ts';
import { openForMigration } from '../open-backend.ts';
import { refuseStack, sandboxChoice, type SandboxChoice, type StateChoice } from '../backend-options.ts';
import { hanging, styleFor } from '../text/style.ts';
import { grantEntry } from '../replay.ts';
import { backendFlags } from '../request.ts';
import { sandboxOf } from '../sandbox-of.ts';
import { type Granted, grantAccess, type GrantRequest, isGrantRefused } from '../cluster-access/grant.ts';
import { GRANT_ACCESS, type GrantFlags } from '../cluster-access/options.ts';
import { grantedLines } from './print.ts';
import type { AccessTools } from '../cluster-access/survey.ts';
import { openDeployedTools, toolsInSandbox } from '../cluster-access/tools.ts';
import { yamlOf } from './yaml.ts';
import { jsonText } from '../../lambdas/domain/text/text.ts';

const backendOfGrant = (flags: GrantFlags): SandboxChoice | StateChoice => {
  refuseStack(flags);
  const choice = sandboxChoice(flags);
  if (choice) return choice;
  throw new CliError(
    'NoSandbox',
    'none of --sandbox FILE, --state FILE and --deployed is given, so it is not clear where the cluster is',
    `Add --deployed for a cluster in AWS, or --sandbox FILE to try it, for example --sandbox ${EXAMPLE_SCENARIO}`,
  );
};

const requestOf = (
  { addon, serviceAccount, annotation = 'keep', apply }: GrantFlags,
  target: Target,
): GrantRequest => ({ target, addons: addon, serviceAccounts: serviceAccount, annotation, apply });

/** Grants access in a sandbox. With --state, changes are recorded in its journal; dry runs are not. */
const grantInSandbox = async (flags: GrantFlags, io: Io): Promise<Granted> => {
  const silent = flags.json && io.stderr.isTTY !== true;
  const { session, target } = await openForMigration(backendOfGrant(flags), flags, { io, silent, watched: false });
  const request = requestOf(flags, target);
  const work = (backend: Backend): Promise<Granted> => grantAccess(toolsInSandbox(sandboxOf(backend), target), request);
  try {
    return await (flags.apply ? session.run(work, (granted) => grantEntry(request, granted)) : session.run(work));
  } finally {
    await session.close();
  }
};

/** Shows the dry run, and asks. Returns the result of a dry run that would change nothing, which asks nothing. */
const confirmGrant = async (
  tools: AccessTools,
  request: GrantRequest,
  flags: GrantFlags,
  io: Io,
): Promise<Granted | undefined> => {
  if (!flags.apply || !mustAsk(flags)) return undefined;
  const dry = await grantAccess(tools, { ...request, apply: false });
  if (dry.mapRoles !== undefined) return undefined;
  if (nextCommand(dry, flags) === undefined) return dry;
  await confirm(io, (style) => grantedLines(dry, undefined, style), 'Grant this access now?');
  return undefined;
};

const grantDeployed = async (flags: GrantFlags, io: Io): Promise<Granted> => {
  const { sandbox, state } = flags;
  if (sandbox !== undefined || state !== undefined)
    throw new CliError('BadOption', '--deployed cannot be combined with --sandbox or --state', 'Omit one or the other');
  if (flags.apply) assertCanAsk(flags, io);
  try {
    const { tools, target } = await openDeployedTools(flags, process.env);
    const request = requestOf(flags, target);
    const settled = await confirmGrant(tools, request, flags, io);
    if (settled) return settled;
    if (flags.apply)
      io.onInterrupt?.(
        'Interrupted while access was being granted: some of it may be in place. To continue, run the same command again: it reads the current state first.',
      );
    return await grantAccess(tools, request);
  } catch (error) {
    throw awsError(error);
  }
};

/** Returns the command that applies a dry run; undefined if there is nothing to do, or it would be refused. */
const nextCommand = (granted: Granted, flags: GrantFlags): string | undefined => {
  const { accessEntries, objects, mapRoles } = granted;
  const isChange = [...accessEntries, ...objects].some(({ result }) => result.startsWith('would-'));
  if (!isChange || mapRoles !== undefined || isGrantRefused(granted)) return undefined;
  return [
    `${PROGRAM} ${GRANT_ACCESS}`,
    `--cluster ${flags.cluster}`,
    ...flags.addon.map((addon) => `--addon ${addon}`),
    ...flags.serviceAccount.map((serviceAccount) => `--service-account ${subjectOf({ serviceAccount })}`),
    ...(flags.annotation === undefined ? [] : [`--annotation ${flags.annotation}`]),
    ...(flags.account === undefined ? [] : [`--account ${flags.account}`]),
    ...(flags.region === undefined ? [] : [`--region ${flags.region}`]),
    ...backendFlags(flags),
    '--apply',
  ].join(' ');
};

/** Prints the result. A dry run prints only the objects on stdout, so that they can be piped to kubectl. */
const print = (granted: Granted, flags: GrantFlags, io: Io): void => {
  if (flags.json) {
    io.stdout.write(`${jsonText(granted, 2)}\n`);
    return;
  }
  const output = flags.apply ? io.stdout : io.stderr;
  // On a terminal, which shows both, the objects come first: the last lines are what to do next.
  const isTerminal = !flags.apply && io.stdout.isTTY === true;
  if (isTerminal) io.stdout.write(yamlOf(granted.objects));
  output.write(`${grantedLines(granted, nextCommand(granted, flags), styleFor(output)).join('\n')}\n`);
  if (!flags.apply && !isTerminal) io.stdout.write(yamlOf(granted.objects));
  else if (flags.apply && flags.sandbox !== undefined && flags.state === undefined)
    io.stderr.write(
      `${hanging('', 'The sandbox ends with this command: add --state FILE to keep it.', styleFor(io.stderr)).join('\n')}\n`,
    );
};

/** Returns 0 if it is done or shown, and 3 if there is a conflict and nothing was changed. Throws a CliError otherwise. */
export const grantAccessCommand = async (flags: GrantFlags, io: Io): Promise<ExitCode> => {
  const granted = await (flags.deployed === true ? grantDeployed(flags, io) : grantInSandbox(flags, io));
  print(granted, flags, io);
  return isGrantRefused(granted) ? EXIT_CODES.blocked : EXIT_CODES.ok;
};
