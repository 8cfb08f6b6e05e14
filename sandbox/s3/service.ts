/** S3's REST API over the buckets: XML, and raw bodies. Shapes: Amazon S3 API Reference. */
import type { CallContext, HttpRequest, HttpResponse, Service } from '../http.ts';
import { toXml, type XmlValue } from '../iam/query-protocol.ts';
import { ALGORITHM } from '../signature.ts';
import { Random } from '../random.ts';
import type { ObjectState, World } from '../world/world.ts';
import { readBody } from './body.ts';
import type { Buckets } from './buckets.ts';
import { invalidArgument, notImplemented, S3Error } from './errors.ts';
import { OPERATIONS, type OperationName, parameter, readRequest, type S3Request, summarise } from './request.ts';

const NAMESPACE = 'http://s3.amazonaws.com/doc/2006-03-01/';
const DECLARATION = '<?xml version="1.0" encoding="UTF-8"?>\n';
const MOST_KEYS = 1000;

type Answer = Pick<HttpResponse, 'status' | 'body'> & { headers?: Record<string, string> };
type Run = (buckets: Buckets, request: HttpRequest, target: S3Request, context: CallContext) => Answer;

const xml = (status: number, body: string): Answer => ({
  status,
  headers: { 'content-type': 'application/xml' },
  body: `${DECLARATION}${body}`,
});
const element = (name: string, value: XmlValue): string => `<${name}>${toXml(value)}</${name}>`;

const versionOf = (versionId: string | undefined): Record<string, string> =>
  versionId === undefined ? {} : { 'x-amz-version-id': versionId };

const headersOf = ({ body, contentType, etag, modifiedAt, versionId }: ObjectState): Record<string, string> => ({
  'accept-ranges': 'bytes',
  'content-type': contentType,
  'content-length': String(body.length),
  etag: `"${etag}"`,
  'last-modified': new Date(modifiedAt).toUTCString(),
  'x-amz-server-side-encryption': 'AES256',
  ...versionOf(versionId),
});

/** Headers that would be lost or ignored. A Range is ignored, as HTTP allows. */
const UNSUPPORTED =
  /^(?:if-|x-amz-(?:meta-|tagging|copy-source|object-lock-|acl$|grant-|website-|expected-bucket-owner$|storage-class$|mp-))/;

const refuseUnsupported = ({ headers }: HttpRequest): void => {
  const unsupported = Object.keys(headers).find((name) => UNSUPPORTED.test(name));
  if (unsupported !== undefined) throw notImplemented(`the header ${unsupported}`);
};

/** Returns a continuation token, opaque to callers as in S3. */
const tokenOf = (key: string): string => Buffer.from(key).toString('base64url');
const keyOf = (token: string): string => {
  const key = Buffer.from(token, 'base64url').toString('utf8');
  if (key === '' || tokenOf(key) !== token)
    throw invalidArgument('continuation-token', token, 'The continuation token provided is incorrect');
  return key;
};

const maxKeysOf = (text: string | undefined): number => {
  if (text === undefined) return MOST_KEYS;
  if (!/^\d{1,9}$/.test(text))
    throw invalidArgument('max-keys', text, 'Provided max-keys not an integer or within integer range');
  return Math.min(MOST_KEYS, Number(text));
};

const list: Run = (buckets, request, { bucket }, context) => {
  const given = (name: string): string | undefined => parameter(request, name);
  const [prefix, delimiter, startAfter, token, encoding] = [
    'prefix',
    'delimiter',
    'start-after',
    'continuation-token',
    'encoding-type',
  ].map(given);
  if (encoding !== undefined && encoding !== 'url')
    throw invalidArgument('encoding-type', encoding, 'Invalid Encoding Method specified in Request');
  const maxKeys = maxKeysOf(given('max-keys'));
  const { objects, prefixes, next } = buckets.list(context, bucket, {
    prefix,
    delimiter,
    after: token === undefined ? startAfter : keyOf(token),
    maxKeys,
  });
  const encoded = (text: string): string =>
    encoding === 'url' ? encodeURIComponent(text).replaceAll('%2F', '/') : text;
  const head: XmlValue = {
    Name: bucket,
    Prefix: encoded(prefix ?? ''),
    ...(delimiter === undefined ? {} : { Delimiter: encoded(delimiter) }),
    ...(startAfter === undefined ? {} : { StartAfter: encoded(startAfter) }),
    ...(token === undefined ? {} : { ContinuationToken: token }),
    ...(next === undefined ? {} : { NextContinuationToken: tokenOf(next) }),
    ...(encoding === undefined ? {} : { EncodingType: encoding }),
    KeyCount: objects.length + prefixes.length,
    MaxKeys: maxKeys,
    IsTruncated: next !== undefined,
  };
  const contents = objects.map(({ key, body, etag, modifiedAt }) =>
    element('Contents', {
      Key: encoded(key),
      LastModified: new Date(modifiedAt).toISOString(),
      ETag: `"${etag}"`,
      Size: body.length,
      StorageClass: 'STANDARD',
    }),
  );
  const common = prefixes.map((each) => element('CommonPrefixes', { Prefix: encoded(each) }));
  return xml(
    200,
    `<ListBucketResult xmlns="${NAMESPACE}">${toXml(head)}${contents.join('')}${common.join('')}</ListBucketResult>`,
  );
};

