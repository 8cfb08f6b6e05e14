/**
 * Bodies that are bytes, and bodies that are compressed. Sources: API Gateway Developer Guide, "Binary media types for
 * REST APIs", "Call an API method with a compressed payload", "Enable payload compression for an API";
 * ministackorg/ministack#767 has measurements of which header decides.
 */
import { gunzipSync, inflateRawSync, inflateSync } from 'node:zlib';
import type { AssemblyApi } from '../assembly/apis.ts';
import type { HttpRequest } from '../http.ts';

/** Where a request states none (Developer Guide, "Data transformations in API Gateway"). */
const DEFAULT_TYPE = 'application/json';

/** Whether a header's first type is one of the API's binary ones. */
export const isBinary = ({ binaryMediaTypes }: AssemblyApi, header: string | undefined): boolean => {
  const type = (header ?? DEFAULT_TYPE).split(/[,;]/)[0]?.trim().toLowerCase() ?? '';
  const [kind = ''] = type.split('/');
  return binaryMediaTypes.some((each) => each === '*/*' || each === type || each === `${kind}/*`);
};

/** As clients send it: in zlib's format, or without its header. */
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
 * The body without its content coding; undefined for a coding that API Gateway does not support, and for a body that is
 * not coded so, or is longer than `longest` without it.
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
