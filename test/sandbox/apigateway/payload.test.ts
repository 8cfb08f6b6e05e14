/** Binary and compressed bodies. */
import { brotliCompressSync, deflateRawSync, deflateSync, gzipSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import type { AssemblyApi } from '../../../sandbox/assembly/apis.ts';
import { openSession, type SessionOptions, standardApi } from './fixture.ts';

const BYTES = Buffer.from([0x7b, 0xff, 0x00, 0x7d]);
const withTypes = (...binaryMediaTypes: string[]): AssemblyApi => ({ ...standardApi, binaryMediaTypes });

/** Sends a request to a method that requires no signature. */
const send = async (body: Uint8Array, headers: Record<string, string>, options: SessionOptions) => {
  const location = openSession(options);
  const answer = await location.plain({ path: '/v1/health', headers, body });
  return { ...answer, event: location.events[0] };
};

describe('a body', () => {
  test.each<[string, string[], Record<string, string>, boolean]>([
    ['of a listed type', ['image/png'], { 'content-type': 'image/png' }, true],
    ['of a listed type with parameters', ['image/png'], { 'content-type': 'Image/PNG; q=1' }, true],
    ['of a listed kind', ['image/*'], { 'content-type': 'image/gif' }, true],
    ['of any type', ['*/*'], { 'content-type': 'application/json' }, true],
    ['of no type, which is JSON', ['application/json'], {}, true],
    ['of another type', ['image/*'], { 'content-type': 'application/json' }, false],
    ['for an API without binary types', [], { 'content-type': 'application/octet-stream' }, false],
  ])('%s (%j) arrives as bytes or as text', async (_, types, headers, isBinary) => {
    const { event } = await send(BYTES, headers, { apis: [withTypes(...types)] });
    expect([event?.isBase64Encoded, event?.body]).toEqual(
      isBinary ? [true, BYTES.toString('base64')] : [false, '{\ufffd\u0000}'],
    );
  });

  test('that is empty is null', async () => {
    const { event } = await send(new Uint8Array(), {}, { apis: [withTypes('*/*')] });
    expect([event?.isBase64Encoded, event?.body]).toEqual([false, null]);
  });

  const json = Buffer.from('{"a":1}');
  test.each<[string, Uint8Array]>([
    ['gzip', gzipSync(json)],
    ['deflate', deflateSync(json)],
    ['deflate', deflateRawSync(json)],
    ['GZIP', gzipSync(json)],
    ['identity', json],
  ])('with the content coding %s is decoded, and the header is kept', async (coding, body) => {
    const { event } = await send(body, { 'content-encoding': coding }, {});
    expect(event?.body).toBe('{"a":1}');
    expect(event?.headers['content-encoding']).toBe(coding);
  });

  test.each<[string, string, Uint8Array]>([
    ['plain bytes declared as gzip', 'gzip', json],
    ['plain bytes declared as deflate', 'deflate', json],
    ['an unsupported coding', 'br', brotliCompressSync(json)],
    ['two codings', 'gzip, gzip', gzipSync(gzipSync(json))],
    ['larger than the limit once decoded', 'gzip', gzipSync(Buffer.alloc(10_485_761))],
    ['a property name of every object', 'constructor', json],
  ])('that is %s does not reach the function', async (_, coding, body) => {
    const { status, headers, event } = await send(body, { 'content-encoding': coding }, {});
    expect([status, headers['x-amzn-errortype'], event]).toEqual([415, 'UnsupportedMediaTypeException', undefined]);
  });

  test('arrives as sent if API Gateway passes codings on', async () => {
    const knobs = { apiContentEncoding: 'passed' } as const;
    const { event } = await send(gzipSync(json), { 'content-encoding': 'gzip' }, { apis: [withTypes('*/*')], knobs });
    expect(event?.body).toBe(gzipSync(json).toString('base64'));
  });
});

describe('a base64 answer', () => {
  const handler = () => ({ statusCode: 200, body: BYTES.toString('base64'), isBase64Encoded: true });
  const answerTo = async (accept: string | undefined, ...types: string[]): Promise<string> => {
    const location = openSession({ apis: [withTypes(...types)], handler });
    const { body } = await location.clock.spawn(() =>
      location.sandboxGateway.handle({
        method: 'GET',
        host: standardApi.host,
        path: '/v1/health',
        query: {},
        headers: accept === undefined ? {} : { accept },
        body: new Uint8Array(),
      }),
    );
    return typeof body === 'string' ? body : Buffer.from(body).toString('hex');
  };

  test('is sent as bytes if the first accepted type is binary', async () => {
    expect(await answerTo('image/png, application/json', 'image/png')).toBe(BYTES.toString('hex'));
    expect(await answerTo(undefined, '*/*')).toBe(BYTES.toString('hex'));
    expect(await answerTo('application/json, image/png', 'image/png')).toBe(BYTES.toString('base64'));
    expect(await answerTo(undefined, 'image/png')).toBe(BYTES.toString('base64'));
  });
});
