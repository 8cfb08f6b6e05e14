/** Parses requests to S3: the bucket is in the path or in the host name; method and query determine the operation. */
import { DNS_SUFFIXES } from '../../lambdas/domain/aws/partitions.ts';
import type { HttpRequest } from '../http.ts';

export const OPERATIONS = ['PutObject', 'GetObject', 'HeadObject', 'DeleteObject', 'ListObjectsV2'] as const;
export type OperationName = (typeof OPERATIONS)[number];

export interface S3Request {
  /** Undefined for an operation that the sandbox does not implement. */
  operation: OperationName | undefined;
  bucket: string;
  /** Empty for operations on the bucket. */
  key: string;
}

const SUFFIXES = DNS_SUFFIXES.map((suffix) => suffix.replaceAll('.', '\\.')).join('|');
/** Matches `BUCKET.s3.REGION.amazonaws.com`. At a loopback address, requests are always path-style. */
const VIRTUAL_HOST = new RegExp(`^(.+)\\.s3[.-](?:[a-z0-9-]+\\.)?(?:${SUFFIXES})(?::\\d+)?$`);
const S3_HOST = new RegExp(`(?:^|\\.)s3[.-](?:[a-z0-9-]+\\.)?(?:${SUFFIXES})(?::\\d+)?$`);

export const isS3Host = (host: string): boolean => S3_HOST.test(host);

/** Returns the first value of a query parameter. */
export const parameter = ({ query }: HttpRequest, name: string): string | undefined => {
  const value = query[name];
  return Array.isArray(value) ? value[0] : value;
};

/**
 * Returns whether a request is for S3: by its host or, at a loopback address, by the service in its signature, which
 * need not be valid.
 */
export const isForS3 = (request: HttpRequest): boolean =>
  isS3Host(request.host) ||
  [request.headers['authorization'], parameter(request, 'X-Amz-Credential')].some((claim) =>
    claim?.includes('/s3/aws4_request'),
  );

const decoded = (text: string): string => {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
};

const ON_OBJECTS: Record<string, OperationName> = {
  PUT: 'PutObject',
  GET: 'GetObject',
  HEAD: 'HeadObject',
  DELETE: 'DeleteObject',
};

/** Other query parameters select other operations: `?acl`, `?uploads`, `?versionId=…`. */
const isOfObjects = (name: string): boolean =>
  name === 'x-id' || name.startsWith('X-Amz-') || name.startsWith('response-');

const operationFor = (request: HttpRequest, bucket: string, key: string): OperationName | undefined => {
  if (bucket === '') return undefined;
  if (key !== '') return Object.keys(request.query).every(isOfObjects) ? ON_OBJECTS[request.method] : undefined;
  return request.method === 'GET' && parameter(request, 'list-type') === '2' ? 'ListObjectsV2' : undefined;
};

export const readRequest = (request: HttpRequest): S3Request => {
  const [, ofHost] = VIRTUAL_HOST.exec(request.host) ?? [];
  const path = request.path.replace(/^\//, '');
  const [first = '', ...rest] = path.split('/');
  const [bucket, key] = ofHost === undefined ? [decoded(first), decoded(rest.join('/'))] : [ofHost, decoded(path)];
  return { operation: operationFor(request, bucket, key), bucket, key };
};

/** Returns the operation's name for the call log. */
export const operationNameOf = (request: HttpRequest): string =>
  readRequest(request).operation ?? `${request.method} ${request.path}`;

/** Returns the operation's input for the call log, which never includes an object's content. */
export const summarise = (request: HttpRequest): Record<string, string> => {
  const { bucket, key } = readRequest(request);
  const prefix = parameter(request, 'prefix');
  return {
    Bucket: bucket,
    ...(key === '' ? {} : { Key: key }),
    ...(key !== '' || prefix === undefined ? {} : { Prefix: prefix }),
  };
};
