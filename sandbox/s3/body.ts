/**
 * Reads request bodies and verifies their integrity. Sources: Amazon S3 API Reference, "Signature calculations for the
 * Authorization header: transferring a payload in multiple chunks" and "Checking object integrity"; AWS SDKs and Tools
 * Reference Guide, "Data Integrity Protections for Amazon S3": since 2025, SDKs send a CRC32 by default.
 */
import { createHash } from 'node:crypto';
import { crc32 } from 'node:zlib';
import type { HttpRequest } from '../http.ts';
import { notImplemented, S3Error } from './errors.ts';

const PAYLOAD = 'x-amz-content-sha256';

const incomplete = (): S3Error => new S3Error(400, 'IncompleteBody', 'The request body terminated unexpectedly');

interface Unpacked {
  body: Uint8Array;
  /** Trailing headers, with names in lower case. */
  trailers: Record<string, string>;
}

/**
 * Decodes a chunked body. A chunk is `SIZE[;extension]`, a line break, that many bytes, and a line break. The last
 * chunk has size 0, and trailing headers follow it.
 */
const unchunk = (raw: Uint8Array): Unpacked => {
  const data = Buffer.from(raw);
  const chunks: Buffer[] = [];
  let at = 0;
  const line = (): string => {
    const end = data.indexOf('\r\n', at);
    if (end === -1) throw incomplete();
    const text = data.toString('latin1', at, end);
    at = end + 2;
    return text;
  };
  for (;;) {
    const [, digits] = /^([0-9a-f]+)(?:;.*)?$/i.exec(line()) ?? [];
    const size = Number.parseInt(digits ?? '', 16);
    if (Number.isNaN(size) || at + size > data.length) throw incomplete();
    if (size === 0) break;
    chunks.push(data.subarray(at, at + size));
    at += size;
    if (line() !== '') throw incomplete();
  }
  const lines = data
    .toString('latin1', at)
    .split(/\r?\n/)
    .filter((text) => text.includes(':'));
  const trailers = lines.map((text): [string, string] => [
    text.slice(0, text.indexOf(':')).trim().toLowerCase(),
    text.slice(text.indexOf(':') + 1).trim(),
  ]);
  return { body: Buffer.concat(chunks), trailers: Object.fromEntries(trailers) };
};

const unpack = (request: HttpRequest): Unpacked => {
  const {
    [PAYLOAD]: payload = '',
    'x-amz-decoded-content-length': length,
    'content-encoding': encoding = '',
  } = request.headers;
  if (payload.startsWith('STREAMING-AWS4-'))
    throw notImplemented(
      'bodies with signed chunks; send the chunks unsigned (STREAMING-UNSIGNED-PAYLOAD-TRAILER), or the body in one piece',
    );
  const isChunked = payload.startsWith('STREAMING-') || encoding.split(/, */).includes('aws-chunked');
  if (!isChunked) return { body: request.body, trailers: {} };
  const unpacked = unchunk(request.body);
  if (length !== undefined && Number(length) !== unpacked.body.length) throw incomplete();
  return unpacked;
};

const digest =
  (algorithm: string) =>
  (body: Uint8Array): string =>
    createHash(algorithm).update(body).digest('base64');
const crc = (body: Uint8Array): string => {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(crc32(body));
  return bytes.toString('base64');
};

/** Checksums that Node.js can compute. Others (CRC32C, CRC64NVME) are accepted without verification. */
const CHECKSUMS: Record<string, (body: Uint8Array) => string> = {
  crc32: crc,
  sha1: digest('sha1'),
  sha256: digest('sha256'),
};

const check = (request: HttpRequest, { body, trailers }: Unpacked): void => {
  const given = { ...request.headers, ...trailers };
  const { [PAYLOAD]: payload = '', 'content-md5': md5 } = request.headers;
  if (/^[0-9a-f]{64}$/.test(payload) && createHash('sha256').update(request.body).digest('hex') !== payload) {
    throw new S3Error(
      400,
      'XAmzContentSHA256Mismatch',
      "The provided 'x-amz-content-sha256' header does not match what was computed.",
    );
  }
  if (md5 !== undefined && digest('md5')(body) !== md5)
    throw new S3Error(400, 'BadDigest', 'The Content-MD5 you specified did not match what we received.');
  for (const [name, compute] of Object.entries(CHECKSUMS)) {
    const wanted = given[`x-amz-checksum-${name}`];
    if (wanted !== undefined && wanted !== compute(body))
      throw new S3Error(
        400,
        'BadDigest',
        `The ${name.toUpperCase()} you specified did not match the calculated checksum.`,
      );
  }
};

/** Returns a request's body. Throws S3Error if it is incomplete or does not match its checksums. */
export const readBody = (request: HttpRequest): Uint8Array => {
  const unpacked = unpack(request);
  check(request, unpacked);
  return unpacked.body;
};
