/** What a command says if Ctrl-C ends it at once. */
import type { Io } from './io.ts';

/**
 * Returns the same input and output for a command that only reads: Ctrl-C ends it at once, even while it waits for an
 * answer of AWS.
 */
export const readingIo = (io: Io): Io => {
  const reading = { ...io };
  delete reading.onStop;
  return reading;
};

interface GivenFlags {
  sandbox?: unknown;
  state?: unknown;
  deployed?: unknown;
}

/** Returns what a command prints if Ctrl-C ends it at once; a command that has begun a change replaces this. */
export const interruptionText = ({ sandbox, state }: GivenFlags, command: string): string => {
  if (typeof state === 'string')
    return `Interrupted: nothing of this command is recorded in ${state}, which is as it was before. To start over, run the same command again.`;
  if (typeof sandbox === 'string' || command === 'demo')
    return 'Interrupted: the sandbox ended with this command, and nothing outside it was changed. To start over, run the same command again.';
  return 'Interrupted: nothing was changed. To start over, run the same command again.';
};
