/** The environment variables that locate a deployed service: printed by `sandbox`, read by `--deployed`. */
import { approverRule, type ApproverRule } from '../lambdas/domain/approval/approval.ts';
import { CliError } from './errors.ts';
import { PROGRAM } from './options.ts';

export interface ServiceOutputs {
  stateMachineArn: string;
  recoverStateMachineArn: string;
  /** Present if the service may change trust policies of roles. */
  retireStateMachineArn?: string;
  /** State machine and bucket of sweeps: needed for sweeps by direct calls. */
  sweepStateMachineArn?: string;
  sweepBucketName?: string;
  tableName: string;
}

/** Returns the state machine that sweeps by direct calls need. Throws a CliError if its variable is not set. */
export const requireSweeps = ({ sweepStateMachineArn }: Pick<ServiceOutputs, 'sweepStateMachineArn'>): string => {
  if (sweepStateMachineArn !== undefined) return sweepStateMachineArn;
  const { variable, output } = VARIABLES.sweepStateMachineArn;
  throw new CliError(
    'NotConfigured',
    `the state machine of sweeps is not known: ${variable} is not set`,
    `Set it to the output ${output} of the stack PodIdentityMigrator; a stack without this output has a version without sweeps`,
  );
};

/** For each output of the service, its variable and the name of the output of the stack PodIdentityMigrator. */
const VARIABLES: Record<keyof ServiceOutputs, { variable: string; output: string; optional?: true }> = {
  stateMachineArn: { variable: 'POD_IDENTITY_STATE_MACHINE_ARN', output: 'StateMachineArn' },
  recoverStateMachineArn: { variable: 'POD_IDENTITY_RECOVER_STATE_MACHINE_ARN', output: 'RecoverStateMachineArn' },
  retireStateMachineArn: {
    variable: 'POD_IDENTITY_RETIRE_STATE_MACHINE_ARN',
    output: 'RetireStateMachineArn',
    optional: true,
  },
  sweepStateMachineArn: {
    variable: 'POD_IDENTITY_SWEEP_STATE_MACHINE_ARN',
    output: 'SweepStateMachineArn',
    optional: true,
  },
  sweepBucketName: { variable: 'POD_IDENTITY_SWEEP_BUCKET_NAME', output: 'SweepBucketName', optional: true },
  tableName: { variable: 'POD_IDENTITY_TABLE_NAME', output: 'TableName' },
};
/** `1` if the service runs in a sandbox, so that durations come from its knobs. */
const SIMULATED = 'POD_IDENTITY_SIMULATED';
/** URL of a stage of the service's API, the output ApiUrl. Every command with a route in the API uses only that. */
export const API_URL = 'POD_IDENTITY_API_URL';
/** The region of the stack that the URL was found in: set by this program, for a URL that does not contain its region. */
export const STACK_REGION = 'POD_IDENTITY_STACK_REGION';
/** Who may approve, according to the deployment's configuration: needed to approve by direct calls. */
const APPROVER = 'POD_IDENTITY_APPROVER';

/** `true` if the deployment's configuration allows approving migrations with an unauthenticated requester. */
const ALLOW_UNKNOWN_REQUESTER = 'POD_IDENTITY_ALLOW_UNKNOWN_REQUESTER';

/** The variables of the service's parts, with the outputs that have the same values. */
export const OUTPUTS = Object.values(VARIABLES);

const names = Object.keys(VARIABLES) as (keyof ServiceOutputs)[];

/** Returns the environment for a service. `apiUrl`: URL of its API, if it has one. */
export const serviceEnvironment = (outputs: ServiceOutputs, apiUrl?: string): Record<string, string> => ({
  ...Object.fromEntries(
    names.flatMap((name) => (outputs[name] === undefined ? [] : [[VARIABLES[name].variable, outputs[name]]])),
  ),
  ...(apiUrl === undefined ? {} : { [API_URL]: apiUrl }),
  [SIMULATED]: '1',
  // The default configuration of a sandbox.
  [ALLOW_UNKNOWN_REQUESTER]: 'true',
});

