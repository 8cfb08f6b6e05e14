/** The metrics of the dashboard and the alarms: those that the Lambdas send, and AWS's own. */
import { Duration } from 'aws-cdk-lib';
import type * as apigateway from 'aws-cdk-lib/aws-apigateway';
import * as cloudwatch from 'aws-cdk-lib/aws-cloudwatch';
import type * as dynamodb from 'aws-cdk-lib/aws-dynamodb';
import type * as events from 'aws-cdk-lib/aws-events';
import type * as lambda from 'aws-cdk-lib/aws-lambda';
import type * as sqs from 'aws-cdk-lib/aws-sqs';
import type * as sfn from 'aws-cdk-lib/aws-stepfunctions';
import { METRICS_NAMESPACE, METRICS_SERVICE } from '../../lambdas/domain/events/metrics.ts';
import { HELD_LOCKS, LIST_INDEX_NAMES, PENDING } from '../../lambdas/adapters/indexes.ts';

/** What the alarms and the dashboard watch. */
export interface Watched {
  migrateAddon: sfn.StateMachine;
  recover: sfn.StateMachine;
  retire?: sfn.StateMachine | undefined;
  sweep: sfn.StateMachine;
  /** The function that the schedules of sweeps call. */
  startSweep: lambda.IFunction;
  table: dynamodb.ITable;
  functions: lambda.IFunction[];
  /** Rules and schedules that start Recover. */
  rules: events.IRule[];
  /** Rules that publish events, handle CloudTrail's events and send notifications. */
  eventRules: events.IRule[];
  /** Undefined if denied calls are not handled. */
  diagnoseDenial: lambda.IFunction | undefined;
  deadLetterQueue: sqs.IQueue;
  /** Undefined if there is no API. */
  api: apigateway.Stage | undefined;
}

export const PERIOD = Duration.minutes(5);
/**
 * Maximum number of metrics in an alarm's expression. Source: Amazon CloudWatch User Guide, "Create an alarm based on a
 * metric math expression".
 */
const MOST_IN_A_SUM = 10;

export const machinesOf = ({
  migrateAddon,
  recover,
  retire,
  sweep,
}: Watched): [name: string, machine: sfn.StateMachine][] => [
  ['MigrateAddon', migrateAddon],
  ['Recover', recover],
  ...(retire ? [['Retire', retire] satisfies [string, sfn.StateMachine]] : []),
  ['Sweep', sweep],
];

/** Returns a metric that Powertools sends for the service as a whole. */
export const ofService = (
  metricName: string,
  statistic: string = cloudwatch.Stats.SUM,
  period = PERIOD,
): cloudwatch.Metric =>
  new cloudwatch.Metric({
    namespace: METRICS_NAMESPACE,
    metricName,
    dimensionsMap: { service: METRICS_SERVICE },
    statistic,
    period,
  });

/** Returns the sum of metrics. Missing data counts as 0; otherwise a single gap would be a gap in the sum. */
export function sumOf(label: string, metrics: cloudwatch.IMetric[], period = PERIOD): cloudwatch.MathExpression {
  if (metrics.length > MOST_IN_A_SUM)
    throw new Error(`${label} adds up ${metrics.length} metrics, but an alarm allows at most ${MOST_IN_A_SUM}.`);
  // The id must be unique in a graph with several sums.
  const id = label.replaceAll(/\W+/g, '_').toLowerCase();
  const usingMetrics = Object.fromEntries(metrics.map((metric, index) => [`${id}_${index}`, metric]));
  return new cloudwatch.MathExpression({
    label,
    period,
    usingMetrics,
    expression: Object.keys(usingMetrics)
      .map((name) => `FILL(${name}, 0)`)
      .join(' + '),
  });
}

/** Source: Step Functions Developer Guide, "Monitoring Step Functions metrics using Amazon CloudWatch". */
export const started = (machine: sfn.StateMachine): cloudwatch.Metric => machine.metricStarted({ period: PERIOD });
/** Returns the metrics of executions that ended without any of their states deciding it: aborted or timed out. */
export const stopped = (machine: sfn.StateMachine): cloudwatch.Metric[] => [
  machine.metricAborted({ period: PERIOD }),
  machine.metricTimedOut({ period: PERIOD }),
];
export const failed = (machine: sfn.StateMachine): cloudwatch.Metric => machine.metricFailed({ period: PERIOD });
export const machineThrottled = (machine: sfn.StateMachine): cloudwatch.Metric =>
  machine.metricThrottled({ period: PERIOD });

