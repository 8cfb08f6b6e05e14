/** Where a command runs, by its flags. */
import { CliError } from './errors.ts';
import { EXAMPLE_SCENARIO, type CommonFlags, type KnownFlags, PROGRAM } from './options.ts';

/** A sandbox that lasts as long as the command. */
export interface SandboxChoice {
  kind: 'sandbox';
  scenario: string;
  seed?: number;
  clock?: NonNullable<CommonFlags['clock']>;
  calls?: string;
}
/** A sandbox whose state is kept in a file; `scenario` may be left out where the file is there. */
export interface StateChoice {
  kind: 'state';
  file: string;
  scenario?: string;
  seed?: number;
  calls?: string;
}
/** A deployed service, or a sandbox that somebody serves. */
export interface DeployedChoice {
  kind: 'deployed';
}
export type BackendChoice = SandboxChoice | StateChoice | DeployedChoice;

const bad = (message: string, hint: string): CliError => new CliError('BadOption', message, hint);

const refuseLocal = (local: boolean | undefined): void => {
  if (!local) return;
  throw new CliError(
    'NotAvailable',
    '--local is not available in this version: it runs in the sandbox, or starts a deployed service',
    `Use --sandbox FILE, for example --sandbox ${EXAMPLE_SCENARIO}, or --deployed`,
  );
};

/** The sandbox of a command with these two flags and no more of its own; undefined where it has neither. */
export const sandboxChoice = ({
  sandbox,
  state,
}: Pick<CommonFlags, 'sandbox' | 'state'>): SandboxChoice | StateChoice | undefined => {
  if (state !== undefined)
    return { kind: 'state', file: state, ...(sandbox === undefined ? {} : { scenario: sandbox }) };
  return sandbox === undefined ? undefined : { kind: 'sandbox', scenario: sandbox };
};

/**
 * Of the commands that migrate, or sweep. Throws a CliError for flags that don't go together, and for places that this
 * version does not have.
 */
export const backendOfMigration = ({
  sandbox,
  state,
  local,
  deployed,
  seed,
  clock,
  calls,
}: Pick<CommonFlags, 'sandbox' | 'state' | 'local' | 'deployed' | 'seed' | 'clock' | 'calls'>): BackendChoice => {
  refuseLocal(local);
  if (deployed) {
    const others = Object.entries({ sandbox, state, seed, clock, calls }).flatMap(([name, value]) =>
      value === undefined ? [] : [`--${name}`],
    );
    if (others.length > 0)
      throw bad(
        `--deployed does not go together with ${others.join(', ')}`,
        'Leave out the one or the other: those are of the embedded sandbox',
      );
    return { kind: 'deployed' };
  }
  if (state !== undefined) {
    if (clock !== undefined && clock !== 'virtual') {
      throw bad(
        '--state goes with virtual time only',
        'Leave --clock out: what the file holds is replayed by every command, in a moment',
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
      'there is no --sandbox FILE and no --deployed: it is not clear where to run',
      `Add --sandbox FILE to try it, for example --sandbox ${EXAMPLE_SCENARIO}, or --deployed to start the deployed service`,
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

type Kept = Pick<KnownFlags, 'sandbox' | 'state' | 'local' | 'deployed'>;

/** `what` is looked for, such as `migration 01J…`, which `is` there. */
const backendOfKept = (
  { sandbox, state, local, deployed }: Kept,
  what: string,
  is: 'is' | 'are',
): StateChoice | DeployedChoice => {
  refuseLocal(local);
  if (deployed) {
    if (sandbox !== undefined || state !== undefined)
      throw bad('--deployed does not go together with --sandbox or --state', 'Leave out the one or the other');
    return { kind: 'deployed' };
  }
  if (state !== undefined)
    return { kind: 'state', file: state, ...(sandbox === undefined ? {} : { scenario: sandbox }) };
  const hint = `Keep the sandbox in a file: add --state FILE to this command and to the ones before it, from the first on.\nOr serve one with "${PROGRAM} sandbox", and use --deployed.`;
  if (sandbox !== undefined) {
    throw new CliError(
      'NoState',
      `the sandbox of --sandbox ${sandbox} begins anew with every command, so ${what} ${is} not in it`,
      hint,
    );
  }
  throw new CliError(
    'NoSandbox',
    `there is no --state FILE and no --deployed: it is not clear where ${what} ${is}`,
    hint,
  );
};

/** Of the list of all sweeps, and of the commands about one. Throws as `backendOfKnown` does. */
export const backendOfSweep = (flags: Kept & { sweepId?: string }): StateChoice | DeployedChoice =>
  flags.sweepId === undefined
    ? backendOfKept(flags, 'earlier sweeps', 'are')
    : backendOfKept(flags, `sweep ${flags.sweepId}`, 'is');

/** Of the list of all. Throws as `backendOfKnown` does. */
export const backendOfList = (flags: Kept): StateChoice | DeployedChoice =>
  backendOfKept(flags, 'earlier migrations', 'are');

/**
 * Of the commands about a migration that there is: somewhere that outlives the command. Throws a CliError otherwise.
 */
export const backendOfKnown = (flags: KnownFlags): StateChoice | DeployedChoice =>
  backendOfKept(flags, `migration ${flags.migrationId}`, 'is');
