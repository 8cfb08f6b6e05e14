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
 * The error to be told about: one that came while the migration, or sweep, of that id (`undefined`: nothing had been
 * started yet) was followed in a deployed service says that it goes on, and how to see it again; any other stays as it
 * is.
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
      ? new CliError('Interrupted', 'stopped before anything was started', '', EXIT_CODES.unexpected)
      : error;
  const why = interrupted ? 'you have stopped following it' : error instanceof Error ? error.message : '';
  const isWhole = what === 'migration' || what === 'sweep';
  const subject = isWhole ? `${what} ${id}` : `the ${what} of migration ${id}`;
  const hints = [
    ...(lost && error instanceof CliError ? [error.hint] : []),
    `To see how it goes: ${knownCommand(what === 'sweep' ? 'sweep show' : 'show', id, where)}`,
    // The way back is not stopped.
    ...(isWhole ? [`To stop it:         ${knownCommand(what === 'sweep' ? 'sweep stop' : 'cancel', id, where)}`] : []),
  ];
  return new CliError(
    interrupted || !(error instanceof CliError) ? 'Interrupted' : error.name,
    `${subject} goes on by itself: ${why}`,
    hints.join('\n'),
    EXIT_CODES.unexpected,
    { cause: error },
  );
};
