/**
 * Operations on migrations and sweeps that every backend supports: by direct calls of the service's parts, or only
 * through its API (`api/service.ts`).
 */
import type { ApprovalDecision } from '../../lambdas/domain/approval/approval.ts';
import type { MigrationRequest } from '../../lambdas/domain/request/request.ts';
import type { MigrationSummary } from '../../lambdas/domain/migration/summary.ts';
import type { ListPosition, MigrationFilter } from '../../lambdas/ports/index.ts';
import { decide, type Decision, undecided, type Undecided } from './decide.ts';
import type { Backend } from '../backend.ts';
import { cancel, type Cancelled, type CancelRequest } from './cancel.ts';
import type { Watcher } from './follow.ts';
import { retireAndFollow, type Retired, type RetireRequest } from './retire.ts';
import { rollBackAndFollow, type RollbackRequest } from './rollback.ts';
import { type End, startAndFollow } from './run.ts';
import { lookUp, type Shown } from './show.ts';
import { directSweeps } from './sweep.ts';
import type { SweepService } from './sweep-service.ts';

/** Newest first. `more`: there are older ones. */
export interface Listed {
  migrations: MigrationSummary[];
  more: boolean;
}

/** Each method throws the same CliErrors as the function for the same work in this folder. */
export interface Service {
  migrate(request: MigrationRequest, watcher: Watcher, onStart?: (migrationId: string) => void): Promise<End>;
  rollBack(request: RollbackRequest, watcher: Watcher, onStart?: () => void): Promise<End>;
  retire(request: RetireRequest, watcher: Watcher, onStart?: () => void): Promise<Retired>;
  cancel(request: CancelRequest): Promise<Cancelled>;
  lookUp(migrationId: string): Promise<Shown>;
  undecided(migrationId: string): Promise<Undecided>;
  decide(migrationId: string, decision: ApprovalDecision): Promise<Decision>;
  list(filter: MigrationFilter, limit: number): Promise<Listed>;
  /** Throws NotAvailable if the backend has no sweeps. */
  sweeps(): SweepService;
}

/** Lists page by page, until there are enough or no more. */
const list = async ({ ledger }: Backend, filter: MigrationFilter, limit: number): Promise<Listed> => {
  const migrations: MigrationSummary[] = [];
  let after: ListPosition | undefined;
  do {
    const page = await ledger.listMigrations(filter, limit - migrations.length, after);
    migrations.push(...page.migrations);
    after = page.next;
  } while (after !== undefined && migrations.length < limit);
  return { migrations, more: after !== undefined };
};

/** Returns the service by direct calls. `by`: the principal to record. Methods run in a thread of the backend's clock. */
export const directService = (backend: Backend, by: string): Service => ({
  migrate: (...given) => startAndFollow(backend, ...given),
  rollBack: (...given) => rollBackAndFollow(backend, ...given),
  retire: (...given) => retireAndFollow(backend, ...given),
  cancel: (request) => cancel(backend, request),
  lookUp: (migrationId) => lookUp(backend, migrationId),
  undecided: (migrationId) => undecided(backend, migrationId),
  decide: (migrationId, decision) => decide(backend, migrationId, decision, by),
  list: (filter, limit) => list(backend, filter, limit),
  sweeps: () => directSweeps(backend, by),
});
