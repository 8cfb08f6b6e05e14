import * as cloudwatch from 'aws-cdk-lib/aws-cloudwatch';
import { SnsAction } from 'aws-cdk-lib/aws-cloudwatch-actions';
import * as sns from 'aws-cdk-lib/aws-sns';
import { Construct } from 'constructs';
import { alarmsOf, type AlarmSpec } from './alarms.ts';
import { createDashboard } from './dashboard.ts';
import type { Watched } from './metrics.ts';

export const RUNBOOK = 'docs/runbook.md';

export interface OperationsProps {
  watched: Watched;
  /** Topic for the alarms. If absent, they notify no one. */
  alarmTopicArn?: string | undefined;
}

/** Monitoring of the service: the alarms, each with its section of the runbook, and a dashboard. */
export class Operations extends Construct {
  constructor(scope: Construct, id: string, { watched, alarmTopicArn }: OperationsProps) {
    super(scope, id);
    const action =
      alarmTopicArn === undefined
        ? undefined
        : new SnsAction(sns.Topic.fromTopicArn(this, 'AlarmTopic', alarmTopicArn));
    const alarms = alarmsOf(watched).map((spec) => this.alarm(spec));
    if (action) for (const alarm of alarms) alarm.addAlarmAction(action);
    createDashboard(this, watched, alarms);
  }

  private alarm({
    id,
    section,
    means,
    metric,
    threshold,
    below = false,
    periods: [datapointsToAlarm, evaluationPeriods] = [1, 1],
    missing = cloudwatch.TreatMissingData.NOT_BREACHING,
  }: AlarmSpec): cloudwatch.Alarm {
    return new cloudwatch.Alarm(this, id, {
      alarmDescription: `${means} What to do: ${RUNBOOK}#${section}`,
      metric,
      threshold,
      comparisonOperator: below
        ? cloudwatch.ComparisonOperator.LESS_THAN_THRESHOLD
        : cloudwatch.ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD,
      datapointsToAlarm,
      evaluationPeriods,
      treatMissingData: missing,
    });
  }
}
