/** Options that several commands share, in commander's form. */
import type { Command } from 'commander';
import { stackOptions } from './stack-options.ts';

/** Collects the values of an option that may be repeated. */
export const collect = (value: string, before: string[] = []): string[] => [...before, value];

export const outputOptions = (command: Command): Command =>
  command
    .optionsGroup('Output:')
    .option('--json', 'print one JSON document on stdout')
    .option('--debug', 'show the stack trace of an error');

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
