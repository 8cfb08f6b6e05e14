import * as sdk from '@aws-sdk/client-s3';
import { Readable } from 'node:stream';
import { afterEach, describe, expect, it } from 'vitest';
import { ClientFactory } from '../../../lambdas/adapters/clients.ts';
import { s3Documents } from '../../../lambdas/adapters/s3-documents.ts';
import { credentialsOf } from '../../../sandbox/authorization/access-keys.ts';
import { FUNCTION_ROLE, REGION } from '../support.ts';
import { BUCKET, get, keysOf, list, listen, open, put, textOf } from './fixture.ts';
import { expectError, containing } from '../../lambdas/matchers.ts';

const closing: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0)) await close();
});

const serve = async () => {
  const bench = open();
  const loopback = await listen(bench, closing);
  const clientWith = (more: { systemClockOffset?: number } = {}): sdk.S3Client => {
    const where = { region: REGION, endpoint: loopback.url, forcePathStyle: true, maxAttempts: 1 };
    const made = new sdk.S3Client({ ...where, credentials: credentialsOf(bench.world, FUNCTION_ROLE), ...more });
    closing.push(async () => made.destroy());
    return made;
  };
  return { ...bench, loopback, client: clientWith(), clientWith };
};

describe('over loopback', () => {
  it('the client puts, heads, gets, lists and deletes', async () => {
    const { client } = await serve();
    await client.send(put('a b/ü', 'text', { ContentType: 'text/plain' }));
    expect(await client.send(new sdk.HeadObjectCommand({ Bucket: BUCKET, Key: 'a b/ü' }))).toMatchObject({
      ContentLength: 4,
      ContentType: 'text/plain',
    });
    expect(await textOf(client, 'a b/ü')).toBe('text');
    expect(keysOf(await client.send(list({ Prefix: 'a ' })))).toEqual(['a b/ü']);
    await client.send(new sdk.DeleteObjectCommand({ Bucket: BUCKET, Key: 'a b/ü' }));
    await expect(client.send(get('a b/ü'))).rejects.toBeInstanceOf(sdk.NoSuchKey);
    await expectError(client.send(new sdk.HeadObjectCommand({ Bucket: BUCKET, Key: 'a b/ü' })), 'NotFound');
  });

  it('a stream in chunks with a trailing checksum is assembled', async () => {
    const { client, clientWith, objects } = await serve();
    const text = 'line\r\n'.repeat(50_000);
    await client.send(
      put('stream', Readable.from([text.slice(0, 1000), text.slice(1000)]) as unknown as string, {
        ContentLength: text.length,
      }),
    );
    expect(await textOf(client, 'stream')).toBe(text);
    expect(Buffer.from(objects().get('stream')!.body).toString()).toBe(text);

    // The same with a wrong trailer, and with a truncated body: the signature covers only the headers.
    const broken = async (change: (body: string) => string): Promise<unknown> => {
      const failing = clientWith();
      failing.middlewareStack.add(
        (next) => async (args) => {
          const request = args.request as { headers: Record<string, string>; body: AsyncIterable<Uint8Array> };
          const chunks: Buffer[] = [];
          for await (const chunk of request.body) chunks.push(Buffer.from(chunk));
          const changed = change(Buffer.concat(chunks).toString('latin1'));
          delete request.headers['transfer-encoding'];
          return next({ ...args, request: Object.assign(request, { body: Buffer.from(changed, 'latin1') }) as never });
        },
        { step: 'finalizeRequest', name: 'break', priority: 'low' },
      );
      return failing
        .send(put('broken', Readable.from(['some text']) as unknown as string, { ContentLength: 9 }))
        .catch((error: unknown) => error);
    };
    expect(await broken((body) => body.replace('some', 'SOME'))).toMatchObject({
      name: 'BadDigest',
      message: containing('you specified did not match the calculated checksum'),
    });
    expect(await broken((body) => body.slice(0, 8))).toMatchObject({ name: 'IncompleteBody' });
    expect(objects().has('broken')).toBe(false);
  });

  it("the service's own adapter works", async () => {
    const { loopback, world } = await serve();
    const clients = new ClientFactory({
      region: REGION,
      credentials: credentialsOf(world, FUNCTION_ROLE),
      transport: {
        http: () => Promise.reject(new Error('none')),
        settingsFor: () => ({ endpoint: loopback.url }) as never,
      },
    });
    const documents = s3Documents(clients, () => BUCKET);
    await documents.put('sweeps/1', 'ü', 'text/plain');
    expect([await documents.get('sweeps/1'), await documents.get('sweeps/2'), await documents.list('sweeps/')]).toEqual(
      ['ü', undefined, { keys: ['sweeps/1'], more: false }],
    );
  });

  it('an old request is rejected, in XML', async () => {
    const { clientWith, world } = await serve();
    const old = clientWith({ systemClockOffset: -3_600_000 });
    await expectError(old.send(get('one')), 'SignatureDoesNotMatch', 'Signature expired');
    expect(world.log.calls.at(-1)).toMatchObject({
      service: 's3',
      operation: 'GetObject',
      status: 403,
      error: 'SignatureDoesNotMatch',
    });
  });
});
