/**
 * Finds a deployed service: by the variables of `service-environment.ts`, or else by the outputs of its stack, which
 * have the same values. Only this module calls CloudFormation.
 */
import type { Stack } from '@aws-sdk/client-cloudformation';
import { shellCommand } from '../lambdas/domain/text/shell.ts';
import { printable } from '../lambdas/domain/text/text.ts';
import { ACCESS_VARIABLES } from './service-roles.ts';
import { configuredRegion } from './aws/session.ts';
import { credentialsError } from './aws/credentials-error.ts';
import { CliError } from './errors.ts';
import { API_URL, OUTPUTS, STACK_REGION } from './service-environment.ts';
import type { StackFlags } from './stack-options.ts';

export type Environment = Readonly<Record<string, string | undefined>>;

/** The name of the stack of `bin/app.ts`. */
export const STACK = 'PodIdentityMigrator';

/**
 * What a command needs to know: `service` the API or the parts of the service, `parts` only the parts, `roles` the roles
 * that call API servers.
 */
export type Need = 'service' | 'parts' | 'roles';

interface Variable {
  variable: string;
  output: string;
  optional?: true;
}

const VARIABLES: Record<Need, Variable[]> = {
  service: OUTPUTS,
  parts: OUTPUTS,
  roles: Object.values(ACCESS_VARIABLES),
};
const ALL: Variable[] = [{ variable: API_URL, output: 'ApiUrl', optional: true }, ...OUTPUTS, ...VARIABLES.roles];

const isSet = (environment: Environment, variable: string): boolean => (environment[variable] ?? '') !== '';

const isComplete = (environment: Environment, need: Need): boolean =>
  (need === 'service' && isSet(environment, API_URL)) ||
  VARIABLES[need].every(({ variable, optional }) => optional === true || isSet(environment, variable));

/** The variables to set where CloudFormation cannot be asked. */
const variablesOf = (need: Need): string =>
  [
    ...(need === 'service' ? [`${API_URL}: output ApiUrl (enough for most commands)`] : []),
    ...VARIABLES[need]
      .filter(({ optional }) => optional !== true)
      .map(({ variable, output }) => `${variable}: output ${output}`),
  ].join('\n');

/**
 * Returns the outputs by the names that the service gives them. In a stack of one's own, CDK puts the path of the
 * construct before a name, and a hash after it.
 */
export const outputsByName = (
  outputs: readonly { OutputKey?: string | undefined; OutputValue?: string | undefined }[],
  names: readonly string[],
): Map<string, string[]> => {
  const longestFirst = names.toSorted((a, b) => b.length - a.length);
  const found = new Map<string, string[]>();
  for (const { OutputKey: key = '', OutputValue: value = '' } of outputs) {
    const name =
      names.find((each) => each === key) ?? longestFirst.find((each) => key.replace(/[0-9A-F]{8}$/, '').endsWith(each));
    if (name !== undefined) found.set(name, [...new Set([...(found.get(name) ?? []), value])]);
  }
  return found;
};

/** Where stacks were searched, for messages. */
interface Searched {
  stack: string;
  account: string;
  regions: readonly string[];
  need: Need;
}

const notFound = ({ stack, account, regions, need }: Searched): CliError =>
  new CliError(
    'NoStack',
    `account ${account} has no stack ${stack} in ${regions.join(' or ')}, so the deployed service was not found`,
    [
      `If it has another name or region, add --stack NAME or --stack-region REGION. To list the stacks of a region: ${shellCommand(['aws', 'cloudformation', 'list-stacks', '--region', regions[0] ?? ''])}`,
      'If it is in another account, set these variables to the outputs of its stack:',
      variablesOf(need),
      'To deploy it, see docs/configuration.md, or use the command without --deployed.',
    ].join('\n'),
  );

const notAllowed = (message: string, { stack, need }: Searched): CliError =>
  new CliError(
    'NotAllowed',
    `the outputs of stack ${stack} cannot be read: ${message}`,
    `Allow these credentials cloudformation:DescribeStacks, or set these variables to the outputs of the stack:\n${variablesOf(need)}`,
  );

/** Returns the error with the stack that was to be read, unless the credentials are to blame. */
const unreadable = (error: CliError, { stack, regions, need }: Searched): CliError =>
  error.name === 'AwsError'
    ? new CliError(
        error.name,
        `stack ${stack} cannot be read in ${regions[0]}: ${error.message}`,
        `${error.hint}\nOr set these variables to the outputs of the stack:\n${variablesOf(need)}`,
        error.exitCode,
        { cause: error },
      )
    : error;

/** Statuses in which the service is there and works: also while an update of the stack is under way. */
const USABLE =
  /^(CREATE|UPDATE|IMPORT|UPDATE_ROLLBACK|IMPORT_ROLLBACK)_COMPLETE(_CLEANUP_IN_PROGRESS)?$|^(UPDATE|UPDATE_ROLLBACK|IMPORT|IMPORT_ROLLBACK)_IN_PROGRESS$/;

const unusable = ({ StackStatus, StackStatusReason: reason }: Stack, searched: Searched): CliError => {
  const status = String(StackStatus);
  const [region = ''] = searched.regions;
  const why = reason === undefined ? '' : ` (${printable(reason)})`;
  const deleting = status.startsWith('DELETE');
  return new CliError(
    'StackNotUsable',
    `stack ${searched.stack} in account ${searched.account}, ${region} has the status ${status}${why}: ${deleting ? 'the service is being removed, or was' : 'the service is not completely deployed'}`,
    `To see what happened: ${shellCommand(['aws', 'cloudformation', 'describe-stack-events', '--stack-name', searched.stack, '--region', region])}`,
  );
};

