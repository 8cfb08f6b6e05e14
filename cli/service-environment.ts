/** The variables that say where a deployed service is: printed by `sandbox`, read by `--deployed`. */
import { approverRule, type ApproverRule } from '../lambdas/domain/approval/approval.ts';
import { CliError } from './errors.ts';
import { PROGRAM } from './options.ts';

export interface ServiceOutputs {
  stateMachineArn: string;
  recoverStateMachineArn: string;
  /** Of a service that may change roles' trust policies. */
  retireStateMachineArn?: string;
  /** What runs sweeps, and where it keeps what they find: sweeps by direct calls need them. */
  sweepStateMachineArn?: string;
  sweepBucketName?: string;
  tableName: string;
}

/** What sweeps by direct calls need; throws a CliError that says so where it is not there. */
export const requireSweeps = ({ sweepStateMachineArn }: Pick<ServiceOutputs, 'sweepStateMachineArn'>): string => {
  if (sweepStateMachineArn !== undefined) return sweepStateMachineArn;
  const { variable, output } = VARIABLES.sweepStateMachineArn;
  throw new CliError(
    'NotConfigured',
    `it is not said which state machine runs sweeps: ${variable} is not set`,
    `Set it to the output ${output} of the stack PodIdentityMigrator; a stack without it is of a version that has no sweeps`,
  );
};

/** By the service's output: the variable, and the output of the stack PodIdentityMigrator that has its value. */
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
/** `1`: what is deployed is a sandbox, so that durations come from its knobs. */
const SIMULATED = 'POD_IDENTITY_SIMULATED';
/** URL of a stage of the service's API, the output ApiUrl: whatever has a route goes by it alone. */
const API_URL = 'POD_IDENTITY_API_URL';
/** Who may approve, as the deployment's configuration says: needed where somebody approves by direct calls. */
const APPROVER = 'POD_IDENTITY_APPROVER';

/** `true`: the deployment's configuration lets migrations be approved whose requester nobody has authenticated. */
const ALLOW_UNKNOWN_REQUESTER = 'POD_IDENTITY_ALLOW_UNKNOWN_REQUESTER';

const names = Object.keys(VARIABLES) as (keyof ServiceOutputs)[];

/** `apiUrl`: of a service that has an API. */
export const serviceEnvironment = (outputs: ServiceOutputs, apiUrl?: string): Record<string, string> => ({
  ...Object.fromEntries(
    names.flatMap((name) => (outputs[name] === undefined ? [] : [[VARIABLES[name].variable, outputs[name]]])),
  ),
  ...(apiUrl === undefined ? {} : { [API_URL]: apiUrl }),
  [SIMULATED]: '1',
  // As the configuration of a sandbox has it.
  [ALLOW_UNKNOWN_REQUESTER]: 'true',
});

type Environment = Readonly<Record<string, string | undefined>>;

export const isSimulated = (environment: Environment): boolean => environment[SIMULATED] === '1';

/**
 * Undefined where the service is called directly. Throws a CliError for what is no such URL: requests carry the
 * caller's credentials.
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
    `${API_URL} must be the URL of a stage of the service's API, by https (http on this machine alone)`,
    'Set it to the output ApiUrl of the stack PodIdentityMigrator, such as https://a1b2c3d4e5.execute-api.eu-west-1.amazonaws.com/v1, or leave it out to call the parts of the service directly',
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
    'Set it to what the deployment has configured (approvals.approver), or leave it out: then the strictest rule counts',
  );
};

const ARN = /^arn:[\w-]+:states:[\w-]+:\d{12}:stateMachine:\S+$/;

/** Throws a CliError that names every variable that is missing or wrong, and where its value comes from. */
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
    const api = environment[API_URL] ? `This command is none that the API (${API_URL}) has. ` : '';
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
