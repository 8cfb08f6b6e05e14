/** Options that locate a deployed service, in commander's form and as a schema. */
import type { Command } from 'commander';
import { z } from 'zod';
import { shellWord } from '../lambdas/domain/text/shell.ts';
import { regionName } from '../lambdas/domain/text/names.ts';

/** Flags that select the stack, and the credentials to find and call it with. */
export interface StackFlags {
  stack?: string | undefined;
  stackRegion?: string | undefined;
  profile?: string | undefined;
  /** The region of the cluster, or those of a sweep, in which the stack is searched too. */
  region?: string | readonly string[] | undefined;
}

/** Adds the options that name the stack of the service; they work only with the option `given`. */
export const stackNames = (command: Command, given: string): Command =>
  command
    .option('--stack <name>', `with ${given}: name of its stack (default: PodIdentityMigrator)`)
    .option(
      '--stack-region <name>',
      `with ${given}: region of its stack (default: AWS_REGION or the profile's region, then that of the cluster)`,
    );

/** Adds the options that locate the service of `--deployed`. */
export const stackOptions = (command: Command): Command =>
  stackNames(command, '--deployed').option(
    '--profile <name>',
    'profile of the AWS configuration (default: AWS_PROFILE, or the default profile)',
  );

export const stackFields = {
  stack: z
    .string()
    .regex(/^[A-Za-z][A-Za-z0-9-]{0,127}$/, 'must be the name of a CloudFormation stack: letters, digits and hyphens')
    .optional(),
  stackRegion: regionName.optional(),
  profile: z.string().min(1, 'must name a profile of the AWS configuration').optional(),
};

/** Returns the options as they were given. */
export const stackWords = ({ stack, stackRegion, profile }: Omit<StackFlags, 'region'>): string[] => [
  ...(stack === undefined ? [] : [`--stack ${stack}`]),
  ...(stackRegion === undefined ? [] : [`--stack-region ${stackRegion}`]),
  ...(profile === undefined ? [] : [`--profile ${shellWord(profile)}`]),
];
