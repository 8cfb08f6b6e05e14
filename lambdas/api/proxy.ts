/** API Gateway's event and the Lambda's result, as zod schemas. */
import { z } from 'zod';

const texts = z.record(z.string(), z.unknown());

/**
 * A REST API's proxy event (format 1.0). The fields that only API Gateway sets are required; the rest comes from the
 * caller and may be anything.
 */
export const proxyEvent = z.looseObject({
  httpMethod: z.string(),
  path: z.string(),
  /** For example `/migrations/{id}`. */
  resource: z.string().nullish(),
  requestContext: z.looseObject({
    /** Account of the API, which is the service's own. */
    accountId: z.string(),
    requestId: z.string(),
    /** Path with the stage. */
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
