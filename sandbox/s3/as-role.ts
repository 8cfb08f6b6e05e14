/**
 * S3 as AWS services use it on behalf of a role: the role's permissions are checked, and calls appear in the call log.
 */
import type { Authorizer } from '../authorization/authorizer.ts';
import type { World } from '../world/world.ts';
import type { S3Caller } from './authorization.ts';
import type { Buckets } from './buckets.ts';
import { S3Error } from './errors.ts';

export interface RoleObjects {
  /** Returns the object's content, decoded as UTF-8. Throws S3Error. */
  get(bucket: string, key: string): string;
  /** Writes an object and returns its size in bytes. Throws S3Error. */
  put(bucket: string, key: string, text: string, contentType: string): number;
}

export interface RoleObjectsOptions {
  world: World;
  clock: { now(): number };
  authorizer: Authorizer;
  buckets: Buckets;
}

export const objectsAs = (
  { world, clock, authorizer, buckets }: RoleObjectsOptions,
  roleArn: string,
  region: string,
): RoleObjects => {
  const caller = { accessKeyId: '', principalArn: roleArn, account: roleArn.split(':')[4] ?? '' };

  const call = <T>(operation: string, input: object, mutating: boolean, run: (by: S3Caller) => T): T => {
    let denied: string | undefined;
    const by: S3Caller = {
      caller,
      region,
      authorize: (permission) => {
        const denial = authorizer.authorize(caller, permission, region);
        denied = denial?.action;
        return denial;
      },
    };
    const log = (answer: { status: number; error?: string }): void =>
      world.log.add({
        at: new Date(clock.now()).toISOString(),
        service: 's3',
        operation,
        mutating,
        caller: roleArn,
        account: caller.account,
        region,
        input,
        ...answer,
        ...(denied === undefined ? {} : { denied }),
      });
    try {
      const result = run(by);
      log({ status: 200 });
      return result;
    } catch (error) {
      if (error instanceof S3Error) log({ status: error.status, error: error.name });
      throw error;
    }
  };

  return {
    get: (bucket, key) =>
      call('GetObject', { Bucket: bucket, Key: key }, false, (by) =>
        Buffer.from(buckets.get(by, bucket, key).body).toString('utf8'),
      ),
    put: (bucket, key, text, contentType) =>
      call(
        'PutObject',
        { Bucket: bucket, Key: key },
        true,
        (by) => buckets.put(by, bucket, key, Buffer.from(text), contentType).body.length,
      ),
  };
};
