/** Adds a caller's own ids of a request to every line that is logged while it is answered, and to the answer. */
import { type Correlation, REQUEST_ID } from '../domain/terms/correlation.ts';
import type { Telemetry } from '../ports/index.ts';
import type { ProxyEvent } from './proxy.ts';

export function telemetryWith(telemetry: Telemetry, correlation: Correlation | undefined): Telemetry {
  if (!correlation) return telemetry;
  const { log } = telemetry;
  return {
    log: {
      info: (message, fields) => log.info(message, { ...fields, correlation }),
      warn: (message, fields) => log.warn(message, { ...fields, correlation }),
      error: (message, fields) => log.error(message, { ...fields, correlation }),
    },
    count: (metric, value) => telemetry.count(metric, value),
    seconds: (metric, value) => telemetry.seconds(metric, value),
  };
}

/** Returns the headers with the caller's ids, or with API Gateway's own id of the request if the caller sent none. */
export function correlationHeaders(
  { requestId, traceparent }: Correlation,
  { requestContext }: Pick<ProxyEvent, 'requestContext'>,
): Record<string, string> {
  const id = requestId ?? requestContext.requestId;
  return {
    ...(REQUEST_ID.test(id) ? { 'x-request-id': id } : {}),
    ...(traceparent === undefined ? {} : { traceparent }),
  };
}
