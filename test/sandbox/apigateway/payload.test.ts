/** What becomes of bodies that are bytes, and of those that are compressed. */
import { brotliCompressSync, deflateRawSync, deflateSync, gzipSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import type { AssemblyApi } from '../../../sandbox/assembly/apis.ts';
import { openPlace, type PlaceOptions, standardApi } from './fixture.ts';

const BYTES = Buffer.from([0x7b, 0xff, 0x00, 0x7d]);
const withTypes = (...binaryMediaTypes: string[]): AssemblyApi => ({ ...standardApi, binaryMediaTypes });

/** By a method that wants no signature. */
const send = async (body: Uint8Array, headers: Record<string, string>, options: PlaceOptions) => {
  const place = openPlace(options);
  const answer = await place.plain({ path: '/v1/health', headers, body });
  return { ...answer, event: place.events[0] };
};

describe('a body', () => {
  test.each<[string, string[], Record<string, string>, boolean]>([
    ['of a type that is named', ['image/png'], { 'content-type': 'image/png' }, true],
    ['of such a type with parameters', ['image/png'], { 'content-type': 'Image/PNG; q=1' }, true],
    ['of a kind that is named', ['image/*'], { 'content-type': 'image/gif' }, true],
    ['of any type', ['*/*'], { 'content-type': 'application/json' }, true],
    ['of no type, which is JSON', ['application/json'], {}, true],
    ['of another type', ['image/*'], { 'content-type': 'application/json' }, false],
    ['of an API without such types', [], { 'content-type': 'application/octet-stream' }, false],
  ])('%s (%j) comes as bytes, or as text', async (_, types, headers, isBinary) => {
    const { event } = await send(BYTES, headers, { apis: [withTypes(...types)] });
    expect([event?.isBase64Encoded, event?.body]).toEqual(
      isBinary ? [true, BYTES.toString('base64')] : [false, '{\ufffd\u0000}'],
    );
  });

  test('that is empty is none', async () => {
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
  ])('of the content coding %s is decoded, and the header stays', async (coding, body) => {
    const { event } = await send(body, { 'content-encoding': coding }, {});
    expect(event?.body).toBe('{"a":1}');
    expect(event?.headers['content-encoding']).toBe(coding);
  });

  test.each<[string, string, Uint8Array]>([
    ['plain bytes said to be gzip', 'gzip', json],
    ['plain bytes said to be deflate', 'deflate', json],
    ['a coding that is not supported', 'br', brotliCompressSync(json)],
    ['two codings', 'gzip, gzip', gzipSync(gzipSync(json))],
    ['more than a body may have, unpacked', 'gzip', gzipSync(Buffer.alloc(10_485_761))],
    ['a name of every object', 'constructor', json],
  ])('that is %s does not come to the function', async (_, coding, body) => {
    const { status, headers, event } = await send(body, { 'content-encoding': coding }, {});
    expect([status, headers['x-amzn-errortype'], event]).toEqual([415, 'UnsupportedMediaTypeException', undefined]);
  });

  test('comes as it was sent where API Gateway passes codings on', async () => {
    const knobs = { apiContentEncoding: 'passed' } as const;
    const { event } = await send(gzipSync(json), { 'content-encoding': 'gzip' }, { apis: [withTypes('*/*')], knobs });
    expect(event?.body).toBe(gzipSync(json).toString('base64'));
  });
});

describe('an answer in base64', () => {
  const handler = () => ({ statusCode: 200, body: BYTES.toString('base64'), isBase64Encoded: true });
  const answerTo = async (accept: string | undefined, ...types: string[]): Promise<string> => {
    const place = openPlace({ apis: [withTypes(...types)], handler });
    const { body } = await place.clock.spawn(() =>
      place.door.handle({
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

  test('goes out as bytes where the first type that is accepted is one of them', async () => {
    expect(await answerTo('image/png, application/json', 'image/png')).toBe(BYTES.toString('hex'));
    expect(await answerTo(undefined, '*/*')).toBe(BYTES.toString('hex'));
    expect(await answerTo('application/json, image/png', 'image/png')).toBe(BYTES.toString('base64'));
    expect(await answerTo(undefined, 'image/png')).toBe(BYTES.toString('base64'));
  });
});
