/** How far a migration has come that is not over: for the command line and for the API. */
import {
  type Approval,
  type AuthenticatedRequester,
  type Cancellation,
  type Correlation,
  type Migration,
  type Plan,
  type Recovery,
  type Retirement,
  type Rollback,
  requesterOf,
  type Attempt,
  type StepLine,
} from '../../domain/migration/model.ts';
import { requestedRollback } from '../../domain/rollback/rollback.ts';
import type { ServiceAccountRef } from '../../domain/migration/subject.ts';
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
  /** The execution that works on it, or is to. */
  executionArn?: string;
  /** As Step Functions says; not RUNNING: the service takes it over within some minutes. */
  executionStatus?: string;
  plan?: Plan;
  /** Who requested it; absent where nobody has authenticated that. */
  requester?: AuthenticatedRequester;
  /** Of the request that it was taken in by. */
  correlation?: Correlation;
  /** The way that is being tried; absent before anything was begun. */
  applied?: Attempt;
  /** Each time that somebody was asked to approve the plan; absent where nobody was. */
  approvals?: Approval[];
  /** What it waits for; absent while it is at work. */
  waitingFor?: WaitingFor;
  cancellation?: Cancellation;
  recovery?: Recovery;
  /** The last rollback, which is under way where the status says so. */
  rollback?: Rollback;
  /** The last retirement, or what asked for one: it is refused while the migration is not over. */
  retirement?: Retirement;
  steps: StepLine[];
  simulated: boolean;
}

export interface RunningOptions {
  /** What Step Functions says of an execution; `undefined` where it does not know it (any more). */
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
