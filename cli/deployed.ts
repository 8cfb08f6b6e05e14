/**
 * The service that is deployed in AWS, or that a sandbox in another terminal serves, with the SDK's own configuration of
 * endpoints and credentials.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { S3Client } from '@aws-sdk/client-s3';
import { SFNClient } from '@aws-sdk/client-sfn';
import { GetCallerIdentityCommand, STSClient } from '@aws-sdk/client-sts';
import { createDynamoLedger } from '../lambdas/adapters/dynamo-ledger.ts';
import { createDynamoSweeps } from '../lambdas/adapters/dynamo-sweeps.ts';
import { S3_SETTINGS, S3Documents } from '../lambdas/adapters/s3-documents.ts';
import { systemIds } from '../lambdas/adapters/system.ts';
import type { Clock } from '../lambdas/ports/index.ts';
import { WORLD_TIME } from '../sandbox/transports/world-time.ts';
import { onAnswerHeader } from './answer-header.ts';
import type { Backend } from './backend.ts';
import { CliError } from './errors.ts';
import { EXIT_CODES } from './exit-codes.ts';
import type { Io } from './io.ts';
import { readServiceEnvironment } from './service-environment.ts';

export interface DeployedBackend extends Backend {
  /** The caller according to STS. */
  caller: { account: string; arn: string };
  /** The account that the service is deployed in, and the environment's region. */
  serviceAccount: string;
  region: string | undefined;
}

/** Returns whether a wait was aborted because the program was asked to end. */
export const isInterruption = (error: unknown): boolean => error instanceof Error && error.name === 'AbortError';

const REFUSALS =
  /AccessDenied|UnrecognizedClient|InvalidClientTokenId|SignatureDoesNotMatch|ExpiredToken|InvalidSignature/;
const UNREACHABLE = /ECONNREFUSED|ENOTFOUND|ECONNRESET|ETIMEDOUT|EAI_AGAIN|ConnectionLost|TimeoutError/;
const UNKNOWN = /StateMachineDoesNotExist|ResourceNotFound|NotFound/;

const hintFor = (text: string): string => {
  if (text.includes('CredentialsProviderError'))
    return 'No AWS credentials were found: set AWS_PROFILE, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or log in';
  if (REFUSALS.test(text))
    return 'Check whose credentials these are (aws sts get-caller-identity), that they are valid, and that they allow access to the state machines and the table of the service';
  if (UNREACHABLE.test(text))
    return 'Check the network and the variables AWS_ENDPOINT_URL and AWS_ENDPOINT_URL_*, which may point to a sandbox that has stopped';
  if (UNKNOWN.test(text))
    return 'Check the variables POD_IDENTITY_*: they are the outputs of the stack PodIdentityMigrator';
  return 'Run the same command with --debug to see the stack trace';
};

/** Returns the error for a failed call to AWS. */
export const awsError = (error: unknown): CliError => {
  if (error instanceof CliError) return error;
  const { name, message } = error instanceof Error ? error : { name: 'Error', message: String(error) };
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  return new CliError(
    'AwsError',
    `a call to AWS failed: ${name}: ${message || code}`,
    hintFor(`${name} ${code} ${message}`),
    EXIT_CODES.unexpected,
    { cause: error },
  );
};

/** Returns the account and region of the service, from its state machine's ARN. */
const homeOf = (stateMachineArn: string): { region: string; account: string } => {
  const [, , , region = '', account = ''] = stateMachineArn.split(':');
  return { region, account };
};

/** Returns the clock for following a deployed service; `stopped` ends every wait. */
export const clockOf = (io: Io, stopped: AbortSignal): Clock => ({
  now: () => Date.now(),
  sleep: (milliseconds) => io.sleep?.(milliseconds, stopped) ?? sleep(milliseconds, undefined, { signal: stopped }),
});

/**
 * Returns the clock of a served sandbox, whose time is not this machine's: approvals expire by it. In AWS, which does not
 * name the world's time, returns the given clock.
 */
const inWorld = (clock: Clock, worldTime: string | undefined): Clock => {
  const ahead = Date.parse(worldTime ?? '') - clock.now();
  return Number.isNaN(ahead) ? clock : { ...clock, now: () => clock.now() + ahead };
};

/** Returns the profile that clients use: `--profile`, or the SDK's own variable. */
export const profileIn = (environment: Readonly<Record<string, string | undefined>>): { profile?: string } => {
  const { AWS_PROFILE: profile } = environment;
  return profile === undefined ? {} : { profile };
};

/** Throws a CliError if the environment does not locate the service, or AWS does not know the caller. */
export const openDeployedBackend = async (
  environment: Readonly<Record<string, string | undefined>>,
  clock: Clock,
): Promise<DeployedBackend> => {
  const { simulated, tableName, approver, allowUnknownRequester, sweepStateMachineArn, sweepBucketName, ...machines } =
    readServiceEnvironment(environment);
  const home = homeOf(machines.stateMachineArn);
  // No migration depends on these calls, so the SDK may retry them.
  const shared = { region: home.region, ...profileIn(environment) };
  const stepFunctions = new SFNClient(shared);
  const dynamodb = new DynamoDBClient(shared);
  const sts = new STSClient(shared);
  const s3 = new S3Client({ ...shared, ...S3_SETTINGS });
  const close = (): Promise<void> => {
    for (const client of [stepFunctions, dynamodb, sts, s3]) client.destroy();
    return Promise.resolve();
  };
  try {
    let worldTime: string | undefined;
    onAnswerHeader(sts, WORLD_TIME, (value) => (worldTime = value));
    const { Account = '', Arn = '' } = await sts.send(new GetCallerIdentityCommand({}));
    return {
      ...machines,
      stepFunctions,
      ledger: createDynamoLedger({ client: dynamodb, tableName }),
      sweeping: {
        sweeps: createDynamoSweeps({ client: dynamodb, tableName }),
        documentsIn: (bucket) => new S3Documents({ client: () => s3, bucket: () => bucket }),
        stateMachineArn: sweepStateMachineArn,
        bucketName: sweepBucketName,
      },
      clock: { ...inWorld(clock, worldTime), spawn: (run) => run() },
      ids: systemIds,
      simulated,
      approver,
      allowUnknownRequester,
      caller: { account: Account, arn: Arn },
      serviceAccount: home.account,
      region: environment['AWS_REGION'] ?? environment['AWS_DEFAULT_REGION'],
      close,
    };
  } catch (error) {
    await close();
    throw awsError(error);
  }
};
