/** Options of the commands that call AWS with the caller's own credentials, in commander's form and as a schema. */
import type { Command } from 'commander';
import { z } from 'zod';
import { regionName } from '../../lambdas/domain/text/names.ts';

/** Adds the options that select the caller's credentials and region. */
export const awsOptions = (command: Command): Command =>
  command
    .option('--profile <name>', 'profile of the AWS configuration (default: AWS_PROFILE, or the default profile)')
    .option('--region <name>', 'AWS region (default: AWS_REGION, or the region of the profile)');

export const profile = z.string().min(1, 'must name a profile of the AWS configuration').optional();

/** Flags that select the caller's credentials and region. */
export const awsFields = { profile, region: regionName.optional() };

export interface AwsFlags {
  profile?: string | undefined;
  region?: string | undefined;
}

/** Returns the flags that select the caller's credentials and region, as they were given. */
export const awsWords = ({ profile: named, region }: AwsFlags): string[] => [
  ...(named === undefined ? [] : [`--profile ${named}`]),
  ...(region === undefined ? [] : [`--region ${region}`]),
];
