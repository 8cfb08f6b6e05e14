import { AssumeRoleCommand, type STSClient } from '@aws-sdk/client-sts';
import type { AwsCredentialIdentity } from '@smithy/types';
import { MigrationError, RoleNotAssumed } from '../domain/failures/errors.ts';
import { asClause } from '../domain/text/text.ts';
import { aws } from './aws-errors.ts';

/** A session that ends sooner is not used any more: what is signed with it has to arrive. */
const MARGIN_MS = 60_000;

export interface SpokeSessionsOptions {
  /** Of the hub's own region: STS answers in each by itself. Made when the first session is asked for. */
  sts: () => STSClient;
  externalId: string;
  /** What CloudTrail in the other account shows beside the role. */
  sessionName: string;
  /** For how long, in seconds. */
  seconds: number;
  /** Milliseconds since 1970; default: the machine's own clock, by which the SDK signs and STS's answers are meant. */
  now?: () => number;
}

/**
 * What STS says where a role is not there, does not trust the caller, or the caller may not assume it: it does not tell
 * which.
 */
const isRefusal = (error: unknown): error is MigrationError =>
  error instanceof MigrationError &&
  error.cause instanceof Error &&
  /^AccessDenied(Exception)?$/.test(error.cause.name);

const refused = (roleArn: string, { externalId }: SpokeSessionsOptions, error: MigrationError): MigrationError => {
  const account = roleArn.split(':')[4] ?? '';
  return new RoleNotAssumed(
    account,
    `The role ${roleArn} could not be assumed, so that nothing was read or changed in account ${account} by this call. AWS says: ${asClause(error.message)}. Either the stack PodIdentityMigratorSpoke is not deployed there, or its roles do not trust this role of this deployment with the external id ${externalId}. Deploy it there with the outputs of this deployment's stack: docs/accounts.md.`,
    { cause: error.cause },
  );
};

/**
 * Sessions of roles in other accounts. One is asked for when it is first needed, at most once at a time for each role,
 * and kept until shortly before it ends; a refusal is not kept, and not tried again here.
 */
export class SpokeSessions {
  private readonly options: SpokeSessionsOptions;
  private readonly sessions = new Map<string, Promise<AwsCredentialIdentity>>();

  constructor(options: SpokeSessionsOptions) {
    this.options = options;
  }

  /** Rejects with AccessDenied where STS refuses, with what to look for. */
  async credentialsOf(roleArn: string): Promise<AwsCredentialIdentity> {
    const known = this.sessions.get(roleArn);
    if (known) {
      const session = await known;
      if (this.isFresh(session)) return session;
    }
    // Whoever came first has asked meanwhile.
    const current = this.sessions.get(roleArn);
    if (current && current !== known) return current;
    const asked = this.assume(roleArn);
    this.sessions.set(roleArn, asked);
    asked.catch(() => {
      if (this.sessions.get(roleArn) === asked) this.sessions.delete(roleArn);
    });
    return asked;
  }

  private isFresh({ expiration }: AwsCredentialIdentity): boolean {
    const { now = Date.now } = this.options;
    return expiration !== undefined && expiration.getTime() - now() > MARGIN_MS;
  }

  private async assume(RoleArn: string): Promise<AwsCredentialIdentity> {
    const { sts, externalId: ExternalId, sessionName: RoleSessionName, seconds: DurationSeconds } = this.options;
    try {
      const { Credentials: made } = await aws(`sts:AssumeRole ${RoleArn}`, () =>
        sts().send(new AssumeRoleCommand({ RoleArn, RoleSessionName, ExternalId, DurationSeconds })),
      );
      if (made?.AccessKeyId === undefined || made.SecretAccessKey === undefined || made.SessionToken === undefined)
        throw new MigrationError('ServiceUnavailable', `sts:AssumeRole ${RoleArn}: the answer has no credentials.`);
      return {
        accessKeyId: made.AccessKeyId,
        secretAccessKey: made.SecretAccessKey,
        sessionToken: made.SessionToken,
        ...(made.Expiration ? { expiration: made.Expiration } : {}),
      };
    } catch (error) {
      throw isRefusal(error) ? refused(RoleArn, this.options, error) : error;
    }
  }
}
