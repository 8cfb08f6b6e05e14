/** By what a caller finds a request of its own again: in the answer, the logs, the ledger and the events. */
import { z } from 'zod';
import { schemaNames } from '../text/schemas.ts';

/** Printable ASCII without spaces: whatever a caller, or a proxy before it, makes of it. */
export const REQUEST_ID = /^[\x21-\x7e]{1,128}$/;
/** Of a version that is known to be laid out so; all zeros are no id (W3C Trace Context, "traceparent Header"). */
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
/** Of what a request began: the ids of that request. */
export const acceptedUnder = correlation
  .optional()
  .describe("The caller's own ids of the request that it was accepted by. Absent if the caller gave none.");
export type Correlation = z.infer<typeof correlation>;
