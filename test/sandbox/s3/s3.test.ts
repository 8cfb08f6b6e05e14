import * as sdk from '@aws-sdk/client-s3';
import { createHash } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { ClientFactory } from '../../../lambdas/adapters/clients.ts';
import { s3Documents } from '../../../lambdas/adapters/s3-documents.ts';
import { credentialsOf } from '../../../sandbox/authorization/access-keys.ts';
import { inProcessTransport } from '../../../sandbox/transports/in-process.ts';
import { FUNCTION_ROLE, REGION } from '../support.ts';
import { BUCKET, bucketOf, EVERYTHING, get, keysOf, list, open, put, textOf } from './fixture.ts';
import { matching, expectExactError, expectError, containing, expectFailure } from '../../lambdas/matchers.ts';

const md5 = (text: string): string => createHash('md5').update(text).digest('hex');

const head = new sdk.HeadObjectCommand({ Bucket: BUCKET, Key: 'one' });
const remove = new sdk.DeleteObjectCommand({ Bucket: BUCKET, Key: 'one' });

describe('an object', () => {
  test('is returned as it was put, with its type, MD5 and time', async () => {
    const { client, objects } = open();
    const made = await client.send(put('reports/ä.json', '{"ä":1}', { ContentType: 'application/json' }));
    expect(made).toMatchObject({ ETag: `"${md5('{"ä":1}')}"`, $metadata: { httpStatusCode: 200 } });
    const read = await client.send(get('reports/ä.json'));
    expect(read).toMatchObject({
      ETag: made.ETag,
      ContentType: 'application/json',
      ContentLength: 8,
      LastModified: new Date('2026-01-15T09:00:00.000Z'),
    });
    expect(await read.Body!.transformToString()).toBe('{"ä":1}');
    expect(objects().get('reports/ä.json')).toMatchObject({ contentType: 'application/json', etag: md5('{"ä":1}') });
  });

  test('can be binary or empty', async () => {
    const { client } = open();
    const bytes = Uint8Array.from({ length: 256 }, (_, index) => index);
    await client.send(put('bytes', bytes));
    expect(await (await client.send(get('bytes'))).Body!.transformToByteArray()).toEqual(bytes);
    await client.send(put('empty', new Uint8Array()));
    expect(await textOf(client, 'empty')).toBe('');
    expect((await client.send(get('empty'))).ContentType).toBe('application/octet-stream');
  });

  test.each([true, false])('can have any key, with path-style requests or not: %s', async (forcePathStyle) => {
    const { clientOf, world, objects } = open();
    const client = clientOf(credentialsOf(world, FUNCTION_ROLE), { forcePathStyle });
    const keys = ["a b+c/ü?x=1&(y)'!*", 'a//b', 'a/./b', '100%', 'x/', '%41'];
    for (const key of keys) {
      await client.send(put(key));
      expect(await textOf(client, key)).toBe(key);
    }
    expect([[...objects().keys()], keysOf(await client.send(list()))]).toEqual([keys, [...keys].sort()]);
    expect(world.log.calls[0]).toMatchObject({
      service: 's3',
      operation: 'PutObject',
      mutating: true,
      input: { Bucket: BUCKET, Key: keys[0] },
      status: 200,
    });
    expect(world.log.mutations()).toEqual([]);
  });

  test('can be headed without being read, and deleted', async () => {
    const { client, world } = open();
    await client.send(put('one', 'text'));
    expect(await client.send(head)).toMatchObject({ ContentLength: 4, ETag: `"${md5('text')}"` });
    expect((await client.send(remove)).$metadata.httpStatusCode).toBe(204);
    await client.send(remove);
    await expectFailure(client.send(head), 404, 'NotFound');
    expect(world.log.calls.map(({ operation, mutating }) => [operation, mutating])).toEqual([
      ['PutObject', true],
      ['HeadObject', false],
      ['DeleteObject', true],
      ['DeleteObject', true],
      ['HeadObject', false],
    ]);
  });

  test('does not change if the caller modifies its buffer afterwards', async () => {
    const { client } = open();
    const bytes = Buffer.from('before');
    await client.send(put('one', bytes));
    bytes.write('after!');
    expect(await textOf(client, 'one')).toBe('before');
  });
});

