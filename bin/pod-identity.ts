#!/usr/bin/env node
import { createInterface } from 'node:readline/promises';
import { main } from '../cli/program.ts';

const SHOW_CURSOR = '\u001B[?25h';
/** Exit codes that shells expect after a signal: 128 plus its number. */
const EXIT_CODES = { SIGINT: 130, SIGTERM: 143 } as const;

/** The command's own way to stop, instead of ending at once. */
let stop: (() => void) | undefined;
/** What to say if a signal ends the program at once. */
let atInterruption = '';
const end = (signal: keyof typeof EXIT_CODES): void => {
  if (stop) {
    stop();
    stop = undefined;
    // The command itself says what it has left; a second signal only ends it.
    atInterruption = '';
    return;
  }
  if (process.stderr.isTTY) process.stderr.write(SHOW_CURSOR);
  if (atInterruption !== '') process.stderr.write(`\n${atInterruption}\n`);
  process.exit(EXIT_CODES[signal]);
};
process.on('SIGINT', () => end('SIGINT'));
process.on('SIGTERM', () => end('SIGTERM'));

// The reader of the output may stop early (`| head`), which is not an error.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error;
});

const { stdin, stdout, stderr } = process;

const ask = async (question: string): Promise<string | undefined> => {
  const lines = createInterface({ input: stdin, output: stderr });
  const { promise: closed, resolve: close } = Promise.withResolvers<undefined>();
  // At a question nothing is under way, so Ctrl-C ends the program.
  const before = stop;
  stop = undefined;
  lines.once('close', () => close(undefined));
  // In the terminal's raw mode, Ctrl-C is a character, not a signal.
  lines.once('SIGINT', () => end('SIGINT'));
  try {
    const answer = await Promise.race([lines.question(question), closed]);
    if (answer === undefined) stderr.write('\n');
    return answer;
  } finally {
    stop = before;
    lines.close();
  }
};

const io = {
  stdout,
  stderr,
  onStop: (wanted: () => void): void => {
    stop = wanted;
  },
  onInterrupt: (text: string): void => {
    atInterruption = text;
  },
  ...(stdin.isTTY && stderr.isTTY ? { ask } : {}),
};
// No process.exit here: it would cut off output that a pipe has not taken yet.
process.exitCode = await main(process.argv.slice(2), io);
