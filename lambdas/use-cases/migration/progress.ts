/** Reads the progress of a migration that has not ended, for the command line and for the API. */
import type { Approval } from '../../domain/approval/approval.ts';
import { type AuthenticatedRequester, requesterOf } from '../../domain/approval/requester.ts';
import type { Cancellation, Migration } from '../../domain/record/migration.ts';
import type { Correlation } from '../../domain/terms/correlation.ts';
import type { Plan, Attempt } from '../../domain/record/plan.ts';
import { type Recovery, type Rollback, requestedRollback } from '../../domain/record/rollback.ts';
import type { Retirement } from '../../domain/record/retirement.ts';
import type { StepLine } from '../../domain/terms/evidence.ts';
import type { HandOff } from '../../domain/terms/hand-off.ts';
import { handOffOf } from '../../domain/hand-off/of-record.ts';
import type { ServiceAccountRef } from '../../domain/terms/subject.ts';
import { type WaitingFor, waitingForOf } from '../../domain/waiting/waiting-for.ts';
import type { Ledger } from '../../ports/index.ts';

export interface Running {
  migrationId: string;
  status: 'running' | 'rolling-back';
  target: Migration['request']['target'];
  addon?: string;
  serviceAccount?: ServiceAccountRef;
  strategy: Migration['request']['strategy'];
  startedAt: string;
  /** The execution that works on it, or will. */
  executionArn?: string;
  /** The status in Step Functions. If it is not RUNNING, the service takes the migration over within some minutes. */
  executionStatus?: string;
  plan?: Plan;
  /** What the owner's code must contain after the planned change; absent before the plan, and while it is rolled back. */
  handOff?: HandOff;
  /** Who requested it; absent if the requester was not authenticated. */
  requester?: AuthenticatedRequester;
  /** The correlation of the request that started it. */
  correlation?: Correlation;
  /** The present attempt; absent before the change begins. */
  applied?: Attempt;
  /** Every request for an approval of the plan; absent if there was none. */
  approvals?: Approval[];
  /** What it waits for; absent while it is at work. */
  waitingFor?: WaitingFor;
  cancellation?: Cancellation;
  recovery?: Recovery;
  /** The last rollback, which is in progress if the status says so. */
  rollback?: Rollback;
  /** The last retirement or its request: it is refused until the migration has ended. */
  retirement?: Retirement;
  steps: StepLine[];
  simulated: boolean;
}

export interface RunningOptions {
  /** Returns the status of an execution in Step Functions; `undefined` if Step Functions does not have the execution (any more). */
  statusOf: (executionArn: string) => Promise<string | undefined>;
  simulated: boolean;
}

export async function readRunning(
  ledger: Ledger,
  record: Migration,
  { statusOf, simulated }: RunningOptions,
): Promise<Running> {
  const { migrationId, request, plan, attempt, recovery, rollback, retirement, approvals } = record;
  const executionArn = requestedRollback(record)?.executionArn ?? record.executionArn;
  const [steps, cancellation, executionStatus] = await Promise.all([
    ledger.listSteps(migrationId),
    ledger.getCancel(migrationId),
    executionArn === undefined ? undefined : statusOf(executionArn),
  ]);
  const requester = requesterOf(record);
  const handOff = handOffOf(record);
  const waitingFor = waitingForOf(record);
  const applied = attempt === undefined ? undefined : plan?.attempts[attempt];
  return {
    migrationId,
    status: record.status === 'rolling-back' ? 'rolling-back' : 'running',
    target: request.target,
    ...(request.addon === undefined ? {} : { addon: request.addon }),
    ...(request.serviceAccount ? { serviceAccount: request.serviceAccount } : {}),
    strategy: request.strategy,
    startedAt: record.startedAt,
    ...(executionArn === undefined ? {} : { executionArn }),
    ...(executionStatus === undefined ? {} : { executionStatus }),
    ...(plan ? { plan } : {}),
    ...(handOff ? { handOff } : {}),
    ...(requester ? { requester } : {}),
    ...(record.correlation ? { correlation: record.correlation } : {}),
    ...(applied ? { applied } : {}),
    ...(approvals.length > 0 ? { approvals } : {}),
    ...(waitingFor ? { waitingFor } : {}),
    ...(cancellation ? { cancellation } : {}),
    ...(recovery ? { recovery } : {}),
    ...(rollback ? { rollback } : {}),
    ...(retirement ? { retirement } : {}),
    steps,
    simulated,
  };
}
