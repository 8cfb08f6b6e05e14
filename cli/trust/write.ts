/** Writes a role's trust policy with the caller's own credentials, without losing changes by other principals. */
import { isMigrationError } from '../../lambdas/domain/failures/errors.ts';
import { samePolicy } from '../../lambdas/domain/trust/repair.ts';
import type { Roles } from '../../lambdas/ports/roles.ts';
import { CliError } from '../errors.ts';
import { EXIT_CODES } from '../exit-codes.ts';
import { iamError } from './iam.ts';
import { lookAt } from './look-at.ts';

export interface Change {
  roleArn: string;
  /** The policy as it was read, and the policy to write. */
  before: string;
  after: string;
}

export type Sleep = (milliseconds: number) => Promise<unknown>;

/**
 * IAM is eventually consistent (User Guide, "Changes that I make are not always immediately visible"): the policy is
 * read until it is the written one.
 */
const READS = 15;
const BETWEEN_READS = 2000;

const changedMeanwhile = ({ roleArn }: Change): CliError =>
  new CliError(
    'TrustChanged',
    `the trust policy of ${roleArn} was changed by another principal after it was read; nothing was written`,
    'Run the same command again: it starts from the current policy.',
    EXIT_CODES.blocked,
  );

const changedAfterwards = ({ roleArn }: Change): CliError =>
  new CliError(
    'TrustChanged',
    `the repaired trust policy of ${roleArn} was written, but IAM now returns neither that policy nor the former one: another principal has changed it too`,
    lookAt(roleArn),
    EXIT_CODES.unexpected,
  );

const notSeen = ({ roleArn }: Change): CliError =>
  new CliError(
    'TrustNotSeenYet',
    `the repaired trust policy of ${roleArn} was written, but ${(READS * BETWEEN_READS) / 1000} s later IAM still returns the former one`,
    lookAt(roleArn),
    EXIT_CODES.unexpected,
  );

const trustOf = async (roles: Roles, arn: string): Promise<string> => (await roles.getRole(arn))?.trustPolicy ?? '';

const write = async (roles: Roles, { roleArn, after }: Change): Promise<void> => {
  try {
    await roles.updateTrustPolicy(roleArn, after);
  } catch (error) {
    if (!isMigrationError(error, 'TrustTooLong')) throw error;
    throw new CliError(
      'TrustTooLong',
      `IAM rejected the repaired trust policy of ${roleArn} as too long; nothing was written`,
      error.message,
      EXIT_CODES.blocked,
      { cause: error },
    );
  }
};

/**
 * Writes the policy and resolves when it was read back as written. IAM has no conditional write, so the policy is read
 * once more just before. Throws a CliError if another principal has changed it, or IAM rejects it.
 */
export const writeTrust = async (roles: Roles, change: Change, sleep: Sleep): Promise<void> => {
  const { roleArn, before, after } = change;
  try {
    if (!samePolicy(await trustOf(roles, roleArn), before)) throw changedMeanwhile(change);
    await write(roles, change);
    for (let read = 0; read < READS; read += 1) {
      const now = await trustOf(roles, roleArn);
      if (samePolicy(now, after)) return;
      if (!samePolicy(now, before)) throw changedAfterwards(change);
      await sleep(BETWEEN_READS);
    }
  } catch (error) {
    throw iamError(error);
  }
  throw notSeen(change);
};
