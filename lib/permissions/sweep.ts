/** What the state machine Sweep, and what starts sweeps by the clock, may do beside calling Lambdas. */
import { ArnFormat, Stack } from 'aws-cdk-lib';
import type * as sfn from 'aws-cdk-lib/aws-stepfunctions';
import { mapReads, mapWrites } from './bucket.ts';
import type { Grant } from './grant.ts';
import { bucketKeyGrant, queueKeyGrant } from './key.ts';

/** In the ARNs of the executions that look at one place each. */
export const LOCATIONS_LABEL = 'locations';

/**
 * What CDK gives the role of a state machine with a Distributed Map, in a policy that names the machine.
 * Source: Step Functions Developer Guide, "IAM policies for using Distributed Map states".
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
 * Of the same role: the list of places, and what became of them, under the customer's key where there is one. Step
 * Functions writes in parts, which S3 opens to put them together.
 */
export const mapBucketGrants = (bucketArn: string, keyArn?: string): Grant[] => [
  mapReads(bucketArn),
  mapWrites(bucketArn),
  ...(keyArn === undefined ? [] : [bucketKeyGrant(keyArn, bucketArn, { puts: true, gets: true })]),
];

/** Of the role with which EventBridge Scheduler starts sweeps. */
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