type Environment = Readonly<Record<string, string | undefined>>;

export const isSimulated = (environment: Environment): boolean => environment[SIMULATED] === '1';

/**
 * Returns the URL of the API, or undefined if the service is called directly. Throws a CliError for any other URL,
 * because requests are signed with the caller's credentials.
 */
export const apiUrlIn = (environment: Environment): string | undefined => {
  const given = environment[API_URL];
  if (given === undefined || given === '') return undefined;
  const url = URL.canParse(given) ? new URL(given) : undefined;
  const isLocal = url !== undefined && ['127.0.0.1', 'localhost', '[::1]'].includes(url.hostname);
  if (
    url &&
    url.search === '' &&
    url.hash === '' &&
    url.username === '' &&
    (url.protocol === 'https:' || (url.protocol === 'http:' && isLocal))
  )
    return given.replace(/\/+$/, '');
  throw new CliError(
    'NotConfigured',
    `${API_URL} must be the URL of a stage of the service's API, with https (http only on this machine)`,
    'Set it to the output ApiUrl of the stack PodIdentityMigrator, such as https://a1b2c3d4e5.execute-api.eu-west-1.amazonaws.com/v1, or unset it to call the parts of the service directly',
  );
};

const approverIn = (environment: Environment): ApproverRule | undefined => {
  const given = environment[APPROVER];
  if (given === undefined || given === '') return undefined;
  const parsed = approverRule.safeParse(given);
  if (parsed.success) return parsed.data;
  throw new CliError(
    'NotConfigured',
    `${APPROVER} must be ${approverRule.options.join(', ').replace(/, ([^,]*)$/, ' or $1')}`,
    'Set it to the value in the configuration of the deployment (approvals.approver), or unset it to apply the strictest rule',
  );
};

const ARN = /^arn:[\w-]+:states:[\w-]+:\d{12}:stateMachine:\S+$/;

/** Reads the variables. Throws a CliError that names every missing or wrong variable and the source of its value. */
export const readServiceEnvironment = (
  environment: Environment,
): ServiceOutputs & { simulated: boolean; approver?: ApproverRule; allowUnknownRequester: boolean } => {
  const value = (name: keyof ServiceOutputs): string => environment[VARIABLES[name].variable] ?? '';
  const wrong = names.filter((name) => {
    if (value(name) === '') return !VARIABLES[name].optional;
    return name.endsWith('Arn') && !ARN.test(value(name));
  });
  if (wrong.length > 0) {
    const lines = wrong.map(
      (name) => `${VARIABLES[name].variable} ${value(name) ? 'must be the ARN of a state machine' : 'is not set'}`,
    );
    const sources = wrong.map((name) => `${VARIABLES[name].variable}: output ${VARIABLES[name].output}`);
    const api = environment[API_URL] ? `The API (${API_URL}) does not have this command. ` : '';
    throw new CliError(
      'NotConfigured',
      `${api}--deployed needs to know where the service is:\n${lines.join('\n')}`,
      `Set them to the outputs of the stack PodIdentityMigrator (aws cloudformation describe-stacks --stack-name PodIdentityMigrator):\n${sources.join('\n')}\n"${PROGRAM} sandbox" prints them for the service in a sandbox.`,
    );
  }
  const approver = approverIn(environment);
  const optional = (name: 'retireStateMachineArn' | 'sweepStateMachineArn' | 'sweepBucketName') =>
    value(name) === '' ? {} : { [name]: value(name) };
  return {
    stateMachineArn: value('stateMachineArn'),
    recoverStateMachineArn: value('recoverStateMachineArn'),
    ...optional('retireStateMachineArn'),
    ...optional('sweepStateMachineArn'),
    ...optional('sweepBucketName'),
    tableName: value('tableName'),
    ...(approver === undefined ? {} : { approver }),
    allowUnknownRequester: environment[ALLOW_UNKNOWN_REQUESTER] === 'true',
    simulated: isSimulated(environment),
  };
};
