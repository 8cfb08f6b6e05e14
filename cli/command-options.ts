/** Options that several commands have, as commander takes them. */
import { type Command, Option } from 'commander';

/** Of an option that may be given again. */
export const collect = (value: string, before: string[] = []): string[] => [...before, value];

export const outputOptions = (command: Command): Command =>
  command
    .optionsGroup('Output:')
    .option('--json', 'one JSON document on stdout')
    .option('--debug', 'show the stack trace of an error');

/** Where a command runs, beside a sandbox. */
export const backendOptions = (command: Command): Command =>
  command
    .option(
      '--state <file>',
      'keep the sandbox in that file between commands: the next one goes on where this one ended',
    )
    .option('--deployed', 'run the service that is deployed in AWS, or that "sandbox" serves in another terminal')
    .addOption(new Option('--local').hideHelp());
