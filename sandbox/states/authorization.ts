/**
 * The permission that each operation of Step Functions requires, and its resource. Source: Service Authorization
 * Reference, "Actions, resources, and condition keys for AWS Step Functions".
 */
import type { RequiredPermission } from '../permission/permission.ts';
import type { Caller } from '../http.ts';
import { isObject } from '../json.ts';
import { StatesError } from './error.ts';

type ResourceType = 'stateMachine' | 'execution' | 'mapRun';

/** The input's member that holds the resource's ARN, and the ARN's required type. */
interface Resource {
  member: string;
  type: ResourceType;
}

const machine: Resource = { member: 'stateMachineArn', type: 'stateMachine' };
const execution: Resource = { member: 'executionArn', type: 'execution' };
const mapRun: Resource = { member: 'mapRunArn', type: 'mapRun' };

/**
 * Every supported operation. `all` means the state machines of the caller's account in the call's region; `task` means
 * the state machine that issued the token. The reference has no resource for operations with a token; refusals name the
 * state machine (NOAA-OWP/hydrovis#837), and CDK's `grantTaskResponse` allows them on it.
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

export interface PermissionContext {
  caller: Caller;
  region: string;
  /** Returns the ARN of the state machine that issued the token. */
  machineOf: (taskToken: string) => string | undefined;
}

/**
 * Returns the permission that a call requires. Throws InvalidArn for text that is not an ARN, or an ARN of another
 * type; this comes before authorization, since nobody can have permission for an unreadable resource. The first text is
 * AWS's answer to `abc`; its answer to an ARN with a valid beginning is not known. The second text is AWS's answer to
 * StartExecution with an execution's ARN. InvalidToken, for a token that was never issued, is AWS's answer to
 * `FakeTaskToken`; that it comes before authorization is an assumption.
 */
export const requiredPermission = (
  operation: OperationName,
  input: unknown,
  { caller, region, machineOf }: PermissionContext,
): RequiredPermission => {
  const action = `states:${operation}`;
  const byRun = operation === 'ListExecutions' && isObject(input) && input['mapRunArn'] !== undefined;
  // A Map Run's children are listed by the Map Run, which is then the resource.
  const resource = byRun ? mapRun : RESOURCES[operation];
  const [, partition = 'aws'] = caller.principalArn.split(':');
  // The reference has no resource for this operation; refusals name this one (scribd/terraform-aws-datadog#18).
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
 * Returns whether the resource belongs to another account. Step Functions has no resource policies that could allow
 * other accounts (Step Functions Developer Guide, "How AWS Step Functions works with IAM"), so all such calls are
 * denied, even if a role allows them.
 */
export const isElsewhere = ({ resource }: RequiredPermission, { account }: Caller): boolean =>
  resource.split(':')[4] !== account;
