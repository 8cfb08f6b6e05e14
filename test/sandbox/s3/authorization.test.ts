import * as sdk from '@aws-sdk/client-s3';
import { describe, expect, test } from 'vitest';
import { ACCOUNT, allow, deny, FUNCTION_ROLE } from '../support.ts';
import { ARN, BUCKET, bucketOf, EVERYTHING, get, list, open, put, statement, textOf } from './fixture.ts';
import { expectError, expectExactError } from '../../lambdas/matchers.ts';

const SESSION = `arn:aws:sts::${ACCOUNT}:assumed-role/plan-function/sandbox`;
const OTHER = '444455556666';

const ONE = { Bucket: BUCKET, Key: 'one' };
const CALLS: [operation: string, action: string, resource: string, command: () => never][] = [
  ['PutObject', 's3:PutObject', `${ARN}/one`, () => put('one') as never],
  ['GetObject', 's3:GetObject', `${ARN}/one`, () => get('one') as never],
  ['HeadObject', 's3:GetObject', `${ARN}/one`, () => new sdk.HeadObjectCommand(ONE) as never],
  ['DeleteObject', 's3:DeleteObject', `${ARN}/one`, () => new sdk.DeleteObjectCommand(ONE) as never],
  ['ListObjectsV2', 's3:ListBucket', ARN, () => list() as never],
];

describe('the permission for', () => {
  test.each(CALLS)('%s is required, and without it nothing changes', async (operation, action, resource, command) => {
    const { client, asOperator, world, objects } = open([
      allow('s3:*', 'arn:aws:s3:::another'),
      allow(action, `${resource}x`),
    ]);
    await asOperator.send(put('one', 'before'));
    const failure = await client.send(command()).catch((error: unknown) => error as Error);
    // A response to HEAD has no body, and therefore no error name and message.
    const says = {
      name: 'AccessDenied',
      message: `User: ${SESSION} is not authorized to perform: ${action} on resource: "${resource}" because no identity-based policy allows the ${action} action`,
    };
    expect(failure).toMatchObject({ $metadata: { httpStatusCode: 403 }, ...(operation === 'HeadObject' ? {} : says) });
    expect(world.log.calls.at(-1)).toMatchObject({
      service: 's3',
      operation,
      caller: FUNCTION_ROLE,
      status: 403,
      denied: action,
    });
    expect([...objects()].map(([key, { body }]) => [key, Buffer.from(body).toString()])).toEqual([['one', 'before']]);
  });

  test.each(CALLS)('%s is sufficient', async (_, action, resource, command) => {
    const { client, asOperator } = open([allow(action, resource)]);
    await asOperator.send(put('one'));
    await expect(client.send(command())).resolves.toBeDefined();
  });

  test('lists can be restricted to prefixes by a condition', async () => {
    const { client } = open([allow('s3:ListBucket', ARN, { StringLike: { 's3:prefix': 'sweeps/*' } })]);
    await client.send(list({ Prefix: 'sweeps/1' }));
    await expectError(client.send(list({ Prefix: 'other' })), 'AccessDenied');
    await expectError(client.send(list()), 'AccessDenied');
  });

  test('lists is needed to learn that an object does not exist', async () => {
    const { client, world } = open([allow('s3:GetObject', `${ARN}/*`)]);
    const message = `User: ${SESSION} is not authorized to perform: s3:ListBucket on resource: "${ARN}" because no identity-based policy allows the s3:ListBucket action`;
    await expect(client.send(get('gone'))).rejects.toMatchObject({ name: 'AccessDenied', message });
    expect(world.log.calls.at(-1)).toMatchObject({ operation: 'GetObject', status: 403, denied: 's3:ListBucket' });
    const both = [allow('s3:GetObject', `${ARN}/*`), allow('s3:ListBucket', ARN)];
    await expectError(open(both).client.send(get('gone')), 'NoSuchKey');
  });
});

