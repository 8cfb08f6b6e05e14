/** What API Gateway hands over, and what it is answered, as zod schemas. */
import { z } from 'zod';

const texts = z.record(z.string(), z.unknown());

/**
 * A REST API's proxy event (format 1.0). What only API Gateway can say is required; the rest is the caller's, and may
 * be anything.
 */
export const proxyEvent = z.looseObject({
  httpMethod: z.string(),
  path: z.string(),
  /** Such as `/migrations/{id}`. */
  resource: z.string().nullish(),
  requestContext: z.looseObject({
    /** Of the API: the service's own. */
    accountId: z.string(),
    requestId: z.string(),
    /** With the stage. */
    path: z.string().nullish(),
    identity: z.looseObject({ userArn: z.unknown() }).nullish(),
  }),
  pathParameters: texts.nullish(),
  headers: z.unknown(),
  multiValueHeaders: z.unknown(),
  queryStringParameters: z.unknown(),
  multiValueQueryStringParameters: z.unknown(),
  body: z.unknown(),
  isBase64Encoded: z.unknown(),
});

export type ProxyEvent = z.infer<typeof proxyEvent>;

export const proxyResult = z.object({
  statusCode: z.int(),
  headers: z.record(z.string(), z.string()),
  body: z.string(),
});
export type ProxyResult = z.infer<typeof proxyResult>;