/** Returns the variables whose values are outputs of the stack. */
const variablesIn = ({ Outputs = [] }: Stack, searched: Searched): Record<string, string> => {
  const found = outputsByName(
    Outputs,
    ALL.map(({ output }) => output),
  );
  const several = [...found].find(([, values]) => values.length > 1);
  if (several)
    throw new CliError(
      'AmbiguousStack',
      `stack ${searched.stack} has ${several[1].length} outputs ${several[0]}: it contains the service more than once`,
      `Set these variables to the outputs of the service that you mean:\n${variablesOf(searched.need)}`,
    );
  const variables = Object.fromEntries(
    ALL.flatMap(({ variable, output }) => found.get(output)?.map((value) => [variable, value] as const) ?? []),
  );
  if (isComplete(variables, searched.need)) return variables;
  const missing = VARIABLES[searched.need].filter(
    ({ variable, optional }) => optional !== true && !isSet(variables, variable),
  );
  throw new CliError(
    'NotTheService',
    `stack ${searched.stack} has no output ${missing.map(({ output }) => output).join(', ')}, so it does not contain this version of the service`,
    'Name the stack that does: --stack NAME',
  );
};

/** Returns the region of the caller's configuration; undefined if there is none. */
const ownRegion = async (environment: Environment, profile: string | undefined): Promise<string | undefined> =>
  environment['AWS_REGION'] ??
  environment['AWS_DEFAULT_REGION'] ??
  (await configuredRegion(profile).catch(() => undefined));

const describe = async (name: string, regions: readonly string[], profile: string | undefined, need: Need) => {
  const { CloudFormationClient, DescribeStacksCommand } = await import('@aws-sdk/client-cloudformation');
  const searched: Searched = { stack: name, account: '', regions, need };
  for (const region of regions) {
    const client = new CloudFormationClient({ region, ...(profile === undefined ? {} : { profile }) });
    try {
      const { Stacks: [stack] = [] } = await client.send(new DescribeStacksCommand({ StackName: name }));
      const account = stack?.StackId?.split(':')[4] ?? '';
      if (stack) return { stack, searched: { ...searched, account, regions: [region] } };
    } catch (error) {
      const { name: code, message } = error instanceof Error ? error : { name: '', message: String(error) };
      if (/^AccessDenied|^UnauthorizedOperation/.test(code)) throw notAllowed(message, searched);
      if (code !== 'ValidationError' || !/does not exist/.test(message))
        throw unreadable(credentialsError(error, profile), { ...searched, regions: [region] });
    } finally {
      client.destroy();
    }
  }
  throw notFound({ ...searched, account: await accountOf(regions[0] ?? '', profile) });
};

const accountOf = async (region: string, profile: string | undefined): Promise<string> => {
  const { GetCallerIdentityCommand, STSClient } = await import('@aws-sdk/client-sts');
  const sts = new STSClient({ region, ...(profile === undefined ? {} : { profile }) });
  try {
    return (await sts.send(new GetCallerIdentityCommand({}))).Account ?? '';
  } catch (error) {
    throw credentialsError(error, profile);
  } finally {
    sts.destroy();
  }
};

/** Returns the environment without the variables that locate a service, and without those that are undefined. */
const elsewhere = (environment: Environment, names: readonly string[]): Environment =>
  Object.fromEntries(
    Object.entries(environment).filter(([name, value]) => value !== undefined && !names.includes(name)),
  );

/**
 * Returns the environment with the variables that locate the service. Variables that are set are kept, and if they are
 * enough, nothing is called; with `--stack` or `--stack-region`, they are ignored. A variable that is set to nothing is
 * kept too, so that `POD_IDENTITY_API_URL=` selects direct calls. The region of the caller's configuration becomes
 * AWS_REGION. Throws a CliError if there is no such stack, if it is in a status in which the service does not work, or if
 * these credentials may not read it.
 */
export const findService = async (flags: StackFlags, environment: Environment, need: Need): Promise<Environment> => {
  const { stack: named, stackRegion, region, profile = environment['AWS_PROFILE'] } = flags;
  const isNamed = named !== undefined || stackRegion !== undefined;
  const given: Environment = {
    ...elsewhere(environment, isNamed ? ALL.map(({ variable }) => variable) : []),
    ...(profile === undefined ? {} : { AWS_PROFILE: profile }),
  };
  if (!isNamed && isComplete(given, need)) return given;
  const own = await ownRegion(environment, profile);
  const regions = stackRegion === undefined ? [own, region].flat() : [stackRegion];
  const searched = [...new Set(regions.filter((each) => each !== undefined))];
  // Throws the error for a missing region.
  if (searched.length === 0) await configuredRegion(profile);
  const found = await describe(named ?? STACK, searched, profile, need);
  if (!USABLE.test(found.stack.StackStatus ?? '')) throw unusable(found.stack, found.searched);
  const variables = variablesIn(found.stack, found.searched);
  // Variables of the parts select direct calls.
  if (!isNamed && OUTPUTS.some(({ variable }) => isSet(given, variable))) delete variables[API_URL];
  const at = found.searched.regions[0];
  return {
    ...variables,
    ...(at === undefined ? {} : { [STACK_REGION]: at }),
    ...(own === undefined ? {} : { AWS_REGION: own }),
    ...given,
  };
};
