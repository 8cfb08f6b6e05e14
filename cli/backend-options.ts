/** Determines from its flags where a command runs. */
import type { StackFlags } from './stack-options.ts';
import { CliError } from './errors.ts';
import { EXAMPLE_SCENARIO, type CommonFlags, type KnownFlags, PROGRAM } from './options.ts';

/** A sandbox that exists only for the duration of the command. */
export interface SandboxChoice {
  kind: 'sandbox';
  scenario: string;
  seed?: number;
  clock?: NonNullable<CommonFlags['clock']>;
  calls?: string;
}
/** A sandbox whose state is kept in a file; `scenario` is optional if the file exists. */
export interface StateChoice {
  kind: 'state';
  file: string;
  scenario?: string;
  seed?: number;
  calls?: string;
}
/** A deployed service, or a sandbox that `sandbox` serves in another process. */
export interface DeployedChoice extends StackFlags {
  kind: 'deployed';
}
export type BackendChoice = SandboxChoice | StateChoice | DeployedChoice;
/** AWS with the caller's own credentials, without a deployed service: only for commands that change nothing. */
export interface AwsChoice {
  kind: 'aws';
}

const bad = (message: string, hint: string): CliError => new CliError('BadOption', message, hint);

type Located = StackFlags & { deployed?: boolean | undefined };

/** Throws a CliError for options that locate a deployed service without `--deployed`. */
export const refuseStack = ({ deployed, stack, stackRegion }: Located): void => {
  if (deployed || (stack === undefined && stackRegion === undefined)) return;
  throw bad(
    `${stack === undefined ? '--stack-region' : '--stack'} works only with --deployed`,
    'Add --deployed, or omit the option',
  );
};

const deployedChoice = ({ stack, stackRegion, profile, region }: StackFlags): DeployedChoice => ({
  kind: 'deployed',
  stack,
  stackRegion,
  profile,
  region,
});

/** Returns the sandbox that these two flags select, or undefined if neither is given. */
export const sandboxChoice = ({
  sandbox,
  state,
}: Pick<CommonFlags, 'sandbox' | 'state'>): SandboxChoice | StateChoice | undefined => {
  if (state !== undefined)
    return { kind: 'state', file: state, ...(sandbox === undefined ? {} : { scenario: sandbox }) };
  return sandbox === undefined ? undefined : { kind: 'sandbox', scenario: sandbox };
};

/**
 * Returns where a command that migrates or sweeps runs. Throws a CliError for flags that cannot be combined, and for
 * backends that this version does not have.
 */
export const backendOfMigration = ({
  sandbox,
  state,
  deployed,
  seed,
  clock,
  calls,
  ...located
}: Pick<CommonFlags, 'sandbox' | 'state' | 'deployed' | 'seed' | 'clock' | 'calls'> & StackFlags): BackendChoice => {
  refuseStack({ deployed, ...located });
  if (deployed) {
    const others = Object.entries({ sandbox, state, seed, clock, calls }).flatMap(([name, value]) =>
      value === undefined ? [] : [`--${name}`],
    );
    if (others.length > 0)
      throw bad(
        `--deployed cannot be combined with ${others.join(', ')}`,
        'Omit one or the other: those options are for the embedded sandbox',
      );
    return deployedChoice(located);
  }
  if (state !== undefined) {
    if (clock !== undefined && clock !== 'virtual') {
      throw bad(
        '--state works only with virtual time',
        'Omit --clock: every command replays the content of the file at once',
      );
    }
    return {
      kind: 'state',
      file: state,
      ...(sandbox === undefined ? {} : { scenario: sandbox }),
      ...(seed === undefined ? {} : { seed }),
      ...(calls === undefined ? {} : { calls }),
    };
  }
  if (sandbox === undefined) {
    throw new CliError(
      'NoSandbox',
      'this command makes changes, and neither --sandbox FILE nor --deployed is given, so it is not clear where to run',
      `To rehearse it on a twin of your cluster: ${PROGRAM} record --cluster CLUSTER > twin.json, then add --sandbox twin.json
To try it on an example: add --sandbox ${EXAMPLE_SCENARIO}
To run it in AWS: deploy the service (docs/configuration.md), then add --deployed`,
    );
  }
  return {
    kind: 'sandbox',
    scenario: sandbox,
    ...(seed === undefined ? {} : { seed }),
    ...(clock === undefined ? {} : { clock }),
    ...(calls === undefined ? {} : { calls }),
  };
};

