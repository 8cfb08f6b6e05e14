/** The options on what is printed, which the program evaluates for every command. */
import { CliError } from './errors.ts';
import type { Printing } from './terminal.ts';

interface PrintFlags {
  verbose?: boolean;
  quiet?: boolean;
  color?: boolean;
}

/** Returns what the options say about the output. Throws a CliError for options that cannot be combined. */
export const printingOf = ({ verbose = false, quiet = false, color = true }: PrintFlags, help: string): Printing => {
  if (verbose && quiet) throw new CliError('BadOption', '--verbose cannot be combined with --quiet', help);
  return { detail: verbose ? 'verbose' : quiet ? 'quiet' : 'normal', color };
};
