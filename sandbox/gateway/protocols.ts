/** The error format of each service's protocol, and where a response carries the error's name. */
import { ec2Refusal } from '../ec2/protocol.ts';
import { queryRefusal, toXml } from '../iam/query-protocol.ts';
import type { HttpRequest, HttpResponse } from '../http.ts';
import { isForS3, operationNameOf as s3OperationOf } from '../s3/request.ts';
import type { SignatureProblem } from '../signature.ts';
import { cborRefusal, type OtherProtocol, protocolIn, rpcOperation, wrappedXmlRefusal } from './other-services.ts';

/** `http-api`: the application's own API, whose errors are its own, except for the sandbox's. */
export type Protocol =
  | 'rest-json'
  | 'rest-xml'
  | 'json'
  | 'json-1.1'
  | 'query'
  | 'ec2'
  | 'kubernetes'
  | 'http-api'
  | OtherProtocol;

const PROTOCOLS: Record<string, Protocol> = {
  eks: 'rest-json',
  'eks-auth': 'rest-json',
  iam: 'query',
  sts: 'query',
  cloudformation: 'query',
  ec2: 'ec2',
  dynamodb: 'json',
  states: 'json',
  events: 'json-1.1',
  kubernetes: 'kubernetes',
  s3: 'rest-xml',
  'execute-api': 'http-api',
};
/** Returns the protocol of a service: for one that the sandbox does not simulate, as its request shows. */
export const protocolOf = (service: string, request: HttpRequest): Protocol =>
  PROTOCOLS[service] ?? protocolIn(service, request);

/** Services whose name is the first label of their host. */
const HOSTS = ['iam', 'sts', 'dynamodb', 'states', 'events', 'eks', 'eks-auth', 'cloudformation', 'ec2'];

/** Returns the service that a request without a readable signature was probably meant for. */
export const guessService = (request: HttpRequest): string => {
  const target = request.headers['x-amz-target'] ?? '';
  if (target.startsWith('DynamoDB_')) return 'dynamodb';
  if (target.startsWith('AWSStepFunctions.')) return 'states';
  if (target.startsWith('AWSEvents.')) return 'events';
  if (isForS3(request)) return 's3';
  const host = request.host.split('.')[0] ?? '';
  if (HOSTS.includes(host)) return host;
  return (request.headers['content-type'] ?? '').startsWith('application/x-www-form-urlencoded') ? 'sts' : 'eks';
};

/** Returns the operation's name for the log if no service has named it. */
export const guessOperation = (request: HttpRequest): string => {
  if (isForS3(request)) return s3OperationOf(request);
  const target = request.headers['x-amz-target']?.split('.').at(-1);
  if (target !== undefined) return target;
  const rpc = rpcOperation(request);
  if (rpc !== undefined) return rpc;
  const { content, body } = request;
  const action = content ? content['Action'] : /(?:^|&)Action=(\w+)/.exec(Buffer.from(body).toString('utf8'))?.[1];
  return typeof action === 'string' ? action : `${request.method} ${request.path}`;
};

/**
 * Names of authentication errors; the Query protocol has older names (EKS and IAM API references, "Common Errors"), and
 * S3 its own (S3 API Reference, "Error responses").
 */
const PROBLEM_CODES: Record<SignatureProblem, { json: string; query: string; s3: string }> = {
  missing: { json: 'MissingAuthenticationTokenException', query: 'MissingAuthenticationToken', s3: 'AccessDenied' },
  incomplete: {
    json: 'IncompleteSignatureException',
    query: 'IncompleteSignature',
    s3: 'AuthorizationHeaderMalformed',
  },
  'unknown-key': { json: 'UnrecognizedClientException', query: 'InvalidClientTokenId', s3: 'InvalidAccessKeyId' },
  expired: { json: 'ExpiredTokenException', query: 'ExpiredToken', s3: 'ExpiredToken' },
  mismatch: { json: 'InvalidSignatureException', query: 'SignatureDoesNotMatch', s3: 'SignatureDoesNotMatch' },
};
/** S3 API Reference, "Error responses": S3's own texts for the same problems. */
const S3_TEXTS: Partial<Record<SignatureProblem, string>> = {
  missing: 'Access Denied',
  'unknown-key': 'The AWS Access Key Id you provided does not exist in our records.',
  expired: 'The provided token has expired.',
};
const EC2_AUTH_FAILURE = {
  status: 401,
  code: 'AuthFailure',
  message: 'AWS was not able to validate the provided access credentials',
};
/**
 * EC2 API reference, "Error codes": it does not distinguish an unknown key from a wrong signature, and answers both with
 * 401.
 */
