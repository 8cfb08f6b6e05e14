/** `grant-access`: from flags to the exit code. */
import type { Target } from '../../lambdas/domain/migration/model.ts';
import type { Backend } from '../backend.ts';
import { awsError } from '../deployed.ts';
import { subjectOf } from '../../lambdas/domain/migration/subject.ts';
import { CliError } from '../errors.ts';
import { EXIT_CODES, type ExitCode } from '../exit-codes.ts';
import type { Io } from '../io.ts';
import { EXAMPLE_SCENARIO, PROGRAM } from '../options.ts';
import { openForMigration } from '../open-backend.ts';
import { sandboxChoice, type SandboxChoice, type StateChoice } from '../backend-options.ts';
import { styleFor } from '../print/style.ts';
import { grantEntry } from '../replay.ts';
import { backendFlags } from '../request.ts';
import { sandboxOf } from '../sandbox-of.ts';
import { type Granted, grantAccess, type GrantRequest, isGrantRefused } from './grant.ts';
import { GRANT_ACCESS, type GrantFlags } from './options.ts';
import { grantedLines } from './print.ts';
import { openDeployedTools, toolsInSandbox } from './tools.ts';
import { yamlOf } from './yaml.ts';
import { jsonText } from '../../lambdas/domain/text/text.ts';

const backendOfGrant = (flags: GrantFlags): SandboxChoice | StateChoice => {
  const session = sandboxChoice(flags);
  if (session) return session;
  throw new CliError(
    'NoSandbox',
    'there is no --sandbox FILE, no --state FILE and no --deployed: it is not clear where the cluster is',
    `Add --deployed for a cluster in AWS, or --sandbox FILE to try it, for example --sandbox ${EXAMPLE_SCENARIO}`,
  );
};

const requestOf = (
  { addon, serviceAccount, annotation = 'keep', apply }: GrantFlags,
  target: Target,
): GrantRequest => ({ target, addons: addon, serviceAccounts: serviceAccount, annotation, apply });

/** What is applied to a sandbox that is kept in a file stands in its journal; what only looks does not. */
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

const grantDeployed = async (flags: GrantFlags): Promise<Granted> => {
  const { sandbox, state } = flags;
  if (sandbox !== undefined || state !== undefined)
    throw new CliError(
      'BadOption',
      '--deployed does not go together with --sandbox or --state',
      'Leave out the one or the other',
    );
  try {
    const { tools, target } = await openDeployedTools(flags, process.env);
    return await grantAccess(tools, requestOf(flags, target));
  } catch (error) {
    throw awsError(error);
  }
};

/** The command that carries a dry run out; none where there is nothing to do, or where it could not. */
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

/** A dry run has the objects alone on stdout, so that they can be piped to kubectl. */
const print = (granted: Granted, flags: GrantFlags, io: Io): void => {
  if (flags.json) {
    io.stdout.write(`${jsonText(granted, 2)}\n`);
    return;
  }
  const output = flags.apply ? io.stdout : io.stderr;
  output.write(`${grantedLines(granted, nextCommand(granted, flags), styleFor(output)).join('\n')}\n`);
  if (!flags.apply) io.stdout.write(yamlOf(granted.objects));
  else if (flags.sandbox !== undefined && flags.state === undefined)
    io.stderr.write('This sandbox ends with this command: add --state FILE to keep it.\n');
};

/** 0: done, or shown. 3: something is in the way, and nothing was changed. Throws CliError for everything else. */
export const grantAccessCommand = async (flags: GrantFlags, io: Io): Promise<ExitCode> => {
  const granted = await (flags.deployed === true ? grantDeployed(flags) : grantInSandbox(flags, io));
  print(granted, flags, io);
  return isGrantRefused(granted) ? EXIT_CODES.blocked : EXIT_CODES.ok;
};
