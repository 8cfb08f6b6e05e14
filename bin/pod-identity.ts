#!/usr/bin/env node
import { createInterface } from 'node:readline/promises';
import { main } from '../cli/program.ts';

const SHOW_CURSOR = '\u001B[?25h';
/** Exit codes that shells expect from a program that was ended by a signal: 128 plus the signal's number. */
const EXIT_CODES = { SIGINT: 130, SIGTERM: 143 } as const;

/** What a command does on a signal instead of ending immediately. */
let stop: (() => void) | undefined;
const end = (signal: keyof typeof EXIT_CODES): void => {
  if (stop) {
    stop();
    stop = undefined;
    return;
  }
  if (process.stderr.isTTY) process.stderr.write(SHOW_CURSOR);
  process.exit(EXIT_CODES[signal]);
};
process.on('SIGINT', () => end('SIGINT'));
process.on('SIGTERM', () => end('SIGTERM'));

// The reader of the output may close it early (`| head`), which is not an error.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error;
});

const { stdin, stdout, stderr } = process;

const ask = async (question: string): Promise<string | undefined> => {
  const lines = createInterface({ input: stdin, output: stderr });
  const { promise: closed, resolve: close } = Promise.withResolvers<undefined>();
  lines.once('close', () => close(undefined));
  // In the terminal's raw mode, Ctrl-C is a character instead of a signal.
  lines.once('SIGINT', () => end('SIGINT'));
  try {
    const answer = await Promise.race([lines.question(question), closed]);
    if (answer === undefined) stderr.write('\n');
    return answer;
  } finally {
    lines.close();
  }
};

const io = {
  stdout,
  stderr,
  onStop: (wanted: () => void): void => {
    stop = wanted;
  },
  ...(stdin.isTTY && stderr.isTTY ? { ask } : {}),
};
// process.exit would discard output that a pipe has not read yet.
process.exitCode = await main(process.argv.slice(2), io);
