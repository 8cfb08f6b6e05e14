/** What is known about a migration: the report of one that is over, or how far it has come. */
import type { MigrationReport } from '../lambdas/domain/migration/model.ts';
import { readRunning, type Running } from '../lambdas/use-cases/migration/progress.ts';
import { standingRetirement } from '../lambdas/use-cases/retirement/request.ts';
import { type Backend, executionsOf } from './backend.ts';
import { CliError } from './errors.ts';
import { reportOf } from './follow.ts';
import { findMigration, statusOf } from './known.ts';

/** What `--json` prints about a migration that is not over. */
export type { Running } from '../lambdas/use-cases/migration/progress.ts';

export type Shown = { ended: MigrationReport } | { running: Running };

/** In a thread of the backend's clock. Throws UnknownMigration, and NotYet for one that has only just been started. */
export const lookUp = async (backend: Backend, migrationId: string): Promise<Shown> => {
  const found = await findMigration(backend, migrationId);
  if (!found)
    throw new CliError(
      'NotYet',
      `migration ${migrationId} has only just been started: the ledger has nothing about it yet`,
      'Ask again in a few seconds',
    );
  const { ledger, clock } = backend;
  const retirement = await standingRetirement(found, { ledger, clock, executions: executionsOf(backend) });
  const record = { ...found, retirement };
  const report = record.status === 'ended' ? await reportOf(backend, record) : undefined;
  return report
    ? { ended: { ...report, retirement } }
    : {
        running: await readRunning(backend.ledger, record, {
          statusOf: (arn) => statusOf(backend, arn),
          simulated: backend.simulated,
        }),
      };
};
