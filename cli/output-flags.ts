/** The options on what is printed, which the program evaluates for every command. */
import type { Command } from 'commander';
import { CliError } from './errors.ts';
import { backendFlags } from './request.ts';
import type { Printing } from './terminal.ts';

/**
 * Returns what the options say about the output, and removes them from the command's options, so that its schema need not
 * know them. Throws a CliError for options that cannot be combined.
 */
export const takePrinting = (command: Command, help: string): Printing => {
  const flags: Record<string, unknown> = command.opts();
  const { verbose = false, quiet = false, color = true } = flags;
  for (const name of ['verbose', 'quiet', 'color']) Reflect.deleteProperty(flags, name);
  if (verbose && quiet) throw new CliError('BadOption', '--verbose cannot be combined with --quiet', help);
  return {
    detail: verbose ? 'verbose' : quiet ? 'quiet' : 'normal',
    color: color === true,
    backend: backendFlags(flags),
  };
};
