/** Reads the body of a request that another program sends, up to the length that the service accepts. */
import { randomUUID } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { guessService, protocolOf, refusal } from '../gateway/protocols.ts';
import type { HttpRequest, HttpResponse } from '../http.ts';

const MIB = 1024 * 1024;
/**
 * The API server's limit is Kubernetes' own (k8s.io/apiserver, `MaxRequestBodyBytes`). S3 accepts 5 GB, which the world,
 * in memory, cannot. The longest request of any other simulated service is DynamoDB's BatchWriteItem, 16 MB; services
 * refuse what is longer than their own limits themselves.
 */
const LONGEST: Readonly<Record<string, number>> = { kubernetes: 3 * MIB, s3: 64 * MIB };
const LONGEST_OF_OTHERS = 16 * MIB;

const SCOPE = /\bCredential=[^/,\s]+\/\d{8}\/[^/]+\/([^/]+)\/aws4_request/;

/** Returns the service that a request without its body names, by its signature if it has one. */
const serviceOf = (request: HttpRequest): string =>
  SCOPE.exec(request.headers['authorization'] ?? '')?.[1] ?? guessService(request);

/**
 * Returns the refusal of a body that is too long, in the service's protocol. Sources: k8s.io/apimachinery,
 * `NewRequestEntityTooLarge`; S3 API Reference, "Error responses". That of other services is not documented.
 */
const refusalOf = (service: string, request: HttpRequest, longest: number): HttpResponse => {
  const protocol = service === 'kubernetes' ? 'kubernetes' : protocolOf(service, request);
  const id = randomUUID();
  if (protocol === 'kubernetes')
    return refusal(protocol, 413, 'RequestEntityTooLarge', `Request entity too large: limit is ${longest}`, id);
  if (protocol === 'rest-xml')
    return refusal(protocol, 400, 'EntityTooLarge', 'Your proposed upload exceeds the maximum allowed size', id);
  const isXml = protocol === 'query' || protocol === 'ec2' || protocol === 'wrapped-xml';
  const code = isXml ? 'RequestEntityTooLarge' : 'RequestEntityTooLargeException';
  return refusal(protocol, 413, code, `The sandbox accepts at most ${longest} bytes in the body of this request.`, id);
};

/**
 * Returns the body of a request to a cluster's API server or to AWS, or the refusal of one that is too long. No more than
 * the longest body is kept in memory: the rest is read and dropped, so that the caller gets the refusal.
 */
export const readBody = async (
  message: IncomingMessage,
  request: HttpRequest,
  isForCluster: boolean,
): Promise<Uint8Array | HttpResponse> => {
  const service = isForCluster ? 'kubernetes' : serviceOf(request);
  const longest = LONGEST[service] ?? LONGEST_OF_OTHERS;
  const chunks: Buffer[] = [];
  let length = 0;
  let isTooLong = Number(message.headers['content-length'] ?? 0) > longest;
  if (!isTooLong)
    for await (const chunk of message.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
      length += chunk.length;
      isTooLong = length > longest;
      if (isTooLong) break;
      chunks.push(chunk);
    }
  if (!isTooLong) return Buffer.concat(chunks);
  message.resume();
  return refusalOf(service, request, longest);
};
