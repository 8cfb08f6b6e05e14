/** Options that several commands have, as commander takes them. */
import { type Command } from 'commander';

/** Of an option that may be given again. */
export const collect = (value: string, before: string[] = []): string[] => [...before, value];

export const outputOptions = (command: Command): Command =>
  command
    .optionsGroup('Output:')
    .option('--json', 'one JSON document on stdout')
    .option('--debug', 'show the stack trace of an error');
