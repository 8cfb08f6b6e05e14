/**
 * AWS with the caller's own credentials, as the AWS CLI resolves them: variables, profiles, SSO, processes and roles. No
 * deployed service is needed.
 */
import { DescribeClusterCommand } from '@aws-sdk/client-eks';
import { GetCallerIdentityCommand, STSClient } from '@aws-sdk/client-sts';
import { getEndpointFromInstructions } from '@smithy/core/endpoints';
import { ClientFactory } from '../../lambdas/adapters/clients.ts';
import { nodeHttp } from '../../lambdas/adapters/node-http.ts';
import type { Caller } from '../caller.ts';
import { CliError } from '../errors.ts';
import type { Io } from '../io.ts';
import { oneLine, styleFor } from '../text/style.ts';
import type { AwsFlags } from './options.ts';
import { credentialsError } from './credentials-error.ts';

export interface AwsSession {
  /** The caller according to STS. */
  caller: Caller;
  region: string;
  profile: string | undefined;
  /** The URL of EKS that is called, which may be a sandbox's. */
  endpoint: string;
  /** Clients with the caller's credentials in `region`. */
  clients: ClientFactory;
  /** Returns clients with the same credentials in another region. */
  clientsIn(region: string): ClientFactory;
  close(): void;
}

/** How often a call is tried. Only a person waits for these calls, and AWS throttles all tools of an account together. */
const ATTEMPTS = 5;

/** Returns the URL that an EKS client calls. */
const endpointOf = async (clients: ClientFactory): Promise<string> => {
  const { url } = await getEndpointFromInstructions({}, DescribeClusterCommand, { ...clients.eks().config });
  return url.origin;
};

/** Returns the region of the environment or the profile, as the SDK finds it. */
export const configuredRegion = async (profile: string | undefined): Promise<string> => {
  const sts = new STSClient(profile === undefined ? {} : { profile });
  try {
    return await sts.config.region();
  } catch {
    throw new CliError(
      'NoRegion',
      'no AWS region is configured: --region is missing, AWS_REGION is not set, and the profile has no region',
      'Add --region, for example --region eu-west-1',
    );
  } finally {
    sts.destroy();
  }
};

/**
 * Opens AWS with the caller's credentials. Makes one call, GetCallerIdentity, which needs no permission. Throws a CliError
 * with exit code 2 if there is no region, or if there are no valid credentials.
 */
export const openAws = async ({ profile, region: named }: AwsFlags): Promise<AwsSession> => {
  const made: ClientFactory[] = [];
  const clientsIn = (region: string): ClientFactory => {
    const clients = new ClientFactory({
      region,
      ...(profile === undefined ? {} : { profile }),
      attempts: ATTEMPTS,
      transport: { http: nodeHttp },
    });
    made.push(clients);
    return clients;
  };
  const close = (): void => {
    for (const clients of made) clients.destroy();
  };
  try {
    const region = named ?? (await configuredRegion(profile));
    const clients = clientsIn(region);
    const { Account = '', Arn = '' } = await clients.sts().send(new GetCallerIdentityCommand({}));
    return {
      caller: { account: Account, arn: Arn },
      region,
      profile,
      endpoint: await endpointOf(clients),
      clients,
      clientsIn,
      close,
    };
  } catch (error) {
    close();
    throw credentialsError(error, profile ?? process.env['AWS_PROFILE']);
  }
};

/** Prints the first line of a command that only reads AWS. */
export const sayReading = (
  { caller, region, endpoint }: Pick<AwsSession, 'caller' | 'region' | 'endpoint'>,
  io: Io,
): void => {
  const line = `Reading account ${caller.account} in ${region} as ${caller.arn}, at ${endpoint}. Nothing is changed.`;
  io.stderr.write(`${oneLine('', line, styleFor(io.stderr)).join('\n')}\n`);
};
