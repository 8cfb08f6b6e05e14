/** What is known about a migration: the report of one that is over, or how far it has come. */
import type { Approval, Cancellation, Migration, MigrationReport, Plan, Recovery, Rung, StepLine } from '../lambdas/domain/model.ts';
import type { ServiceAccountRef } from '../lambdas/domain/subject.ts';
import type { Backend } from './backend.ts';
import { CliError } from './errors.ts';
import { reportOf } from './follow.ts';
import { findMigration, statusOf } from './known.ts';

/** What `--json` prints about a migration that is not over. */
export interface Running {
  migrationId: string;
  status: 'running';
  target: Migration['request']['target'];
  addon?: string;
  serviceAccount?: ServiceAccountRef;
  strategy: Migration['request']['strategy'];
  startedAt: string;
  executionArn?: string;
  /** As Step Functions says; not RUNNING: the service takes it over within some minutes. */
  executionStatus?: string;
  plan?: Plan;
  /** The way that is being tried; absent before anything was begun. */
  applied?: Rung;
  cancellation?: Cancellation;
  recovery?: Recovery;
  /** Each time that somebody was asked to approve its plan; absent where nobody was. */
  approvals?: Approval[];
  steps: StepLine[];
  simulated: boolean;
}

export type Shown = { ended: MigrationReport } | { running: Running };

const running = async (backend: Backend, record: Migration): Promise<Running> => {
  const { migrationId, request, plan, rung, executionArn, recovery, approvals } = record;
  const [steps, cancellation, executionStatus] = await Promise.all([
    backend.ledger.listSteps(migrationId),
    backend.ledger.getCancel(migrationId),
    executionArn === undefined ? undefined : statusOf(backend, executionArn),
  ]);
  const applied = rung === undefined ? undefined : plan?.ladder[rung];
  return {
    migrationId,
    status: 'running',
    target: request.target,
    ...(request.addon === undefined ? {} : { addon: request.addon }),
    ...(request.serviceAccount ? { serviceAccount: request.serviceAccount } : {}),
    strategy: request.strategy,
    startedAt: record.startedAt,
    ...(executionArn === undefined ? {} : { executionArn }),
    ...(executionStatus === undefined ? {} : { executionStatus }),
    ...(plan ? { plan } : {}),
    ...(applied ? { applied } : {}),
    ...(cancellation ? { cancellation } : {}),
    ...(recovery ? { recovery } : {}),
    ...(approvals.length > 0 ? { approvals } : {}),
    steps,
    simulated: backend.simulated,
  };
};

/** In a thread of the backend's clock. Throws UnknownMigration, and NotYet for one that has only just been started. */
export const lookUp = async (backend: Backend, migrationId: string): Promise<Shown> => {
  const record = await findMigration(backend, migrationId);
  if (!record) throw new CliError('NotYet', `migration ${migrationId} has only just been started: the ledger has nothing about it yet`, 'Ask again in a few seconds');
  const report = record.status === 'ended' ? await reportOf(backend, record) : undefined;
  return report ? { ended: report } : { running: await running(backend, record) };
};
