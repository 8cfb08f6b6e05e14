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

/** What is looked after. */
export interface Watched {
  migrateAddon: sfn.StateMachine;
  recover: sfn.StateMachine;
  retire?: sfn.StateMachine | undefined;
  sweep: sfn.StateMachine;
  /** What the clock calls. */
  startSweep: lambda.IFunction;
  table: dynamodb.ITable;
  functions: lambda.IFunction[];
  /** What starts Recover. */
  rules: events.IRule[];
  /** What has events put on the bus, what CloudTrail's events lead to, and what tells people. */
  eventRules: events.IRule[];
  /** Undefined where no denied call is looked into. */
  diagnoseDenial: lambda.IFunction | undefined;
  deadLetterQueue: sqs.IQueue;
  /** Undefined where there is no API. */
  api: apigateway.Stage | undefined;
}

export const PERIOD = Duration.minutes(5);
/**
 * An alarm's expression adds up no more. Source: Amazon CloudWatch User Guide, "Create an alarm based on a metric math
 * expression".
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

/** As Powertools sends it for the service as a whole. */
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

/** The sum; what is not sent counts as 0, since a sum with a hole in it would be a hole. */
export function sumOf(label: string, metrics: cloudwatch.IMetric[], period = PERIOD): cloudwatch.MathExpression {
  if (metrics.length > MOST_IN_A_SUM)
    throw new Error(`${label} adds up ${metrics.length} metrics, and an alarm takes at most ${MOST_IN_A_SUM}.`);
  // Unique in a graph that has several sums.
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
/** Without an end of their own: no state of theirs had a say in it. */
export const stopped = (machine: sfn.StateMachine): cloudwatch.Metric[] => [
  machine.metricAborted({ period: PERIOD }),
  machine.metricTimedOut({ period: PERIOD }),
];
export const failed = (machine: sfn.StateMachine): cloudwatch.Metric => machine.metricFailed({ period: PERIOD });
export const machineThrottled = (machine: sfn.StateMachine): cloudwatch.Metric =>
  machine.metricThrottled({ period: PERIOD });

/** In as few sums as an alarm may have of them; where there are several, they are numbered. */
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
/** Who reads a list is told to read it again, and nothing is held up; a write to its index holds up the table's. */
const PARTS_OF_THE_LEDGER: Record<'ReadThrottleEvents' | 'WriteThrottleEvents', Record<string, string>[]> = {
  ReadThrottleEvents: [{}, ...[HELD_LOCKS, PENDING].map(indexed)],
  WriteThrottleEvents: [{}, ...[HELD_LOCKS, PENDING, ...LIST_INDEX_NAMES].map(indexed)],
};

/**
 * Of the table and of its indexes, which are throttled each for itself. `ThrottledRequests` is by operation, and
 * `UserErrors` of the whole account. Source: Amazon DynamoDB Developer Guide, "DynamoDB metrics and dimensions".
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
 * What was given up, and what could not even be laid into the dead-letter queue. Source: Amazon EventBridge User Guide,
 * "Monitoring Amazon EventBridge".
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
 * Events that Lambda had taken, and gave up. Source: Lambda Developer Guide, "Types of metrics for Lambda functions".
 */
export const dropped = (one: lambda.IFunction): cloudwatch.Metric =>
  one.metric('AsyncEventsDropped', { period: PERIOD, statistic: cloudwatch.Stats.SUM });

/** Counts all requests to the API. Source: API Gateway Developer Guide, "Amazon API Gateway dimensions and metrics". */
export const requests = (api: apigateway.Stage): cloudwatch.Metric => api.metricCount({ period: PERIOD });
/** Counts answers of 500 and above: the function's own, and API Gateway's where the function gave none. */
export const serverErrors = (api: apigateway.Stage): cloudwatch.Metric =>
  api.metricServerError({ period: PERIOD, statistic: cloudwatch.Stats.SUM });
export const clientErrors = (api: apigateway.Stage): cloudwatch.Metric =>
  api.metricClientError({ period: PERIOD, statistic: cloudwatch.Stats.SUM });
export const latency = (api: apigateway.Stage, statistic: string): cloudwatch.Metric =>
  api.metricLatency({ period: PERIOD, statistic });

/** Counts the messages that are in the queue. */
export const deadLetters = (queue: sqs.IQueue): cloudwatch.Metric =>
  queue.metricApproximateNumberOfMessagesVisible({ period: PERIOD, statistic: cloudwatch.Stats.MAXIMUM });

/**
 * Counts the messages that are sent to the queue, however many are in it. The metric counts calls of SendMessage, which
 * EventBridge and Scheduler make, and not messages that SQS moves itself by a redrive policy; this queue is no other
 * queue's dead-letter queue. Source: Amazon SQS Developer Guide, "Using dead-letter queues in Amazon SQS".
 */
export const lettersSent = (queue: sqs.IQueue): cloudwatch.Metric =>
  queue.metricNumberOfMessagesSent({ period: PERIOD, statistic: cloudwatch.Stats.SUM });
