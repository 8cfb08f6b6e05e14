/** Asks before a command changes something in a deployed service, or in AWS (docs/adr/0066). */
import { CliError } from './errors.ts';
import { EXIT_CODES } from './exit-codes.ts';
import type { Io } from './io.ts';
import { styleFor, type Style } from './text/style.ts';
import { isSimulated } from './service-environment.ts';

interface ChangeFlags {
  yes: boolean;
  /** Whether the change is in AWS, or in a sandbox that another terminal serves. */
  deployed?: boolean | undefined;
}

/** Returns whether the command must ask: not in a sandbox, where nothing is lost, and not with --yes. */
export const mustAsk = ({ yes, deployed }: ChangeFlags): boolean =>
  deployed === true && !yes && !isSimulated(process.env);

/** Throws NotConfirmed, before anything is read, if the command must ask and there is no terminal. */
export const assertCanAsk = (flags: ChangeFlags, io: Io): void => {
  if (!mustAsk(flags) || io.ask) return;
  throw new CliError(
    'NotConfirmed',
    'this command asks before it changes anything in AWS, and there is no terminal to ask on; nothing was changed',
    'Add --yes to make the change without a question',
  );
};

const YES = /^y(?:es)?$/i;

/**
 * Shows on stderr what would change, and asks. Throws NotConfirmed if the answer is anything but yes; an empty answer and
 * the end of the input are a no.
 */
export const confirm = async (io: Io, lines: (style: Style) => string[], question: string): Promise<void> => {
  const style = styleFor(io.stderr);
  io.stderr.write(`${lines(style).join('\n')}\n`);
  io.onInterrupt?.('Interrupted before the question was answered: nothing was started, and nothing was changed.');
  const answer = await io.ask?.(`\n${style.paint('bold', question)} [y/N] `);
  if (answer !== undefined && YES.test(answer.trim())) return;
  throw new CliError(
    'NotConfirmed',
    'not confirmed: nothing was started, and nothing was changed',
    'Run the same command again, and answer yes',
    EXIT_CODES.unexpected,
  );
};
