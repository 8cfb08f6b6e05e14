/** Rights of the state machine Sweep and of the schedules of sweeps, in addition to calling Lambdas. */
import { ArnFormat, Stack } from 'aws-cdk-lib';
import type * as sfn from 'aws-cdk-lib/aws-stepfunctions';
import { mapReads, mapWrites } from './bucket.ts';
import type { Grant } from './grant.ts';
import { bucketKeyGrant, queueKeyGrant } from './key.ts';

/** Label in the ARNs of the child executions, each of which inspects a location. */
export const LOCATIONS_LABEL = 'locations';

/**
 * Rights that CDK grants to the role of a state machine with a Distributed Map, in a policy that names the state
 * machine. Source: Step Functions Developer Guide, "IAM policies for using Distributed Map states".
 */
export function mapGrants(machine: sfn.IStateMachine): Grant[] {
  const stack = Stack.of(machine);
  const name = stack.splitArn(machine.stateMachineArn, ArnFormat.COLON_RESOURCE_NAME).resourceName ?? '';
  const executions = (of: string): string =>
    stack.formatArn({
      service: 'states',
      resource: 'execution',
      resourceName: `${of}:*`,
      arnFormat: ArnFormat.COLON_RESOURCE_NAME,
    });
  return [
    {
      actions: ['states:StartExecution'],
      resources: [machine.stateMachineArn],
      why: 'inspects each location in a separate execution',
    },
    {
      actions: ['states:DescribeExecution', 'states:StopExecution'],
      resources: [executions(name)],
      why: 'follows these executions, and stops them if it is stopped itself',
    },
    {
      actions: ['states:RedriveExecution'],
      resources: [executions(`${name}/${LOCATIONS_LABEL}`)],
      why: 'redrives them if the sweep is redriven',
    },
  ];
}

/**
 * Rights of the same role on the list of locations and the results, with the customer's key if there is one. Step
 * Functions uploads in parts, which S3 decrypts to combine them.
 */
export const mapBucketGrants = (bucketArn: string, keyArn?: string): Grant[] => [
  mapReads(bucketArn),
  mapWrites(bucketArn),
  ...(keyArn === undefined ? [] : [bucketKeyGrant(keyArn, bucketArn, { puts: true, gets: true })]),
];

/** Rights of the role with which EventBridge Scheduler starts sweeps. */
export const scheduleGrants = ({
  functionArn,
  queueArn,
  keyArn,
}: {
  functionArn: string;
  queueArn: string;
  keyArn?: string | undefined;
}): Grant[] => [
  { actions: ['lambda:InvokeFunction'], resources: [functionArn], why: 'starts the sweep that is due' },
  { actions: ['sqs:SendMessage'], resources: [queueArn], why: 'stores what could not be started' },
  ...(keyArn === undefined ? [] : [queueKeyGrant(keyArn, queueArn)]),
];
