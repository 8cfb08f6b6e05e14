/** Opens a deployed service that is used only through its API. */
import { S3Client } from '@aws-sdk/client-s3';
import { GetCallerIdentityCommand, STSClient } from '@aws-sdk/client-sts';
import { S3_SETTINGS, S3Documents } from '../../lambdas/adapters/s3-documents.ts';
import type { Target } from '../../lambdas/domain/terms/subject.ts';
import { awsError, clockOf, isInterruption, profileIn } from '../deployed.ts';
import { CliError } from '../errors.ts';
import type { Io } from '../io.ts';
import type { ServiceSession } from '../session.ts';
import { isSimulated, STACK_REGION } from '../service-environment.ts';
import type { TargetFlags } from '../target.ts';
import { type Ask, createAsk } from './exchange.ts';
import { createApiClient, networkHttp } from './http.ts';
import { apiService } from './service.ts';

type Environment = Readonly<Record<string, string | undefined>>;

export interface ApiSession extends ServiceSession {
  ask: Ask;
  /** Returns the target. The account defaults to the caller's, which STS returns without a permission. */
  targetOf(flags: TargetFlags): Promise<Target>;
}

/**
 * Returns the region in the host name (Amazon API Gateway Developer Guide, "Invoke REST APIs"), or for a custom domain,
 * that of its stack or of the environment.
 */
const regionOf = (url: string, environment: Environment): string => {
  const region =
    /\.execute-api\.([a-z0-9-]+)\./.exec(new URL(url).hostname)?.[1] ??
    environment[STACK_REGION] ??
    environment['AWS_REGION'] ??
    environment['AWS_DEFAULT_REGION'];
  if (region !== undefined) return region;
  throw new CliError(
    'NoRegion',
    'AWS_REGION is not set, and POD_IDENTITY_API_URL does not contain the region',
    "Set AWS_REGION to the service's region, such as eu-west-1",
  );
};

/** Opens the API without a call. Throws a CliError if the region of the API is not known. */
export const openApiSession = (url: string, environment: Environment, io: Io): ApiSession => {
  const stopping = new AbortController();
  const region = regionOf(url, environment);
  // Used for the SDK's own configuration of credentials.
  const shared = { region, ...profileIn(environment) };
  const sts = new STSClient(shared);
  const credentials = async () => sts.config.credentials();
  const clock = clockOf(io, stopping.signal);
  const ask = createAsk({
    client: createApiClient({ url, region, credentials, http: networkHttp }),
    clock,
    credentials,
  });
  const simulated = isSimulated(environment);
  const s3 = new S3Client({ ...shared, ...S3_SETTINGS });
  const service = apiService({
    ask,
    clock,
    simulated,
    documentsIn: (bucket) => new S3Documents({ client: () => s3, bucket: () => bucket }),
  });
  io.onStop?.(() => stopping.abort());

  const reportedByAws = async <T>(work: () => Promise<T>): Promise<T> => {
    try {
      return await work();
    } catch (error) {
      throw isInterruption(error) ? error : awsError(error);
    }
  };
  return {
    ask,
    // The API knows the requester from the signature.
    requestedBy: '',
    simulated,
    serve: (work) => reportedByAws(() => work(service)),
    targetOf: async ({ cluster, account, region: named }) => {
      const there = named ?? environment['AWS_REGION'] ?? environment['AWS_DEFAULT_REGION'] ?? region;
      if (account !== undefined) return { account, region: there, cluster };
      const { Account = '' } = await reportedByAws(() => sts.send(new GetCallerIdentityCommand({})));
      return { account: Account, region: there, cluster };
    },
    close: () => {
      for (const client of [sts, s3]) client.destroy();
      return Promise.resolve();
    },
  };
};

/** Opens the API, and does work on the cluster that the flags name. */
export const withApi = async <T>(
  url: string,
  flags: TargetFlags,
  io: Io,
  work: (ask: Ask, target: Target) => Promise<T>,
): Promise<T> => {
  const session = openApiSession(url, process.env, io);
  try {
    return await work(session.ask, await session.targetOf(flags));
  } finally {
    await session.close();
  }
};
