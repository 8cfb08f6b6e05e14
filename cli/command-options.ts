/** Options that several commands share, in commander's form. */
import type { Command } from 'commander';
import { acceptHelp } from '../lambdas/domain/acceptance/accept.ts';
import type { Use } from '../lambdas/domain/acceptance/kinds.ts';
import { stackOptions } from './stack-options.ts';

/** Collects the values of an option that may be repeated. */
export const collect = (value: string, before: string[] = []): string[] => [...before, value];

/** Adds the option that accepts by name what would block, and its kinds to the help. */
export const acceptOption = (command: Command, use: Use): Command =>
  command
    .option(
      '--accept <kind:name>',
      'accept by name what would block, as the remedy of its check shows it (kinds: see below); may be repeated',
      collect,
    )
    .addHelpText('after', `\nKinds of --accept:\n${acceptHelp(use)}`);

/** Adds the options on what is printed. Every command has them. */
export const outputOptions = (command: Command): Command =>
  printOptions(command.optionsGroup('Output:').option('--json', 'print one JSON document on stdout'));

/** Adds the same options, except `--json`, for commands that only print text. */
export const printOptions = (command: Command): Command =>
  command
    .optionsGroup('Output:')
    .option('--verbose', 'also list the checks that passed')
    .option('--quiet', 'print only the result, what blocks it, and the next commands')
    .option('--no-color', 'print without colors, as with the variable NO_COLOR')
    .option('--debug', 'show the stack trace of an error');

/** Adds the option of commands that change something in a deployed service or in AWS; see `confirm.ts`. */
export const confirmOption = (command: Command): Command =>
  command.option('-y, --yes', 'do not ask before a change in AWS; required without a terminal');

/** Adds the options that select where a command runs, except `--sandbox`. */
export const backendOptions = (command: Command): Command =>
  stackOptions(
    command
      .option(
        '--state <file>',
        'keep the sandbox in that file, so that the next command continues where this one ended',
      )
      .option('--deployed', 'use the service that is deployed in AWS, or that "sandbox" serves in another terminal'),
  );
