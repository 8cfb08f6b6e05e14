/** The variables that say where a deployed service is: printed by `sandbox`, read by `--deployed`. */
import { CliError } from './errors.ts';
import { PROGRAM } from './options.ts';

export interface ServiceOutputs {
  stateMachineArn: string;
  recoverStateMachineArn: string;
  /** Of a service that may change roles' trust policies. */
  retireStateMachineArn?: string;
  tableName: string;
}

/** By the service's output: the variable, and the output of the stack PodIdentityMigrator that has its value. */
const VARIABLES: Record<keyof ServiceOutputs, { variable: string; output: string; optional?: true }> = {
  stateMachineArn: { variable: 'POD_IDENTITY_STATE_MACHINE_ARN', output: 'StateMachineArn' },
  recoverStateMachineArn: { variable: 'POD_IDENTITY_RECOVER_STATE_MACHINE_ARN', output: 'RecoverStateMachineArn' },
  retireStateMachineArn: { variable: 'POD_IDENTITY_RETIRE_STATE_MACHINE_ARN', output: 'RetireStateMachineArn', optional: true },
  tableName: { variable: 'POD_IDENTITY_TABLE_NAME', output: 'TableName' },
};
/** `1`: what is deployed is a sandbox, so that durations come from its knobs. */
const SIMULATED = 'POD_IDENTITY_SIMULATED';

const names = Object.keys(VARIABLES) as (keyof ServiceOutputs)[];

export const serviceEnvironment = (outputs: ServiceOutputs): Record<string, string> => ({
  ...Object.fromEntries(names.flatMap((name) => (outputs[name] === undefined ? [] : [[VARIABLES[name].variable, outputs[name]]]))),
  [SIMULATED]: '1',
});

const ARN = /^arn:[\w-]+:states:[\w-]+:\d{12}:stateMachine:\S+$/;

/** Throws a CliError that names every variable that is missing or wrong, and where its value comes from. */
export const readServiceEnvironment = (environment: Readonly<Record<string, string | undefined>>): ServiceOutputs & { simulated: boolean } => {
  const value = (name: keyof ServiceOutputs): string => environment[VARIABLES[name].variable] ?? '';
  const wrong = names.filter((name) => {
    if (value(name) === '') return !VARIABLES[name].optional;
    return name !== 'tableName' && !ARN.test(value(name));
  });
  if (wrong.length > 0) {
    const lines = wrong.map((name) => `${VARIABLES[name].variable} ${value(name) ? 'must be the ARN of a state machine' : 'is not set'}`);
    const sources = wrong.map((name) => `${VARIABLES[name].variable}: output ${VARIABLES[name].output}`);
    throw new CliError(
      'NotConfigured',
      `--deployed needs to know where the service is:\n${lines.join('\n')}`,
      `Set them to the outputs of the stack PodIdentityMigrator (aws cloudformation describe-stacks --stack-name PodIdentityMigrator):\n${sources.join('\n')}\n"${PROGRAM} sandbox" prints them for the service in a sandbox.`,
    );
  }
  const retireStateMachineArn = value('retireStateMachineArn');
  return {
    stateMachineArn: value('stateMachineArn'),
    recoverStateMachineArn: value('recoverStateMachineArn'),
    ...(retireStateMachineArn === '' ? {} : { retireStateMachineArn }),
    tableName: value('tableName'),
    simulated: environment[SIMULATED] === '1',
  };
};