describe('a bucket with versioning', () => {
  const versioned = () => open(EVERYTHING, [bucketOf({ isVersioned: true })]);

  test('returns the version of a put, and keeps overwritten versions', async () => {
    const { client, world } = versioned();
    const [first, second] = [await client.send(put('one', 'before')), await client.send(put('one', 'after'))];
    expect(first.VersionId).toMatch(/^[\w.]{32}$/);
    expect(second.VersionId).not.toBe(first.VersionId);
    expect(await client.send(head)).toMatchObject({ VersionId: second.VersionId });
    expect(await textOf(client, 'one')).toBe('after');
    expect(world.buckets.get(BUCKET)!.older!.get('one')).toMatchObject([
      { versionId: first.VersionId, body: Buffer.from('before') },
    ]);
  });

  test('replaces a deleted object with a delete marker, and keeps the object', async () => {
    const { client, world, objects } = versioned();
    const made = await client.send(put('one', 'text'));
    const deleted = await client.send(remove);
    expect(deleted).toMatchObject({ DeleteMarker: true, VersionId: matching(/^[\w.]{32}$/) });
    expect(keysOf(await client.send(list()))).toEqual([]);
    await expect(client.send(get('one'))).rejects.toMatchObject({
      name: 'NoSuchKey',
      $response: { headers: { 'x-amz-delete-marker': 'true', 'x-amz-version-id': deleted.VersionId } },
    });
    const again = await client.send(put('one', 'again'));
    expect(objects().get('one')).toMatchObject({ versionId: again.VersionId });
    expect(world.buckets.get(BUCKET)!.older!.get('one')).toMatchObject([
      { versionId: made.VersionId },
      { versionId: deleted.VersionId, isDeleteMarker: true },
    ]);
  });

  test('has a delete marker for an object that never existed, and another for each deletion', async () => {
    const { client } = versioned();
    const [first, second] = [await client.send(remove), await client.send(remove)];
    expect([first.DeleteMarker, second.DeleteMarker]).toEqual([true, true]);
    expect(second.VersionId).not.toBe(first.VersionId);
  });

  test('is the only kind that returns versions', async () => {
    const { client } = open();
    const made = await client.send(put('one', 'text'));
    const read = await client.send(get('one'));
    expect([made.VersionId, read.VersionId, (await client.send(remove)).DeleteMarker]).toEqual(
      Array(3).fill(undefined),
    );
    await expect(client.send(get('one'))).rejects.not.toHaveProperty(['$response', 'headers', 'x-amz-delete-marker']);
  });
});

