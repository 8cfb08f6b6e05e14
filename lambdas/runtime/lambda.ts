import { injectLambdaContext } from '@aws-lambda-powertools/logger/middleware';
import { Logger } from '@aws-lambda-powertools/logger';
import { Metrics, MetricUnit } from '@aws-lambda-powertools/metrics';
import { logMetrics } from '@aws-lambda-powertools/metrics/middleware';
import type { MiddlewareObj } from '@middy/core';
import { ClientFactory } from '../adapters/clients.ts';
import { nodeHttp } from '../adapters/node-http.ts';
import { systemClock, systemIds } from '../adapters/system.ts';
import { SERVICE_METRICS } from '../domain/events/metrics.ts';
import type { Telemetry } from '../ports/index.ts';
import { createHandler, type LambdaContext } from './handler.ts';
import type { Step } from './step.ts';
import { deploymentSettingsOf, wire, type WireOptions } from './wiring.ts';

/** Returns Powertools behind the telemetry port, and the middlewares that flush and annotate it. */
function powertools(step: Step): { telemetry: Telemetry; middlewares: MiddlewareObj<unknown, unknown>[] } {
  const logger = new Logger();
  const metrics = new Metrics();
  metrics.setDefaultDimensions({ step: step.schema.name });
  // These metrics have no step dimension. Each is sent at once, so that it is not lost if the invocation dies.
  const ofService = new Metrics({ singleMetric: true });
  const metricsFor = (metric: string): Metrics => (SERVICE_METRICS.has(metric) ? ofService : metrics);
  return {
    telemetry: {
      log: {
        info: (message, fields) => logger.info(message, fields ?? {}),
        warn: (message, fields) => logger.warn(message, fields ?? {}),
        error: (message, fields) => logger.error(message, fields ?? {}),
      },
      count: (metric, value = 1) => metricsFor(metric).addMetric(metric, MetricUnit.Count, value),
      seconds: (metric, value) => metricsFor(metric).addMetric(metric, MetricUnit.Seconds, value),
    },
    // The event itself is never logged: it may contain configuration values.
    middlewares: [injectLambdaContext(logger, { resetKeys: true }), logMetrics(metrics)] as MiddlewareObj<
      unknown,
      unknown
    >[],
  };
}

/**
 * Returns a step as AWS Lambda runs it. Clients are created at the first invocation, from the function's own role and
 * environment. `additional` has what only few steps need.
 */
export function lambdaHandler(
  step: Step,
  additional: Pick<WireOptions, 'documentsOf'> = {},
): (event: unknown, context: LambdaContext) => Promise<unknown> {
  let handler: ReturnType<typeof createHandler> | undefined;
  return (event, context) => {
    if (!handler) {
      const { telemetry, middlewares } = powertools(step);
      const clients = new ClientFactory({ region: process.env['AWS_REGION'] ?? '', transport: { http: nodeHttp } });
      handler = createHandler(
        step,
        wire({
          clients,
          step: step.schema.name,
          environment: process.env,
          deployment: deploymentSettingsOf(step.schema, process.env),
          clock: systemClock,
          ids: systemIds,
          telemetry,
          ...additional,
        }),
        middlewares,
      );
    }
    return handler(event, context);
  };
}