/** Returns as few sums as the limit for alarms allows, numbered if there are several. */
export function sumsOf(label: string, metrics: cloudwatch.Metric[]): cloudwatch.MathExpression[] {
  return Array.from({ length: Math.ceil(metrics.length / MOST_IN_A_SUM) }, (_, part) =>
    sumOf(`${label} ${part + 1}`, metrics.slice(part * MOST_IN_A_SUM, (part + 1) * MOST_IN_A_SUM)),
  );
}

export const lambdaThrottles = (functions: lambda.IFunction[]): cloudwatch.MathExpression[] =>
  sumsOf(
    'Lambdas throttled',
    functions.map((one) => one.metricThrottles({ period: PERIOD })),
  );

const indexed = (index: string): Record<string, string> => ({ GlobalSecondaryIndexName: index });
/**
 * A throttled read of a list is answered with a request to retry. A throttled write to an index also throttles the
 * table.
 */
const PARTS_OF_THE_LEDGER: Record<'ReadThrottleEvents' | 'WriteThrottleEvents', Record<string, string>[]> = {
  ReadThrottleEvents: [{}, ...[HELD_LOCKS, PENDING].map(indexed)],
  WriteThrottleEvents: [{}, ...[HELD_LOCKS, PENDING, ...LIST_INDEX_NAMES].map(indexed)],
};

/**
 * Returns the throttling metrics of the table and of its indexes, which are throttled separately. `ThrottledRequests`
 * has the operation as a dimension, and `UserErrors` covers the whole account. Source: Amazon DynamoDB Developer Guide,
 * "DynamoDB metrics and dimensions".
 */
export const ledgerThrottles = ({ tableName }: dynamodb.ITable): cloudwatch.Metric[] =>
  Object.entries(PARTS_OF_THE_LEDGER).flatMap(([metricName, parts]) =>
    parts.map(
      (part) =>
        new cloudwatch.Metric({
          namespace: 'AWS/DynamoDB',
          metricName,
          dimensionsMap: { TableName: tableName, ...part },
          statistic: cloudwatch.Stats.SUM,
          period: PERIOD,
        }),
    ),
  );

/**
 * Returns the metrics of events that EventBridge stopped retrying, or could not even send to the dead-letter queue.
 * Source: Amazon EventBridge User Guide, "Monitoring Amazon EventBridge".
 */
export const ruleFailures = (rules: events.IRule[]): cloudwatch.Metric[] =>
  rules.flatMap(({ ruleName }) =>
    ['FailedInvocations', 'InvocationsFailedToBeSentToDlq'].map(
      (metricName) =>
        new cloudwatch.Metric({
          namespace: 'AWS/Events',
          metricName,
          dimensionsMap: { RuleName: ruleName },
          statistic: cloudwatch.Stats.SUM,
          period: PERIOD,
        }),
    ),
  );

/**
 * Counts events that Lambda accepted and dropped. Source: Lambda Developer Guide, "Types of metrics for Lambda
 * functions".
 */
export const dropped = (one: lambda.IFunction): cloudwatch.Metric =>
  one.metric('AsyncEventsDropped', { period: PERIOD, statistic: cloudwatch.Stats.SUM });

/** Counts all requests to the API. Source: API Gateway Developer Guide, "Amazon API Gateway dimensions and metrics". */
export const requests = (api: apigateway.Stage): cloudwatch.Metric => api.metricCount({ period: PERIOD });
/** Counts responses of 500 and above: the function's own, and API Gateway's if the function did not answer. */
export const serverErrors = (api: apigateway.Stage): cloudwatch.Metric =>
  api.metricServerError({ period: PERIOD, statistic: cloudwatch.Stats.SUM });
export const clientErrors = (api: apigateway.Stage): cloudwatch.Metric =>
  api.metricClientError({ period: PERIOD, statistic: cloudwatch.Stats.SUM });
export const latency = (api: apigateway.Stage, statistic: string): cloudwatch.Metric =>
  api.metricLatency({ period: PERIOD, statistic });

/** Counts the messages in the queue. */
export const deadLetters = (queue: sqs.IQueue): cloudwatch.Metric =>
  queue.metricApproximateNumberOfMessagesVisible({ period: PERIOD, statistic: cloudwatch.Stats.MAXIMUM });

/**
 * Counts the messages sent to the queue. The metric counts calls of SendMessage, which EventBridge and Scheduler make,
 * but not messages that SQS moves by a redrive policy; this queue is not the dead-letter queue of another queue.
 * Source: Amazon SQS Developer Guide, "Using dead-letter queues in Amazon SQS".
 */
export const lettersSent = (queue: sqs.IQueue): cloudwatch.Metric =>
  queue.metricNumberOfMessagesSent({ period: PERIOD, statistic: cloudwatch.Stats.SUM });
