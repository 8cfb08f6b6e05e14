/**
 * Which right each operation of Step Functions wants, and on what. Source: Service Authorization Reference, "Actions,
 * resources, and condition keys for AWS Step Functions".
 */
import type { Asked } from '../authorization/asked.ts';
import type { Caller } from '../http.ts';
import { isObject } from '../json.ts';
import { StatesError } from './error.ts';

type ResourceType = 'stateMachine' | 'execution' | 'mapRun';

/** The input's member that has the resource's ARN, and of what type that must be. */
interface Resource {
  member: string;
  type: ResourceType;
}

const machine: Resource = { member: 'stateMachineArn', type: 'stateMachine' };
const execution: Resource = { member: 'executionArn', type: 'execution' };
const mapRun: Resource = { member: 'mapRunArn', type: 'mapRun' };

/**
 * Every operation that is played. `all`: the state machines of the caller's account in the call's region. `task`: the
 * state machine that has handed the token out. The reference has no resource for those; refusals name the state machine
 * (NOAA-OWP/hydrovis#837), and CDK's `grantTaskResponse` allows them on it.
 */
const RESOURCES = {
  StartExecution: machine,
  DescribeExecution: execution,
  GetExecutionHistory: execution,
  ListExecutions: machine,
  StopExecution: execution,
  DescribeMapRun: mapRun,
  ListMapRuns: execution,
  DescribeStateMachine: machine,
  ListStateMachines: 'all',
  SendTaskSuccess: 'task',
  SendTaskFailure: 'task',
  SendTaskHeartbeat: 'task',
} as const satisfies Record<string, Resource | 'all' | 'task'>;

export type OperationName = keyof typeof RESOURCES;

const ARN = /^arn:aws[\w-]*:states:[a-z0-9-]+:(\d{12}):(\w+):./;

export interface AskedContext {
  caller: Caller;
  region: string;
  /** ARN of the state machine that has handed that token out. */
  machineOf: (taskToken: string) => string | undefined;
}

/**
 * What a call wants. Throws InvalidArn for what is no ARN, or one of something else: before the caller is looked at,
 * since a resource that can't be read has no rights on it. The first text is as AWS has it for `abc`; that of an ARN
 * that begins right is not known. The second is AWS's to StartExecution of an execution. InvalidToken, for a token that
 * never was, is AWS's to `FakeTaskToken`; that it comes before the question of rights is not known.
 */
export const askedOf = (
  operation: OperationName,
  input: unknown,
  { caller, region, machineOf }: AskedContext,
): Asked => {
  const action = `states:${operation}`;
  const byRun = operation === 'ListExecutions' && isObject(input) && input['mapRunArn'] !== undefined;
  // The children of a Map Run are listed by that, and it is the resource then.
  const resource = byRun ? mapRun : RESOURCES[operation];
  const [, partition = 'aws'] = caller.principalArn.split(':');
  // The reference has no resource for it; refusals name this one (scribd/terraform-aws-datadog#18).
  if (resource === 'all')
    return { action, resource: `arn:${partition}:states:${region}:${caller.account}:stateMachine:*` };
  const member = (name: string): string => (isObject(input) ? String(input[name]) : '');
  if (resource === 'task') {
    const machineArn = machineOf(member('taskToken'));
    if (machineArn === undefined) throw new StatesError('InvalidToken', "Invalid Token: 'Invalid token'");
    return { action, resource: machineArn };
  }
  const arn = member(resource.member);
  const [, , type] = ARN.exec(arn) ?? [];
  if (type === undefined) throw new StatesError('InvalidArn', `Invalid Arn: 'Invalid ARN prefix: ${arn}'`);
  if (type !== resource.type)
    throw new StatesError('InvalidArn', `Invalid Arn: 'Resource type not valid in this context: ${type}'`);
  return { action, resource: arn };
};

/**
 * Whether that is another account's. Step Functions has no policies of its resources that could let anybody else in
 * (Step Functions Developer Guide, "How AWS Step Functions works with IAM"), so nobody may, whatever a role allows.
 */
export const isElsewhere = ({ resource }: Asked, { account }: Caller): boolean => resource.split(':')[4] !== account;
