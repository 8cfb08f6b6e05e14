import { AssumeRoleCommand, type STSClient } from '@aws-sdk/client-sts';
import type { AwsCredentialIdentity } from '@smithy/types';
import { MigrationError, RoleNotAssumed } from '../domain/failures/errors.ts';
import { asClause } from '../domain/text/text.ts';
import { aws } from './aws-errors.ts';

/** Minimum remaining time of a session, so that requests signed with it arrive before it expires. */
const MARGIN_MS = 60_000;

export interface SpokeSessionsOptions {
  /** Returns a client for STS in the hub's own region. Called for the first session. */
  sts: () => STSClient;
  externalId: string;
  /** Session name, which CloudTrail in the other account shows in addition to the role. */
  sessionName: string;
  /** Duration in seconds. */
  seconds: number;
  /**
   * Returns milliseconds since 1970. Default: the machine's clock, which the SDK uses for signatures and STS for
   * expirations.
   */
  now?: () => number;
}

/**
 * Returns whether STS refused: the role does not exist, it does not trust the caller, or the caller may not assume it.
 * STS does not report which.
 */
const isRefusal = (error: unknown): error is MigrationError =>
  error instanceof MigrationError &&
  error.cause instanceof Error &&
  /^AccessDenied(Exception)?$/.test(error.cause.name);

const refused = (roleArn: string, { externalId }: SpokeSessionsOptions, error: MigrationError): MigrationError => {
  const account = roleArn.split(':')[4] ?? '';
  return new RoleNotAssumed(
    account,
    `The role ${roleArn} could not be assumed, so this call read and changed nothing in account ${account}. AWS reports: ${asClause(error.message)}. Either the stack PodIdentityMigratorSpoke is not deployed in that account, or its roles do not trust this role of the deployment with the external id ${externalId}. Deploy that stack with the outputs of this deployment's stack, as docs/accounts.md describes.`,
    { cause: error.cause },
  );
};

/**
 * Sessions of roles in other accounts. A session is requested when it is first needed, at most once at a time for each
 * role, and cached until shortly before it expires. A refusal is neither cached nor retried.
 */
export class SpokeSessions {
  private readonly options: SpokeSessionsOptions;
  private readonly sessions = new Map<string, Promise<AwsCredentialIdentity>>();

  constructor(options: SpokeSessionsOptions) {
    this.options = options;
  }

  /** Rejects with `AccessDenied` and possible causes if STS refuses. */
  async credentialsOf(roleArn: string): Promise<AwsCredentialIdentity> {
    const known = this.sessions.get(roleArn);
    if (known) {
      const session = await known;
      if (this.isFresh(session)) return session;
    }
    // A concurrent caller has requested it meanwhile.
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
        throw new MigrationError('ServiceUnavailable', `sts:AssumeRole ${RoleArn}: the response has no credentials.`);
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