/** Flags that only a command with a backend of its own accepts. */
type ReadingChoice = Pick<CommonFlags, 'sandbox' | 'state' | 'deployed'> &
  Partial<Pick<CommonFlags, 'seed' | 'clock' | 'calls'>> &
  StackFlags;

/**
 * Returns where a command that changes nothing reads: in AWS with the caller's own credentials unless a flag selects
 * another backend. Throws a CliError for flags that cannot be combined.
 */
export const backendOfReading = (flags: ReadingChoice): BackendChoice | AwsChoice => {
  const { sandbox, state, deployed, seed, clock, calls, profile, stack, stackRegion, region } = flags;
  const located = { stack, stackRegion, profile, region };
  refuseStack({ deployed, ...located });
  const isSandbox = sandbox !== undefined || state !== undefined;
  if (isSandbox && profile !== undefined)
    throw bad(
      '--profile cannot be combined with --sandbox or --state',
      'Omit one or the other: a sandbox has credentials of its own',
    );
  if (deployed || isSandbox) return backendOfMigration({ sandbox, state, deployed, seed, clock, calls, ...located });
  const others = Object.entries({ seed, clock, calls }).flatMap(([name, value]) =>
    value === undefined ? [] : [`--${name}`],
  );
  if (others.length > 0)
    throw bad(`${others.join(', ')} without --sandbox`, 'Add --sandbox FILE, or omit these options');
  return { kind: 'aws' };
};

type Kept = Pick<KnownFlags, 'sandbox' | 'state' | 'deployed'> & StackFlags;

/** Returns where the command finds `what`, such as `migration 01J…`; `is` is the verb for messages. */
const backendOfKept = (
  { sandbox, state, deployed, ...located }: Kept,
  what: string,
  is: 'is' | 'are',
): StateChoice | DeployedChoice => {
  refuseStack({ deployed, ...located });
  if (deployed) {
    if (sandbox !== undefined || state !== undefined)
      throw bad('--deployed cannot be combined with --sandbox or --state', 'Omit one or the other');
    return deployedChoice(located);
  }
  if (state !== undefined)
    return { kind: 'state', file: state, ...(sandbox === undefined ? {} : { scenario: sandbox }) };
  const hint = `Keep the sandbox in a file: add --state FILE to this command and to all earlier ones.\nOr serve a sandbox with "${PROGRAM} sandbox", and use --deployed.`;
  if (sandbox !== undefined) {
    throw new CliError(
      'NoState',
      `the sandbox of --sandbox ${sandbox} starts afresh with every command, so ${what} ${is} not in it`,
      hint,
    );
  }
  throw new CliError(
    'NoSandbox',
    `neither --state FILE nor --deployed is given, so it is not clear where ${what} ${is}`,
    hint,
  );
};

/** Returns where the list of sweeps, or a command about one sweep, runs. Throws as `backendOfKnown` does. */
export const backendOfSweep = (flags: Kept & { sweepId?: string }): StateChoice | DeployedChoice =>
  flags.sweepId === undefined
    ? backendOfKept(flags, 'earlier sweeps', 'are')
    : backendOfKept(flags, `sweep ${flags.sweepId}`, 'is');

/** Returns where the list of migrations runs. Throws as `backendOfKnown` does. */
export const backendOfList = (flags: Kept): StateChoice | DeployedChoice =>
  backendOfKept(flags, 'earlier migrations', 'are');

/**
 * Returns where a command about an existing migration runs. Throws a CliError unless that outlives the command.
 */
export const backendOfKnown = (flags: KnownFlags): StateChoice | DeployedChoice =>
  backendOfKept(flags, `migration ${flags.migrationId}`, 'is');