describe("a bucket's policy", () => {
  const insecure = statement(
    { Effect: 'Deny', Action: 's3:*', Condition: { Bool: { 'aws:SecureTransport': 'false' } } },
    ARN,
    `${ARN}/*`,
  );

  test('that denies requests without TLS allows others', async () => {
    const { client } = open(EVERYTHING, [bucketOf({ statements: [insecure] })]);
    await client.send(put('one', 'text'));
    expect(await textOf(client, 'one')).toBe('text');
  });

  test('can deny what the role is allowed, on the resources that it names', async () => {
    const { client, asOperator, world } = open(EVERYTHING, [
      bucketOf({ statements: [insecure, statement({ Effect: 'Deny', Action: 's3:PutObject' }, `${ARN}/kept/*`)] }),
    ]);
    await client.send(put('one'));
    const message = `User: ${SESSION} is not authorized to perform: s3:PutObject on resource: "${ARN}/kept/one" with an explicit deny in a resource-based policy`;
    await expect(client.send(put('kept/one'))).rejects.toMatchObject({ name: 'AccessDenied', message });
    expect(world.log.calls.at(-1)).toMatchObject({ denied: 's3:PutObject' });
    await expectError(asOperator.send(put('kept/one')), 'AccessDenied');
  });

  test('can allow a role without its own permission, but not a role that it names only by account', async () => {
    const allowing = (AWS: string) => {
      const puts = { Effect: 'Allow', Action: 's3:PutObject', Principal: { AWS } };
      return [bucketOf({ statements: [statement(puts, `${ARN}/*`)] })];
    };
    await open([allow('eks:*')], allowing(FUNCTION_ROLE)).client.send(put('one'));
    const byAccount = allowing(`arn:aws:iam::${ACCOUNT}:root`);
    await expectError(open([allow('eks:*')], byAccount).client.send(put('one')), 'AccessDenied');
    const denying = open([deny('s3:*')], allowing(FUNCTION_ROLE)).client.send(put('one'));
    await expectError(denying, 'AccessDenied', 'with an explicit deny in an identity-based policy');
  });

  test('of another account has to allow the caller, who needs its own permission, too', async () => {
    const elsewhere = (...statements: ReturnType<typeof statement>[]) => [bucketOf({ account: OTHER, statements })];
    const message = `User: ${SESSION} is not authorized to perform: s3:PutObject on resource: "${ARN}/one" because no resource-based policy allows the s3:PutObject action`;
    await expectExactError(open(EVERYTHING, elsewhere()).client.send(put('one')), 'AccessDenied', message);
    const allowing = statement(
      { Effect: 'Allow', Action: 's3:PutObject', Principal: { AWS: `arn:aws:iam::${ACCOUNT}:root` } },
      `${ARN}/*`,
    );
    await open(EVERYTHING, elsewhere(allowing)).client.send(put('one'));
    const without = open([allow('eks:*')], elsewhere(allowing)).client.send(put('one'));
    await expectError(without, 'AccessDenied', 'because no identity-based policy allows');
  });
});

test.each([
  ['throttled', 503, 'SlowDown'],
  ['server-error', 500, 'InternalError'],
  ['access-denied', 403, 'AccessDenied'],
  ['in-use', 409, 'OperationAborted'],
  ['not-found', 404, 'NoSuchKey'],
] as const)('a fault %s is answered as %s %s, once', async (kind, status, name) => {
  const { client, world } = open(EVERYTHING, [bucketOf()], 'report-sweep');
  world.faults.add({ service: 's3', operation: 'GetObject', step: 'report-sweep', kind, input: { Key: 'one' } });
  await client.send(put('one'));
  await client.send(put('two'));
  expect(await textOf(client, 'two')).toBe('two');
  await expect(client.send(get('one'))).rejects.toMatchObject({ name, $metadata: { httpStatusCode: status } });
  expect(world.log.calls.at(-1)).toMatchObject({
    operation: 'GetObject',
    input: { Bucket: BUCKET, Key: 'one' },
    status,
    error: name,
  });
  expect(await textOf(client, 'one')).toBe('one');
  expect(world.faults.seen.map(({ operation, mutating }) => [operation, mutating])).toEqual([
    ['PutObject', true],
    ['PutObject', true],
    ['GetObject', false],
    ['GetObject', false],
    ['GetObject', false],
  ]);
});
