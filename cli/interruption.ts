/** Errors for commands that stop following a migration or sweep before it ends: a deployed service continues it. */
import { isInterruption } from './deployed.ts';
import { CliError } from './errors.ts';
import { EXIT_CODES } from './exit-codes.ts';
import type { MigrationFlags } from './options.ts';
import { knownCommand } from './request.ts';

type Where = Pick<MigrationFlags, 'sandbox' | 'state' | 'deployed'>;

/** Names of errors after which the service can no longer be followed. */
const LOST = new Set(['AwsError', 'ApiError']);

/**
 * Returns the error to report. An error that interrupts following the migration or sweep `id` (undefined: nothing was
 * started yet) becomes one that explains that it continues and how to follow it again; other errors are unchanged.
 */
export const leftAlone = (
  error: unknown,
  what: 'migration' | 'rollback' | 'retirement' | 'sweep',
  id: string | undefined,
  where: Where,
): unknown => {
  const interrupted = isInterruption(error);
  const lost = error instanceof CliError && LOST.has(error.name);
  if (!interrupted && !lost) return error;
  if (id === undefined)
    return interrupted
      ? new CliError(
          'Interrupted',
          'interrupted before anything was started: nothing was changed',
          'Run the same command again',
          EXIT_CODES.interrupted,
        )
      : error;
  const why = interrupted ? 'it is no longer followed here' : error instanceof Error ? error.message : '';
  const isWhole = what === 'migration' || what === 'sweep';
  const subject = isWhole ? `${what} ${id}` : `the ${what} of migration ${id}`;
  const hints = [
    ...(lost && error instanceof CliError ? [error.hint] : []),
    `To follow it: ${knownCommand(what === 'sweep' ? 'sweep show' : 'show', id, where)}`,
    // A rollback cannot be stopped.
    ...(isWhole ? [`To stop it:   ${knownCommand(what === 'sweep' ? 'sweep stop' : 'cancel', id, where)}`] : []),
  ];
  return new CliError(
    interrupted || !(error instanceof CliError) ? 'Interrupted' : error.name,
    `${subject} continues in the service: ${why}`,
    hints.join('\n'),
    EXIT_CODES.unexpected,
    { cause: error },
  );
};
