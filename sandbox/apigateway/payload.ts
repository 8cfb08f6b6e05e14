/**
 * Handles binary and compressed bodies. Sources: API Gateway Developer Guide, "Binary media types for REST APIs", "Call
 * an API method with a compressed payload", "Enable payload compression for an API"; ministackorg/ministack#767 has
 * measurements of which header decides.
 */
import { gunzipSync, inflateRawSync, inflateSync } from 'node:zlib';
import type { AssemblyApi } from '../assembly/apis.ts';
import type { HttpRequest } from '../http.ts';

/** The content type of a request that declares none (Developer Guide, "Data transformations in API Gateway"). */
const DEFAULT_TYPE = 'application/json';

/** Returns whether a header's first type is one of the API's binary types. */
export const isBinary = ({ binaryMediaTypes }: AssemblyApi, header: string | undefined): boolean => {
  const type = (header ?? DEFAULT_TYPE).split(/[,;]/)[0]?.trim().toLowerCase() ?? '';
  const [kind = ''] = type.split('/');
  return binaryMediaTypes.some((each) => each === '*/*' || each === type || each === `${kind}/*`);
};

/** Decodes both forms that clients send: in zlib's format, or without its header. */
const inflated = (body: Uint8Array, maxOutputLength: number): Uint8Array => {
  try {
    return inflateSync(body, { maxOutputLength });
  } catch {
    return inflateRawSync(body, { maxOutputLength });
  }
};
const DECODERS: Record<string, (body: Uint8Array, longest: number) => Uint8Array> = {
  gzip: (body, maxOutputLength) => gunzipSync(body, { maxOutputLength }),
  deflate: inflated,
  identity: (body) => body,
};

/**
 * Returns the decoded body; undefined for a content coding that API Gateway does not support, and for a body that is
 * not encoded as declared or is longer than `longest` once decoded.
 */
export const decodedBody = ({ headers, body }: HttpRequest, longest: number): Uint8Array | undefined => {
  const coding = (headers['content-encoding'] ?? 'identity').trim().toLowerCase();
  const decode = Object.hasOwn(DECODERS, coding) ? DECODERS[coding] : undefined;
  if (body.byteLength === 0) return decode && body;
  try {
    return decode?.(body, longest);
  } catch {
    return undefined;
  }
};
