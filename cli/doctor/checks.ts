/** What `doctor` decides about this machine, the credentials and the clock, from facts that were read. */
import { type Check, fail, pass, unknown, warn } from '../../lambdas/domain/terms/check.ts';
import { parsePrincipal } from '../../lambdas/domain/aws/principal.ts';
import type { AwsSession } from '../aws/session.ts';
import type { Wanted } from './options.ts';

/** The oldest supported major version of Node (package.json, engines). */
const OLDEST_NODE = 20;

/** Checks Node's version, such as `v24.18.0`. */
export const checkVersions = (program: string, node: string): Check => {
  const major = Number(/^v?(\d+)\./.exec(node)?.[1]);
  if (major >= OLDEST_NODE) return pass('versions', `This program is version ${program}, on Node ${node}.`);
  return fail(
    'versions',
    `This program is version ${program}, on Node ${node}, which it does not support.`,
    `Install Node ${OLDEST_NODE} or later: https://nodejs.org`,
  );
};

export const checkCaller = ({ caller, region, endpoint }: Pick<AwsSession, 'caller' | 'region' | 'endpoint'>): Check =>
  parsePrincipal(caller.arn)?.kind === 'root'
    ? warn(
        'credentials',
        `The credentials are those of the root user of account ${caller.account}, in ${region}, at ${endpoint}.`,
        'Use an IAM role instead (IAM User Guide, "Root user best practices").',
      )
    : pass('credentials', `Account ${caller.account} in ${region}, as ${caller.arn}, at ${endpoint}.`);

/** How long each of these takes at most in most clusters, so that credentials should last as long. */
const MINUTES: Record<Wanted, number> = { plan: 5, migrate: 30, deploy: 30 };

/** Checks when the credentials expire, in milliseconds since 1970; undefined for credentials that do not say so. */
export const checkExpiry = (
  expiresAt: number | undefined,
  now: number,
  { wanted, login }: { wanted: Wanted; login: string },
): Check => {
  const id = 'credentials-expiry';
  if (expiresAt === undefined) return pass(id, 'The credentials name no time at which they expire.');
  const minutes = Math.floor((expiresAt - now) / 60_000);
  if (minutes >= MINUTES[wanted]) return pass(id, `The credentials expire in ${minutes} minutes.`);
  return warn(
    id,
    `The credentials expire in ${Math.max(0, minutes)} minutes, which may be too soon.`,
    `Renew them first: ${login}`,
  );
};

/** AWS refuses signatures that are older, or further in the future (IAM User Guide, "Signing AWS API requests"). */
const MOST_SKEW_SECONDS = 300;
/** From here on, a clock that drifts further will soon be refused. */
const NOTABLE_SKEW_SECONDS = 60;

const CLOCK_REMEDY =
  'Synchronize this machine\'s clock with NTP: "timedatectl set-ntp true" on Linux, "sntp -sS time.apple.com" on macOS.';

/** Checks the machine's clock: `seconds` is how far it is ahead of AWS's, negative if it is behind. */
export const checkClock = (seconds: number | undefined): Check => {
  const id = 'clock';
  if (seconds === undefined)
    return unknown(id, 'AWS did not say what time it is, so the clock could not be compared.', CLOCK_REMEDY);
  const off = Math.abs(seconds);
  const how = `${off} s ${seconds > 0 ? 'ahead of' : 'behind'} AWS`;
  if (off > MOST_SKEW_SECONDS)
    return fail(
      id,
      `The clock of this machine is ${how}. AWS refuses signatures that are more than ${MOST_SKEW_SECONDS} s off (RequestTimeTooSkewed, "Signature expired"); SDKs correct it, but the tokens for API servers are refused.`,
      CLOCK_REMEDY,
    );
  if (off > NOTABLE_SKEW_SECONDS)
    return warn(id, `The clock of this machine is ${how}; AWS allows ${MOST_SKEW_SECONDS} s.`, CLOCK_REMEDY);
  return pass(id, `The clock of this machine is ${off} s off; AWS allows ${MOST_SKEW_SECONDS} s.`);
};

/** Returns whether AWS refused a signature because of the time in it. */
export const isSkew = (text: string): boolean =>
  /RequestTimeTooSkewed|RequestExpired|RequestInTheFuture|Signature (?:expired|not yet current)|difference between the request time/i.test(
    text,
  );