describe('a list', () => {
  const filled = async (...keys: string[]) => {
    const { client } = open();
    for (const key of keys) await client.send(put(key));
    return client;
  };

  test('has keys in byte order, by prefix, after a key', async () => {
    const client = await filled('b/2', 'b/1', 'a', 'é', 'B', 'b/10');
    const all = await client.send(list());
    expect(all).toMatchObject({ Name: BUCKET, KeyCount: 6, MaxKeys: 1000, IsTruncated: false });
    const LastModified = new Date('2026-01-15T09:00:00.000Z');
    const one = { Key: 'a', ETag: `"${md5('a')}"`, Size: 1, StorageClass: 'STANDARD', LastModified };
    expect(all.Contents).toContainEqual(one);
    expect(keysOf(all)).toEqual(['B', 'a', 'b/1', 'b/10', 'b/2', 'é']);
    expect(keysOf(await client.send(list({ Prefix: 'b/' })))).toEqual(['b/1', 'b/10', 'b/2']);
    expect(keysOf(await client.send(list({ StartAfter: 'b/1' })))).toEqual(['b/10', 'b/2', 'é']);
    expect(keysOf(await client.send(list({ Prefix: 'b/', StartAfter: 'b/15' })))).toEqual(['b/2']);
    expect(await client.send(list({ Prefix: 'c' }))).toMatchObject({ KeyCount: 0, IsTruncated: false });
  });

  test('has common prefixes of keys up to a delimiter', async () => {
    const client = await filled('a/1', 'a/2', 'b', 'c/d/1', 'c/e');
    const top = await client.send(list({ Delimiter: '/' }));
    expect(top).toMatchObject({ KeyCount: 3, CommonPrefixes: [{ Prefix: 'a/' }, { Prefix: 'c/' }] });
    expect(keysOf(top)).toEqual(['b']);
    expect(await client.send(list({ Delimiter: '/', Prefix: 'c/' }))).toMatchObject({
      Contents: [{ Key: 'c/e' }],
      CommonPrefixes: [{ Prefix: 'c/d/' }],
    });
  });

  test.each([{}, { Delimiter: '/' }])('has pages that lose and repeat nothing: %o', async (more) => {
    const client = await filled(...Array.from({ length: 23 }, (_, index) => `${index % 5}/${index}`), 'x', 'y');
    const whole = await client.send(list(more));
    const names = (answer: sdk.ListObjectsV2CommandOutput) => [
      ...keysOf(answer),
      ...(answer.CommonPrefixes ?? []).map(({ Prefix }) => Prefix),
    ];
    const seen: unknown[] = [];
    let ContinuationToken: string | undefined;
    let pages = 0;
    do {
      const page: sdk.ListObjectsV2CommandOutput = await client.send(
        list({ ...more, MaxKeys: 3, ...(ContinuationToken === undefined ? {} : { ContinuationToken }) }),
      );
      expect(page.KeyCount).toBeLessThanOrEqual(3);
      expect(page.IsTruncated).toBe(page.NextContinuationToken !== undefined);
      seen.push(...names(page));
      ContinuationToken = page.NextContinuationToken;
      pages += 1;
    } while (ContinuationToken !== undefined);
    expect(pages).toBe(Math.ceil(names(whole).length / 3));
    expect(new Set(seen)).toEqual(new Set(names(whole)));
    expect(seen).toHaveLength(names(whole).length);
  });

  test('has at most a thousand keys per page', async () => {
    const { client, objects } = open();
    await client.send(put('first'));
    for (let index = 0; index < 1100; index += 1)
      objects().set(`k/${String(index).padStart(4, '0')}`, objects().get('first')!);
    const page = await client.send(list({ MaxKeys: 5000, Prefix: 'k/' }));
    expect(page).toMatchObject({ KeyCount: 1000, IsTruncated: true });
    expect(
      keysOf(await client.send(list({ Prefix: 'k/', ContinuationToken: page.NextContinuationToken! }))),
    ).toHaveLength(100);
  });

  test.each([
    [{ MaxKeys: -1 }, 'Provided max-keys not an integer or within integer range'],
    [{ ContinuationToken: 'not one' }, 'The continuation token provided is incorrect'],
  ])('rejects %o', (more, message) => expectFailure(open().client.send(list(more)), 400, 'InvalidArgument', message));
});

