/** Reads what is known about a migration: its report if it has ended, its progress otherwise. */
import type { MigrationReport } from '../../lambdas/domain/record/migration.ts';
import { readRunning, type Running } from '../../lambdas/use-cases/migration/progress.ts';
import { standingRetirement } from '../../lambdas/use-cases/retirement/request.ts';
import { type Backend, executionsOf } from '../backend.ts';
import { CliError } from '../errors.ts';
import { reportOf } from './follow.ts';
import { findMigration, statusOf } from './known.ts';

/** What `--json` prints about a migration that has not ended. */
export type { Running } from '../../lambdas/use-cases/migration/progress.ts';

export type Shown = { ended: MigrationReport } | { running: Running };

/**
 * Returns the report or the progress of a migration. Runs in a thread of the backend's clock. Throws UnknownMigration,
 * and NotYet for a migration that has only just started.
 */
export const lookUp = async (backend: Backend, migrationId: string): Promise<Shown> => {
  const found = await findMigration(backend, migrationId);
  if (!found)
    throw new CliError(
      'NotYet',
      `migration ${migrationId} has only just started, and the ledger has no record of it yet`,
      'Run the same command again in a few seconds',
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
