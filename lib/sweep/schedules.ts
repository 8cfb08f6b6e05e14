import { Duration } from 'aws-cdk-lib';
import type * as kms from 'aws-cdk-lib/aws-kms';
import type * as lambda from 'aws-cdk-lib/aws-lambda';
import * as scheduler from 'aws-cdk-lib/aws-scheduler';
import type * as sqs from 'aws-cdk-lib/aws-sqs';
import { Construct } from 'constructs';
import type { z } from 'zod';
import type { startSweepSchema } from '../../lambdas/steps/start-sweep/schema.ts';
import { invokeAsynchronously } from '../asynchronous.ts';
import { statementOf } from '../permissions/grant.ts';
import { scheduleGrants } from '../permissions/sweep.ts';
import { serviceRole } from '../service-role.ts';
import type { Settings } from '../settings.ts';

export interface SchedulesProps {
  sweeps: Settings['sweeps'];
  startSweep: lambda.IVersion;
  deadLetterQueue: sqs.IQueue;
  /** The customer's key, if there is one. */
  key?: kms.IKey | undefined;
}

/** Maximum delay of a scheduled sweep. A later start is useless, because the next sweep inspects the same clusters. */
const STARTS_WITHIN = Duration.hours(1);

/** Source: EventBridge Scheduler User Guide, "Adding context attributes". */
const SCHEDULED_TIME = '<aws.scheduler.scheduled-time>';

type Input = z.input<typeof startSweepSchema.input>;

/**
 * The schedules of sweeps, one for each in the configuration. Scheduler delivers at least once; `start-sweep` starts a
 * single sweep for each scheduled time.
 */
export class Schedules extends Construct {
  constructor(scope: Construct, id: string, { sweeps, startSweep, deadLetterQueue, key }: SchedulesProps) {
    super(scope, id);
    if (sweeps.length === 0) return;
    const grants = scheduleGrants({
      functionArn: startSweep.functionArn,
      queueArn: deadLetterQueue.queueArn,
      keyArn: key?.keyArn,
    });
    const role = serviceRole(this, 'StartsSweeps', 'scheduler', 'Starts scheduled sweeps.');
    for (const grant of grants) role.addToPolicy(statementOf(grant));
    invokeAsynchronously(this, 'TriesThrice', startSweep, {
      maxEventAge: STARTS_WITHIN,
      retryAttempts: 2,
      noDestination:
        'Its event only names the schedule that was due, which the configuration has too. An alarm reports a dropped event, and a sweep can be started manually.',
    });
    for (const { name, schedule, timeZone, request } of sweeps) {
      const input: Record<keyof Input, unknown> = { schedule: name, at: SCHEDULED_TIME, request };
      // CDK's own construct would allow the role to call every version, which would need an acknowledgement.
      const made = new scheduler.CfnSchedule(this, name, {
        description: `Starts the sweep ${name}.`,
        scheduleExpression: schedule,
        scheduleExpressionTimezone: timeZone,
        flexibleTimeWindow: { mode: 'OFF' },
        target: {
          arn: startSweep.functionArn,
          roleArn: role.roleArn,
          input: JSON.stringify(input),
          deadLetterConfig: { arn: deadLetterQueue.queueArn },
          retryPolicy: { maximumEventAgeInSeconds: STARTS_WITHIN.toSeconds(), maximumRetryAttempts: 20 },
        },
      });
      // Scheduler tests the role when the schedule is created.
      made.node.addDependency(role);
    }
  }
}
