/** The ids by which a caller finds its own request again in the response, the logs, the ledger and the events. */
import { z } from 'zod';
import { schemaNames } from '../text/schemas.ts';

/** Printable ASCII without spaces, in any format that a caller or a proxy uses. */
export const REQUEST_ID = /^[\x21-\x7e]{1,128}$/;
/** Excludes version `ff` and ids of all zeros, which are invalid (W3C Trace Context, "traceparent Header"). */
export const TRACEPARENT = /^(?!ff)[0-9a-f]{2}-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}$/;

export const correlation = z
  .object({
    requestId: z
      .string()
      .regex(REQUEST_ID)
      .optional()
      .describe("The caller's header `X-Request-Id`. Absent if there was none."),
    traceparent: z
      .string()
      .regex(TRACEPARENT)
      .optional()
      .describe("The caller's header `traceparent`. Absent if there was none."),
  })
  .register(schemaNames, { name: 'Correlation' });
/** The correlation ids of the request that started an operation. */
export const acceptedUnder = correlation
  .optional()
  .describe("The caller's own ids of the request that started it. Absent if the caller sent none.");
export type Correlation = z.infer<typeof correlation>;
