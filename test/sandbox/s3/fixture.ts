/** Buckets behind a gateway, for the real client: in process, or on 127.0.0.1. */
import * as sdk from '@aws-sdk/client-s3';
import type { AwsCredentialIdentity } from '@smithy/types';
import { parsePolicy } from '../../../lambdas/domain/policy/index.ts';
import type { AssemblyBucket, BucketStatement } from '../../../sandbox/assembly/buckets.ts';
import { createGateway, type Gateway } from '../../../sandbox/gateway/gateway.ts';
import { createKubernetesService } from '../../../sandbox/kubernetes/service.ts';
import { Buckets } from '../../../sandbox/s3/buckets.ts';
import { createS3Service } from '../../../sandbox/s3/service.ts';
import { credentialsOf } from '../../../sandbox/authorization/access-keys.ts';
import { openLoopback } from '../../../sandbox/transports/loopback.ts';
import type { World } from '../../../sandbox/world/world.ts';
import { ACCOUNT, allow, configOf, FUNCTION_ROLE, newWorld, operator, REGION } from '../support.ts';

export const BUCKET = 'sweeps-of-dev';
export const ARN = `arn:aws:s3:::${BUCKET}`;

export const statement = (given: Record<string, unknown>, ...resources: string[]): BucketStatement => ({
  resources,
  policy: parsePolicy({ Version: '2012-10-17', Statement: [{ Principal: '*', ...given }] }, 'resource'),
});

export const bucketOf = (more: Partial<AssemblyBucket> = {}): AssemblyBucket => ({
  logicalId: 'Bucket',
  name: BUCKET,
  account: ACCOUNT,
  region: REGION,
  isVersioned: false,
  statements: [],
  ...more,
});

export const EVERYTHING = [allow('s3:*', [ARN, `${ARN}/*`])];

/** `step`: calls count as calls of this step's function. */
export const open = (statements: object[] = EVERYTHING, buckets: AssemblyBucket[] = [bucketOf()], step?: string) => {
  const world = newWorld(...statements);
  const clock = { now: () => world.schedule.now() };
  const own = new Buckets({ world, clock, buckets });
  const gateway = createGateway({
    world,
    clock,
    services: { s3: createS3Service(world, own) },
    kubernetes: (cluster) => createKubernetesService(world, cluster),
    stepOf: () => step,
  });
  const clientOf = (credentials: AwsCredentialIdentity, more: sdk.S3ClientConfig = {}): sdk.S3Client =>
    new sdk.S3Client({ ...configOf(gateway, world, credentials), ...more });
  /** Client with the function's role. */
  const client = clientOf(credentialsOf(world, FUNCTION_ROLE));
  const objects = (name = BUCKET) => world.buckets.get(name)!.objects;
  return { world, gateway, clientOf, client, asOperator: clientOf(operator(world)), objects };
};

export const put = (Key: string, Body: string | Uint8Array = Key, more: Partial<sdk.PutObjectCommandInput> = {}) =>
  new sdk.PutObjectCommand({ Bucket: BUCKET, Key, Body, ...more });
export const get = (Key: string) => new sdk.GetObjectCommand({ Bucket: BUCKET, Key });
export const list = (more: Partial<sdk.ListObjectsV2CommandInput> = {}) =>
  new sdk.ListObjectsV2Command({ Bucket: BUCKET, ...more });

export const textOf = async (client: sdk.S3Client, key: string): Promise<string> =>
  (await client.send(get(key))).Body!.transformToString('utf-8');
export const keysOf = (answer: sdk.ListObjectsV2CommandOutput): (string | undefined)[] =>
  (answer.Contents ?? []).map(({ Key }) => Key);

export const listen = async ({ world, gateway }: { world: World; gateway: Gateway }, closing: (() => unknown)[]) => {
  const loopback = await openLoopback({ world, gateway, credentials: operator(world) });
  closing.push(loopback.close);
  return loopback;
};
