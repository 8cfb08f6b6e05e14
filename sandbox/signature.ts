/**
 * Verifies Signature Version 4 as AWS does: the header form that SDKs send, and the presigned query form inside EKS
 * tokens. Rules and texts: IAM User Guide, "Signature Version 4 for API requests"; texts as users report them
 * (aws/aws-cli#6676, aws/aws-sdk-js#254). Synchronous, so that no part of a run uses the thread pool.
 */
import { createHash, createHmac } from 'node:crypto';
import type { Caller, HttpRequest } from './http.ts';
import type { AccessKey } from './world/world.ts';

/** An authentication problem of a request; each protocol has its own error name for it. */
export type SignatureProblem = 'missing' | 'incomplete' | 'unknown-key' | 'expired' | 'mismatch';

export interface Verified {
  ok: true;
  caller: Caller;
  /** From the credential scope: `eks`, `iam`, `sts`, `dynamodb`, `states`, and so on. */
  service: string;
  region: string;
}
export interface Refused {
  ok: false;
  problem: SignatureProblem;
  message: string;
}

/** The keys that a verifier accepts; a World is one. */
export interface KeyRing {
  accessKeys: Map<string, AccessKey>;
}

interface ClaimedSignature {
  form: 'header' | 'query';
  accessKeyId: string;
  /** yyyymmdd/region/service/aws4_request. */
  scope: string;
  date: string;
  region: string;
  service: string;
  signedHeaders: string[];
  signature: string;
  /** X-Amz-Date: yyyymmddThhmmssZ. */
  timestamp: string;
  sessionToken?: string;
}

export const ALGORITHM = 'AWS4-HMAC-SHA256';
export const UNKNOWN_KEY = 'The security token included in the request is invalid.';
/** hashicorp/terraform-provider-aws#32809, cfn-sphere/cfn-sphere#55. */
const EXPIRED = 'The security token included in the request is expired';
export const MISMATCH =
  'The request signature we calculated does not match the signature you provided. Check your AWS Secret Access Key and signing method. Consult the service documentation for details.';

/** Services that allow signature dates within 15 minutes; the others allow 5. */
const WIDE_WINDOW = new Set(['iam', 'sts', 'dynamodb', 's3']);
const MINUTE = 60_000;

const refuse = (problem: SignatureProblem, message: string): Refused => ({ ok: false, problem, message });
const sha256 = (data: string | Uint8Array): string => createHash('sha256').update(data).digest('hex');
const hmac = (key: string | Uint8Array, data: string): Buffer => createHmac('sha256', key).update(data).digest();

