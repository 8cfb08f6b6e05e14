/**
 * Removes the OIDC statement of a migrated add-on from its role's trust policy, or restores it: starts Retire for one
 * migration and follows it.
 */
import { DescribeExecutionCommand, StartExecutionCommand } from '@aws-sdk/client-sfn';
import type { z } from 'zod';
import type { Check } from '../../lambdas/domain/terms/check.ts';
import { checkCommand, RETIREMENT_REFUSALS, type RetiredRole } from '../../lambdas/domain/record/retirement.ts';
import { retireTrustSchema } from '../../lambdas/steps/retire-trust/schema.ts';
import type { StepName } from '../../lambdas/steps/schemas.ts';
import type { Backend } from '../backend.ts';
import { CliError } from '../errors.ts';
import { EXIT_CODES } from '../exit-codes.ts';
import { endingOf, follower, type Watcher } from './follow.ts';
import { findMigration } from './known.ts';

export type RetireRequest = Omit<z.input<typeof retireTrustSchema.input>, 'executionArn' | 'unknownFields'>;

/** What `--json` prints. */
export interface Retired {
  migrationId: string;
  action: RetireRequest['action'];
  dryRun: boolean;
  /** Whether a trust policy was changed. */
  done: boolean;
  checks: Check[];
  roles: RetiredRole[];
}

const STEP = 'retire-trust' satisfies StepName;

const notEnabled = (): CliError =>
  new CliError(
    'NotEnabled',
    'this service has no state machine Retire, because it may not change the trust policy of any role',
    'Deploy it with the CDK context repairableRoleArns, ARN patterns of the roles whose trust policy it may change. With --deployed, set POD_IDENTITY_RETIRE_STATE_MACHINE_ARN to the output RetireStateMachineArn of the stack PodIdentityMigrator',
  );

const notYet = (migrationId: string): CliError =>
  new CliError(
    'RetireRefused',
    `migration ${migrationId} has only just started; nothing was changed`,
    `To follow it: pod-identity show ${migrationId}`,
    EXIT_CODES.blocked,
  );

/** Returns the error for a retirement that was refused without a change. `words`: message of the step. */
export const retireRefused = (words: string, request: RetireRequest): CliError =>
  new CliError(
    'RetireRefused',
    words,
    `To show every check without a change: ${checkCommand(request.migrationId, request)}`,
    EXIT_CODES.blocked,
  );

export const retireFailed = (words: string, executionArn: string | undefined): CliError =>
  new CliError(
    'RetireFailed',
    words,
    `Run the same command again: it reads the current state first, and continues from it.${executionArn === undefined ? '' : `\nExecution: ${executionArn}`}`,
    EXIT_CODES.unexpected,
  );

/** Returns the message of the step, because the execution's cause has more text around it. */
const wordsOf = async (backend: Backend, migrationId: string, name: string): Promise<string | undefined> =>
  (await backend.ledger.listSteps(migrationId))
    .filter((line) => line.name.startsWith(STEP) && line.error?.name === name)
    .sort((a, b) => a.endedAt.localeCompare(b.endedAt))
    .at(-1)?.error?.message;

/** Returns whether something prevents the retirement. */
export const isRefused = ({ checks, roles }: Pick<Retired, 'checks' | 'roles'>): boolean =>
  roles.some(({ result }) => result === 'refused') ||
  (roles.length === 0 && checks.some(({ status }) => status === 'fail' || status === 'unknown'));

/**
 * Retires the trust of a migration, or restores it. Runs in a thread of the backend's clock. Calls `onStart` once Retire
 * runs. A dry run returns what prevents the retirement. Throws UnknownMigration, NotEnabled, RetireRefused if it does
 * not begin, and RetireFailed if the execution fails.
 */
export const retireAndFollow = async (
  backend: Backend,
  request: RetireRequest,
  watcher: Watcher,
  onStart?: () => void,
): Promise<Retired> => {
  const { migrationId, action, dryRun } = request;
  const { retireStateMachineArn: stateMachineArn } = backend;
  if (stateMachineArn === undefined) throw notEnabled();
  if (!(await findMigration(backend, migrationId))) throw notYet(migrationId);
  // A migration may be retired more than once: each execution needs a name of its own.
  const name = `${migrationId}-${backend.ids.ulid()}`;
  const { executionArn = '' } = await backend.stepFunctions.send(
    new StartExecutionCommand({ stateMachineArn, name, input: JSON.stringify(request) }),
  );
  onStart?.();
  const steps = await follower(backend, watcher)(executionArn);
  const execution = await backend.stepFunctions.send(new DescribeExecutionCommand({ executionArn }));
  if (execution.status === 'SUCCEEDED') {
    const { done, checks, roles } = retireTrustSchema.output.parse(JSON.parse(execution.output ?? ''));
    return { migrationId, action, dryRun, done, checks, roles };
  }
  const error = steps.findLast(({ step }) => step === STEP)?.error ?? execution.error;
  const words = (error === undefined ? undefined : await wordsOf(backend, migrationId, error)) ?? endingOf(execution);
  if (error !== undefined && RETIREMENT_REFUSALS.includes(error)) throw retireRefused(words, request);
  throw retireFailed(words, executionArn);
};