describe('S3 rejects', () => {
  test('a missing object, with the exception of the client', async () => {
    const { client, world } = open();
    const failure = await client.send(get('gone')).catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(sdk.NoSuchKey);
    expect(failure).toMatchObject({ message: 'The specified key does not exist.', $metadata: { httpStatusCode: 404 } });
    expect(world.log.calls.at(-1)).toMatchObject({ operation: 'GetObject', status: 404, error: 'NoSuchKey' });
  });

  test('a missing bucket, or one in another region', async () => {
    const { client, clientOf, world } = open(undefined, [bucketOf({ name: 'elsewhere', region: 'us-east-1' })]);
    await expectExactError(client.send(put('one')), 'NoSuchBucket', 'The specified bucket does not exist');
    const asked = new sdk.GetObjectCommand({ Bucket: 'elsewhere', Key: 'one' });
    await expectFailure(client.send(asked), 301, 'PermanentRedirect');
    await expectError(
      clientOf(credentialsOf(world, FUNCTION_ROLE), { region: 'us-east-1' }).send(asked),
      'AccessDenied',
    );
  });

  test.each<[string, sdk.PutObjectCommand | sdk.ListBucketsCommand]>([
    ['conditions', put('one', 'text', { IfNoneMatch: '*' })],
    ['metadata', put('one', 'text', { Metadata: { a: 'b' } })],
    ['an encoding', put('one', 'text', { ContentEncoding: 'gzip' })],
    ['other operations', new sdk.ListBucketsCommand({})],
  ])('%s, rather than lose them', async (_, command) => {
    const { client, objects } = open();
    await expectFailure(client.send(command as sdk.PutObjectCommand), 501, 'NotImplemented');
    expect(objects().size).toBe(0);
  });

  test('a body that does not match its checksum, and a key that is too long', async () => {
    const { client, objects } = open();
    await expectExactError(
      client.send(put('one', 'text', { ContentMD5: md5('other') })),
      'BadDigest',
      'The Content-MD5 you specified did not match what we received.',
    );
    await expectExactError(
      client.send(put('one', 'text', { ChecksumSHA256: 'AAAA' })),
      'BadDigest',
      'The SHA256 you specified did not match the calculated checksum.',
    );
    await expectError(client.send(put('é'.repeat(513))), 'KeyTooLongError');
    expect(objects().size).toBe(0);
    await client.send(put('one', 'text', { ChecksumSHA256: createHash('sha256').update('text').digest('base64') }));
    expect(objects().size).toBe(1);
  });

  test('a wrong key and a wrong secret, with its own error names', async () => {
    const { clientOf, world } = open();
    await expectFailure(
      clientOf({ accessKeyId: 'AKIAUNKNOWN', secretAccessKey: 'x' }).send(get('one')),
      403,
      'InvalidAccessKeyId',
      'The AWS Access Key Id you provided does not exist in our records.',
    );
    await expectFailure(
      clientOf({ ...credentialsOf(world, FUNCTION_ROLE), secretAccessKey: 'x' }).send(get('one')),
      403,
      'SignatureDoesNotMatch',
    );
  });
});

test("the service's own adapter puts, gets and lists", async () => {
  const { gateway, world } = open();
  const clients = new ClientFactory({
    region: REGION,
    credentials: credentialsOf(world, FUNCTION_ROLE),
    transport: inProcessTransport(gateway, world),
  });
  const documents = s3Documents(clients, () => BUCKET);
  expect(await documents.get('sweeps/1/locations.json')).toBeUndefined();
  await documents.put('sweeps/1/locations.json', '["ü"]', 'application/json');
  await documents.put('sweeps/1/report.json', '{}', 'application/json');
  expect(await documents.get('sweeps/1/locations.json')).toBe('["ü"]');
  const keys = ['sweeps/1/locations.json', 'sweeps/1/report.json'];
  expect(await documents.list('sweeps/1/')).toEqual({ keys, more: false });
  expect(await documents.list('sweeps/1/', keys[0])).toEqual({ keys: [keys[1]], more: false });
});

test('a request without a signature is rejected in XML', async () => {
  const { gateway, world } = open();
  const answer = await gateway.handle({
    method: 'GET',
    host: `${BUCKET}.s3.${REGION}.amazonaws.com`,
    path: '/one',
    query: {},
    headers: {},
    body: new Uint8Array(),
  });
  expect(answer).toMatchObject({
    status: 403,
    headers: { 'content-type': 'application/xml' },
    body: containing('<Error><Code>AccessDenied</Code><Message>Access Denied</Message>'),
  });
  const call = { service: 's3', operation: 'GetObject', status: 403, error: 'AccessDenied' };
  expect(world.log.calls).toMatchObject([call]);
});
