import { type Duration, RemovalPolicy } from 'aws-cdk-lib';
import * as logs from 'aws-cdk-lib/aws-logs';
import * as sfn from 'aws-cdk-lib/aws-stepfunctions';
import type { Construct } from 'constructs';

export interface StateMachineOptions {
  comment: string;
  /** The first state. */
  start: sfn.State;
  timeout: Duration;
}

/** A state machine as this service has them: JSONata, traced, with a log group of its own. Adds `StateMachine` and `Logs` to the scope. */
export function createStateMachine(scope: Construct, { comment, start, timeout }: StateMachineOptions): sfn.StateMachine {
  return new sfn.StateMachine(scope, 'StateMachine', {
    comment,
    definitionBody: sfn.DefinitionBody.fromChainable(start),
    queryLanguage: sfn.QueryLanguage.JSONATA,
    stateMachineType: sfn.StateMachineType.STANDARD,
    timeout,
    tracingEnabled: true,
    logs: {
      // Every event, but no data: configuration values and task tokens must not land in a log.
      level: sfn.LogLevel.ALL,
      includeExecutionData: false,
      destination: new logs.LogGroup(scope, 'Logs', { retention: logs.RetentionDays.SIX_MONTHS, removalPolicy: RemovalPolicy.DESTROY }),
    },
  });
}
