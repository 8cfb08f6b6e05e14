#!/usr/bin/env node
import { main } from '../cli/program.ts';

const SHOW_CURSOR = '\u001B[?25h';
/** What a shell expects of a program that Ctrl-C ended: 128 and the signal's number. */
const INTERRUPTED = 130;

process.once('SIGINT', () => {
  if (process.stderr.isTTY) process.stderr.write(SHOW_CURSOR);
  process.exit(INTERRUPTED);
});

// Whoever reads the output may stop early (`| head`): that is no error.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error;
});

// No process.exit here: what a pipe has not taken yet would be cut off.
process.exitCode = await main(process.argv.slice(2), process);
