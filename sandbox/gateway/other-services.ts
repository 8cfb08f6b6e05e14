/**
 * Requests for services that the sandbox does not simulate: which protocol they have, and the refusals in it, so that
 * each SDK reports the message. Source of the protocols: https://smithy.io/2.0/aws/protocols/index.html.
 */
import { toXml } from '../iam/query-protocol.ts';
import type { HttpRequest, HttpResponse } from '../http.ts';

/** Protocols that none of the sandbox's own services has. */
export type OtherProtocol = 'wrapped-xml' | 'cbor';

/** Services with XML whose errors are wrapped (restXml without `noErrorWrapping`): a GET request does not show it. */
const WRAPPED_XML = new Set(['route53', 'cloudfront', 's3-outposts', 'cloudsearchdomain']);

const isForm = ({ headers }: HttpRequest): boolean =>
  (headers['content-type'] ?? '').startsWith('application/x-www-form-urlencoded');

/** Returns the protocol that the request itself shows. */
export const protocolIn = (
  service: string,
  request: HttpRequest,
): OtherProtocol | 'json' | 'json-1.1' | 'query' | 'rest-json' => {
  const { headers } = request;
  if (headers['smithy-protocol'] === 'rpc-v2-cbor') return 'cbor';
  if (headers['x-amz-target'] !== undefined)
    return (headers['content-type'] ?? '').includes('json-1.0') ? 'json' : 'json-1.1';
  if (WRAPPED_XML.has(service)) return 'wrapped-xml';
  return isForm(request) || request.query['Action'] !== undefined ? 'query' : 'rest-json';
};

/** Returns the operation of a request with RPC v2: `/service/NAME/operation/OPERATION`. */
export const rpcOperation = ({ path }: HttpRequest): string | undefined =>
  /^\/service\/[^/]+\/operation\/(\w+)$/.exec(path)?.[1];

/** Encodes a text or a map of texts as CBOR (RFC 8949, "Specification of the CBOR Encoding"). */
const cbor = (value: string | Record<string, string>): Buffer => {
  const head = (major: number, length: number): Buffer => {
    const type = major << 5;
    if (length < 24) return Buffer.from([type | length]);
    return length < 256 ? Buffer.from([type | 24, length]) : Buffer.from([type | 25, length >> 8, length & 255]);
  };
  if (typeof value === 'string') {
    const text = Buffer.from(value);
    return Buffer.concat([head(3, text.length), text]);
  }
  const entries = Object.entries(value);
  return Buffer.concat([head(5, entries.length), ...entries.flat().map((each) => cbor(each))]);
};

export const wrappedXmlRefusal = (status: number, code: string, message: string, requestId: string): HttpResponse => ({
  status,
  headers: { 'content-type': 'text/xml', 'x-amzn-requestid': requestId },
  body: `<?xml version="1.0"?>\n<ErrorResponse><Error>${toXml({ Type: 'Sender', Code: code, Message: message })}</Error><RequestId>${requestId}</RequestId></ErrorResponse>`,
});

export const cborRefusal = (status: number, code: string, message: string, requestId: string): HttpResponse => ({
  status,
  headers: {
    'content-type': 'application/cbor',
    'smithy-protocol': 'rpc-v2-cbor',
    'x-amzn-requestid': requestId,
    // As AWS sends it for clients of the Query protocol, with which CloudWatch began.
    'x-amzn-query-error': `${code};Sender`,
    'x-amzn-errortype': code,
  },
  body: cbor({ __type: code, message }),
});
