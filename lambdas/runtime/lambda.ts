import { injectLambdaContext } from '@aws-lambda-powertools/logger/middleware';
import { Logger } from '@aws-lambda-powertools/logger';
import { Metrics, MetricUnit } from '@aws-lambda-powertools/metrics';
import { logMetrics } from '@aws-lambda-powertools/metrics/middleware';
import type { MiddlewareObj } from '@middy/core';
import { ClientFactory } from '../adapters/clients.ts';
import { nodeHttp } from '../adapters/node-http.ts';
import { systemClock, systemIds } from '../adapters/system.ts';
import type { Telemetry } from '../ports/index.ts';
import { createHandler, type LambdaContext } from './handler.ts';
import type { Step } from './step.ts';
import { wire } from './wiring.ts';

/** Powertools behind our telemetry port, and the middlewares that flush and annotate it. */
function powertools(step: Step): { telemetry: Telemetry; middlewares: MiddlewareObj<unknown, unknown>[] } {
  const logger = new Logger();
  const metrics = new Metrics();
  metrics.setDefaultDimensions({ step: step.schema.name });
  return {
    telemetry: {
      log: {
        info: (message, fields) => logger.info(message, fields ?? {}),
        warn: (message, fields) => logger.warn(message, fields ?? {}),
        error: (message, fields) => logger.error(message, fields ?? {}),
      },
      count: (metric, value = 1) => metrics.addMetric(metric, MetricUnit.Count, value),
    },
    // Never the event itself: configuration values must not land in the log.
    middlewares: [injectLambdaContext(logger, { resetKeys: true }), logMetrics(metrics)] as MiddlewareObj<unknown, unknown>[],
  };
}

/** A step as AWS Lambda runs it. Clients are made at the first invocation, from the function's own role and environment. */
export function lambdaHandler(step: Step): (event: unknown, context: LambdaContext) => Promise<unknown> {
  let handler: ReturnType<typeof createHandler> | undefined;
  return (event, context) => {
    if (!handler) {
      const { telemetry, middlewares } = powertools(step);
      const clients = new ClientFactory({ region: process.env['AWS_REGION'] ?? '', transport: { http: nodeHttp } });
      handler = createHandler(step, wire({ clients, environment: process.env, clock: systemClock, ids: systemIds, telemetry }), middlewares);
    }
    return handler(event, context);
  };
}