/** Percent-encodes everything except unreserved characters (RFC 3986). */
const encode = (text: string): string =>
  encodeURIComponent(text).replace(/[!'()*]/g, (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`);

/** Normalizes the path and encodes it once more, as every service except S3 does. */
const canonicalPath = (path: string): string => {
  const segments: string[] = [];
  for (const segment of path.split('/')) {
    if (segment === '..') segments.pop();
    else if (segment !== '' && segment !== '.') segments.push(segment);
  }
  const normalized = `/${segments.join('/')}${segments.length > 0 && path.endsWith('/') ? '/' : ''}`;
  return encode(normalized).replaceAll('%2F', '/');
};

/** Encodes the path once without normalizing it, as S3 does: `a//b` and `a/../b` are different keys. */
const canonicalKey = (path: string): string => {
  try {
    return encode(decodeURIComponent(path)).replaceAll('%2F', '/');
  } catch {
    return path;
  }
};

/**
 * Returns the payload hash that S3's clients declare, which S3 compares with the body; a presigned request declares
 * none.
 */
const payloadOf = (request: HttpRequest, { service, form }: Pick<ClaimedSignature, 'service' | 'form'>): string => {
  if (service !== 's3') return sha256(request.body);
  return form === 'query' ? 'UNSIGNED-PAYLOAD' : (request.headers['x-amz-content-sha256'] ?? sha256(request.body));
};

const canonicalQuery = (query: HttpRequest['query']): string =>
  Object.entries(query)
    .filter(([name]) => name !== 'X-Amz-Signature')
    .map(([name, value]) => ({
      name: encode(name),
      values: (Array.isArray(value) ? value : [value]).map(encode).sort(),
    }))
    .sort((a, b) => (a.name < b.name ? -1 : 1))
    .flatMap(({ name, values }) => values.map((value) => `${name}=${value}`))
    .join('&');

const canonicalRequest = (request: HttpRequest, claim: ClaimedSignature): string => {
  const headers = claim.signedHeaders.map((name) => {
    const value = name === 'host' ? request.host : (request.headers[name] ?? '');
    return `${name}:${value.replace(/\s+/g, ' ').trim()}\n`;
  });
  return [
    request.method,
    claim.service === 's3' ? canonicalKey(request.path) : canonicalPath(request.path),
    canonicalQuery(request.query),
    headers.join(''),
    claim.signedHeaders.join(';'),
    payloadOf(request, claim),
  ].join('\n');
};

const expectedSignature = (request: HttpRequest, claim: ClaimedSignature, secret: string): string => {
  const stringToSign = [ALGORITHM, claim.timestamp, claim.scope, sha256(canonicalRequest(request, claim))].join('\n');
  const key = [claim.date, claim.region, claim.service, 'aws4_request'].reduce<string | Buffer>(hmac, `AWS4${secret}`);
  return hmac(key, stringToSign).toString('hex');
};

/** The first value of a query parameter. */
const parameter = (request: HttpRequest, name: string): string | undefined => {
  const value = request.query[name];
  return Array.isArray(value) ? value[0] : value;
};

/** The parts of a signature by name, as the request has them. */
interface ClaimedFields {
  form: ClaimedSignature['form'];
  fields: Record<string, string | undefined>;
}

const REQUIRED_FIELDS = ['Credential', 'SignedHeaders', 'Signature', 'Date'];

/** Returns undefined for an unsigned request. */
const claimedFields = (request: HttpRequest): ClaimedFields | undefined => {
  const authorization = request.headers['authorization'];
  if (authorization?.startsWith(`${ALGORITHM} `)) {
    const fields: ClaimedFields['fields'] = Object.fromEntries(
      authorization
        .slice(ALGORITHM.length)
        .split(',')
        .map((part) => part.trim())
        .map((part) => [part.slice(0, part.indexOf('=')), part.slice(part.indexOf('=') + 1)]),
    );
    fields['Date'] = request.headers['x-amz-date'];
    fields['Token'] = request.headers['x-amz-security-token'];
    return { form: 'header', fields };
  }
  if (parameter(request, 'X-Amz-Algorithm') !== ALGORITHM) return undefined;
  const fields = Object.fromEntries(REQUIRED_FIELDS.map((name) => [name, parameter(request, `X-Amz-${name}`)]));
  fields['Token'] = parameter(request, 'X-Amz-Security-Token');
  return { form: 'query', fields };
};

const incompleteMessage = ({ form, fields }: ClaimedFields): string => {
  const missing = REQUIRED_FIELDS.filter((name) => !fields[name]);
  if (form === 'query')
    return `AWS query-string parameters must include ${missing.map((name) => `'X-Amz-${name}'`).join(', ')}. Re-examine the query-string parameters.`;
  return missing
    .map((name) =>
      name === 'Date'
        ? "Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' header."
        : `Authorization header requires '${name}' parameter.`,
    )
    .join(' ');
};

const readClaim = (request: HttpRequest): ClaimedSignature | Refused => {
  const claimed = claimedFields(request);
  if (!claimed) return refuse('missing', 'Request is missing Authentication Token');
  const { form, fields } = claimed;
  const { Credential: credential, SignedHeaders: signedHeaders, Signature: signature, Date: timestamp } = fields;
  if (!credential || !signedHeaders || !signature || !timestamp)
    return refuse('incomplete', incompleteMessage(claimed));
  const [accessKeyId, date, region, service, terminator, ...rest] = credential.split('/');
  if (!accessKeyId || !date || !region || !service || terminator !== 'aws4_request' || rest.length > 0) {
    return refuse(
      'incomplete',
      `Credential must have exactly 5 slash-delimited elements, e.g. keyid/date/region/service/term, got '${credential}'`,
    );
  }
  return {
    form,
    accessKeyId,
    scope: [date, region, service, terminator].join('/'),
    date,
    region,
    service,
    signedHeaders: signedHeaders
      .split(';')
      .map((name) => name.toLowerCase())
      .sort(),
    signature,
    timestamp,
    ...(fields['Token'] === undefined ? {} : { sessionToken: fields['Token'] }),
  };
};

/** Returns the milliseconds since 1970 of yyyymmddThhmmssZ; NaN for any other text. */
export const parseTimestamp = (text: string): number => {
  const [, ...parts] = /^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/.exec(text) ?? [];
  const [year = '', month = '', day = '', hour = '', minute = '', second = ''] = parts;
  return Date.parse(`${year}-${month}-${day}T${hour}:${minute}:${second}Z`);
};

const formatTimestamp = (time: number): string => new Date(time).toISOString().replace(/[-:]|\.\d{3}/g, '');

const checkDate = (claim: ClaimedSignature, now: number): Refused | undefined => {
  const { timestamp } = claim;
  const at = parseTimestamp(timestamp);
  if (Number.isNaN(at))
    return refuse(
      'incomplete',
      `Date must be in ISO-8601 'basic format'. Got '${timestamp}'. See http://en.wikipedia.org/wiki/ISO_8601`,
    );
  if (!timestamp.startsWith(claim.date)) {
    return refuse(
      'mismatch',
      `Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP: '${claim.date}' != '${timestamp.slice(0, 8)}', from '${timestamp}'.`,
    );
  }
  const minutes = WIDE_WINDOW.has(claim.service) ? 15 : 5;
  const [earliest, latest] = [now - minutes * MINUTE, now + minutes * MINUTE];
  if (at < earliest)
    return refuse(
      'mismatch',
      `Signature expired: ${timestamp} is now earlier than ${formatTimestamp(earliest)} (${formatTimestamp(now)} - ${minutes} min.)`,
    );
  if (at > latest)
    return refuse(
      'mismatch',
      `Signature not yet current: ${timestamp} is still later than ${formatTimestamp(latest)} (${formatTimestamp(now)} + ${minutes} min.)`,
    );
  return undefined;
};

/** Checks that the host header and the request's amz headers are signed. */
const checkSignedHeaders = (request: HttpRequest, claim: ClaimedSignature): Refused | undefined => {
  const required = [
    'host',
    ...(claim.form === 'header' ? Object.keys(request.headers).filter((name) => name.startsWith('x-amz-')) : []),
  ];
  const missing = required.find((name) => !claim.signedHeaders.includes(name));
  return missing === undefined
    ? undefined
    : refuse('mismatch', `'${missing}' must be a 'SignedHeader' in the AWS Authorization.`);
};

/** Returns the key that a request names, or why AWS would reject it. `now` is the time on the clock of the signers. */
export const resolveKey = (
  keys: KeyRing,
  claim: Pick<ClaimedSignature, 'accessKeyId' | 'sessionToken'>,
  now: number,
): AccessKey | Refused => {
  const key = keys.accessKeys.get(claim.accessKeyId);
  if (!key || key.sessionToken !== claim.sessionToken) return refuse('unknown-key', UNKNOWN_KEY);
  if (key.expiresAt !== undefined && key.expiresAt <= now) return refuse('expired', EXPIRED);
  return key;
};

/**
 * Returns who signed the request, or why AWS would reject the signature. `now` is the time on the clock of the signers
 * (milliseconds since 1970), not the world's time.
 */
export const verifySignature = (request: HttpRequest, keys: KeyRing, now: number): Verified | Refused => {
  const claim = readClaim(request);
  if ('ok' in claim) return claim;
  const problem = checkDate(claim, now) ?? checkSignedHeaders(request, claim);
  if (problem) return problem;
  const key = resolveKey(keys, claim, now);
  if ('ok' in key) return key;
  if (expectedSignature(request, claim, key.secretAccessKey) !== claim.signature) return refuse('mismatch', MISMATCH);
  return {
    ok: true,
    caller: { accessKeyId: key.accessKeyId, principalArn: key.principalArn, account: key.account },
    service: claim.service,
    region: claim.region,
  };
};
