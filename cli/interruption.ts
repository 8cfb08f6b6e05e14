/** What is said when following ends before what is followed does: a deployed service goes on by itself. */
import { isInterruption } from './deployed.ts';
import { CliError } from './errors.ts';
import { EXIT_CODES } from './exit-codes.ts';
import type { MigrationFlags } from './options.ts';
import { knownCommand } from './request.ts';

type Where = Pick<MigrationFlags, 'sandbox' | 'state' | 'deployed'>;

/** What could not be asked any more. */
const LOST = new Set(['AwsError', 'ApiError']);

/**
 * The error to be told about: one that came while `migrationId` (`undefined`: nothing had been started yet) was followed
 * in a deployed service says that it goes on, and how to see it again; any other stays as it is.
 */
export const leftAlone = (error: unknown, what: 'migration' | 'rollback' | 'retirement', migrationId: string | undefined, where: Where): unknown => {
  const interrupted = isInterruption(error);
  const lost = error instanceof CliError && LOST.has(error.name);
  if (!interrupted && !lost) return error;
  if (migrationId === undefined) return interrupted ? new CliError('Interrupted', 'stopped before anything was started', '', EXIT_CODES.unexpected) : error;
  const why = interrupted ? 'you have stopped following it' : error instanceof Error ? error.message : '';
  const subject = what === 'migration' ? `migration ${migrationId}` : `the ${what} of migration ${migrationId}`;
  const hints = [
    ...(lost && error instanceof CliError ? [error.hint] : []),
    `To see how it goes: ${knownCommand('show', migrationId, where)}`,
    // The way back is not stopped.
    ...(what === 'migration' ? [`To stop it:         ${knownCommand('cancel', migrationId, where)}`] : []),
  ];
  return new CliError(interrupted || !(error instanceof CliError) ? 'Interrupted' : error.name, `${subject} goes on by itself: ${why}`, hints.join('\n'), EXIT_CODES.unexpected, { cause: error });
};