const EC2_PROBLEMS: Partial<Record<SignatureProblem, { status: number; code: string; message: string }>> = {
  'unknown-key': EC2_AUTH_FAILURE,
  mismatch: EC2_AUTH_FAILURE,
  expired: { status: 400, code: 'RequestExpired', message: 'Request has expired.' },
};
/** S3 answers these two with a 400. */
const S3_BAD_REQUESTS: readonly SignatureProblem[] = ['incomplete', 'expired'];

const TOO_MANY = 429;

type Refusal = (status: number, code: string, message: string, requestId: string) => HttpResponse;

const restJson: Refusal = (status, code, message, requestId) => ({
  status,
  headers: { 'content-type': 'application/json', 'x-amzn-errortype': code, 'x-amzn-requestid': requestId },
  body: JSON.stringify({ message }),
});

const jsonRefusal =
  (version: '1.0' | '1.1'): Refusal =>
  (status, code, message, requestId) => ({
    status,
    headers: { 'content-type': `application/x-amz-json-${version}`, 'x-amzn-requestid': requestId },
    body: JSON.stringify({ __type: `com.amazon.coral.service#${code}`, message }),
  });

/**
 * The API server refuses excessive requests before it builds a Status, in plain text (k8s.io/apiserver,
 * filters/priority-and-fairness and maxinflight, tooManyRequests).
 */
const tooManyCalls = (message: string, requestId: string): HttpResponse => ({
  status: TOO_MANY,
  headers: {
    'content-type': 'text/plain; charset=utf-8',
    'cache-control': 'no-cache, private',
    'retry-after': '1',
    'x-content-type-options': 'nosniff',
    'audit-id': requestId,
  },
  body: `${message}\n`,
});

const kubernetesRefusal: Refusal = (status, reason, message, requestId) => {
  if (status === TOO_MANY) return tooManyCalls(message, requestId);
  return {
    status,
    headers: { 'content-type': 'application/json', 'cache-control': 'no-cache, private', 'audit-id': requestId },
    body: JSON.stringify({
      kind: 'Status',
      apiVersion: 'v1',
      metadata: {},
      status: 'Failure',
      message,
      reason,
      code: status,
    }),
  };
};

const REFUSALS: Record<Protocol, Refusal> = {
  query: queryRefusal,
  json: jsonRefusal('1.0'),
  'json-1.1': jsonRefusal('1.1'),
  'rest-json': restJson,
  'rest-xml': (status, code, message, requestId) => ({
    status,
    headers: { 'content-type': 'application/xml', 'x-amz-request-id': requestId },
    body: `<?xml version="1.0" encoding="UTF-8"?>\n<Error>${toXml({ Code: code, Message: message, RequestId: requestId })}</Error>`,
  }),
  'http-api': restJson,
  kubernetes: kubernetesRefusal,
  ec2: ec2Refusal,
  'wrapped-xml': wrappedXmlRefusal,
  cbor: cborRefusal,
};

/** Returns an error response in the service's protocol. `requestId` goes where AWS puts it. */
export const refusal = (protocol: Protocol, ...rest: Parameters<Refusal>): HttpResponse => REFUSALS[protocol](...rest);

/** JSON-RPC services answer a bad signature with 400, all others with 403. */
export const signatureRefusal = (
  protocol: Protocol,
  problem: SignatureProblem,
  message: string,
  requestId: string,
): HttpResponse => {
  const { json, query, s3 } = PROBLEM_CODES[problem];
  if (protocol === 'rest-xml')
    return refusal(
      protocol,
      S3_BAD_REQUESTS.includes(problem) ? 400 : 403,
      s3,
      S3_TEXTS[problem] ?? message,
      requestId,
    );
  const inEc2 = protocol === 'ec2' ? EC2_PROBLEMS[problem] : undefined;
  if (inEc2) return refusal(protocol, inEc2.status, inEc2.code, inEc2.message, requestId);
  return refusal(
    protocol,
    protocol.startsWith('json') ? 400 : 403,
    protocol === 'query' || protocol === 'ec2' ? query : json,
    message,
    requestId,
  );
};

/** Returns the error's name in a response, wherever its protocol puts it. */
export const errorNameOf = (response: HttpResponse): string | undefined => {
  if (response.status < 400) return undefined;
  const header = response.headers['x-amzn-errortype'];
  if (header) return header.split(':')[0];
  const text = typeof response.body === 'string' ? response.body : Buffer.from(response.body).toString('utf8');
  const code = /<Code>([^<]+)<\/Code>/.exec(text)?.[1];
  if (code) return code;
  try {
    const { __type: type, reason } = JSON.parse(text) as { __type?: unknown; reason?: unknown };
    if (typeof type === 'string') return type.split('#').at(-1);
    if (typeof reason === 'string') return reason;
  } catch {
    // The body is not JSON, so only the status is known.
    if (response.status === TOO_MANY) return 'TooManyRequests';
  }
  return `HTTP ${response.status}`;
};