const RUNS: Record<OperationName, Run> = {
  PutObject: (buckets, request, { bucket, key }, context) => {
    const { 'content-type': type, 'content-encoding': encoding = 'aws-chunked' } = request.headers;
    if (encoding.replace(/,? *aws-chunked/, '') !== '') throw notImplemented('the header content-encoding');
    const { etag, versionId } = buckets.put(context, bucket, key, readBody(request), type);
    const headers = { etag: `"${etag}"`, 'x-amz-server-side-encryption': 'AES256', ...versionOf(versionId) };
    return { status: 200, headers, body: '' };
  },
  GetObject: (buckets, _, { bucket, key }, context) => {
    const object = buckets.get(context, bucket, key);
    return { status: 200, headers: headersOf(object), body: object.body };
  },
  HeadObject: (buckets, _, { bucket, key }, context) => ({
    status: 200,
    headers: headersOf(buckets.get(context, bucket, key)),
    body: '',
  }),
  DeleteObject: (buckets, _, { bucket, key }, context) => {
    const { deleteMarker } = buckets.delete(context, bucket, key);
    const headers = deleteMarker === undefined ? {} : { 'x-amz-delete-marker': 'true', ...versionOf(deleteMarker) };
    return { status: 204, headers, body: '' };
  },
  ListObjectsV2: list,
};

const isSigned = ({ headers }: HttpRequest): boolean => (headers['authorization'] ?? '').startsWith(ALGORITHM);

/** Throws S3Error. */
const answerTo = (buckets: Buckets, request: HttpRequest, target: S3Request, context: CallContext): Answer => {
  const { operation } = target;
  if (operation === undefined)
    throw notImplemented(`${request.method} ${request.path} with that query; it supports: ${OPERATIONS.join(', ')}`);
  if (isSigned(request) && request.headers['x-amz-content-sha256'] === undefined)
    throw new S3Error(400, 'InvalidRequest', 'Missing required header for this request: x-amz-content-sha256');
  refuseUnsupported(request);
  return RUNS[operation](buckets, request, target, context);
};

/** Separates the service's ids from the world's random sequence. */
const OWN_STREAM = 0x73_33;

/** Creates the S3 service for the buckets of all accounts and regions. */
export const createS3Service = (world: World, buckets: Buckets): Service => {
  const ids = new Random(world.seed ^ OWN_STREAM);

  return (request, context) => {
    const target = readRequest(request);
    context.describe(target.operation ?? `${request.method} ${request.path}`, summarise(request));
    const requestId = ids.string(16, '0123456789ABCDEFGHJKMNPQRSTVWXYZ');
    const own = { 'x-amz-request-id': requestId, 'x-amz-id-2': ids.string(76) };
    const answer = ({ status, headers, body }: Answer): Promise<HttpResponse> =>
      Promise.resolve({ status, headers: { ...own, ...headers }, body });
    try {
      return answer(answerTo(buckets, request, target, context));
    } catch (error) {
      if (!(error instanceof S3Error)) return Promise.reject(error instanceof Error ? error : new Error(String(error)));
      const { status, name, message, details, headers } = error;
      // An error response to HEAD has no body: the caller gets only the status.
      if (request.method === 'HEAD')
        return answer({ status, headers: { 'content-type': 'application/xml', ...headers }, body: '' });
      const refusal = element('Error', {
        Code: name,
        Message: message,
        ...details,
        RequestId: requestId,
        HostId: own['x-amz-id-2'],
      });
      const { headers: type, ...refused } = xml(status, refusal);
      return answer({ ...refused, headers: { ...type, ...headers } });
    }
  };
};
