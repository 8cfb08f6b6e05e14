/**
 * CloudFormation: reads the stacks of the deployed application. The names and formats are those of the API model
 * 2010-05-15; the sources of the messages are with them.
 */
import type { StackOutput, AssemblyStack } from '../assembly/stack-description.ts';
import type { CallContext, Service } from '../http.ts';
import { membersOf, QueryError, type XmlValue } from '../iam/query-protocol.ts';
import { createQueryService, type QueryAction, type QueryPermissions } from '../iam/query-service.ts';
import { partitionOf } from '../../lambdas/domain/aws/partitions.ts';
import { pageAfter } from '../pages.ts';
import { Random } from '../random.ts';
import type { World } from '../world/world.ts';
import { constraintText, violation } from '../constraint.ts';

const API = {
  namespace: 'http://cloudformation.amazonaws.com/doc/2010-05-15/',
  version: '2010-05-15',
  title: 'CloudFormation',
};

/** The status of every stack here: the application was deployed before the sandbox's time begins. */
const STATUS = 'CREATE_COMPLETE';

/** The enumeration StackStatus. */
const STATUSES = [
  'CREATE_IN_PROGRESS',
  'CREATE_FAILED',
  'CREATE_COMPLETE',
  'ROLLBACK_IN_PROGRESS',
  'ROLLBACK_FAILED',
  'ROLLBACK_COMPLETE',
  'DELETE_IN_PROGRESS',
  'DELETE_FAILED',
  'DELETE_COMPLETE',
  'UPDATE_IN_PROGRESS',
  'UPDATE_COMPLETE_CLEANUP_IN_PROGRESS',
  'UPDATE_COMPLETE',
  'UPDATE_FAILED',
  'UPDATE_ROLLBACK_IN_PROGRESS',
  'UPDATE_ROLLBACK_FAILED',
  'UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS',
  'UPDATE_ROLLBACK_COMPLETE',
  'REVIEW_IN_PROGRESS',
  'IMPORT_IN_PROGRESS',
  'IMPORT_COMPLETE',
  'IMPORT_ROLLBACK_IN_PROGRESS',
  'IMPORT_ROLLBACK_FAILED',
  'IMPORT_ROLLBACK_COMPLETE',
];
const ONE_STATUS = { enumeration: Object.fromEntries(STATUSES.map((status) => [status, status])) };

export interface CloudFormationOptions {
  world: World;
  /** All deployed stacks. */
  stacks: readonly AssemblyStack[];
  /** Returns an output's value as callers from outside can use it, such as the address of a listening sandbox. */
  valueOf: (value: string) => string;
}

type Place = Pick<CallContext, 'caller' | 'region'>;

const isAt = ({ account, region }: AssemblyStack, { caller, region: here }: Place): boolean =>
  account === caller.account && region === here;

const arnOf = ({ caller, region }: Place, name: string): string =>
  `arn:${partitionOf(region)}:cloudformation:${region}:${caller.account}:stack/${name}/*`;

const pairs = (values: Record<string, string>, key: string, value: string): XmlValue =>
  Object.entries(values).map(([name, text]) => ({ [key]: name, [value]: text }));

const NOT_CHECKED = { StackDriftStatus: 'NOT_CHECKED' };

/** Returns a stack as DescribeStacks shows it. */
const descriptionOf = (
  { name, id, description, parameters, outputs, tags }: AssemblyStack,
  createdAt: string,
  outside: CloudFormationOptions['valueOf'],
): XmlValue => ({
  StackId: id,
  StackName: name,
  Description: description,
  Parameters: pairs(parameters, 'ParameterKey', 'ParameterValue'),
  CreationTime: createdAt,
  RollbackConfiguration: {},
  StackStatus: STATUS,
  DisableRollback: 'false',
  NotificationARNs: [],
  Capabilities: ['CAPABILITY_IAM', 'CAPABILITY_NAMED_IAM'],
  Outputs: outputs.map(({ key, value, description: text, exportName }: StackOutput) => ({
    OutputKey: key,
    OutputValue: outside(value),
    Description: text,
    ExportName: exportName,
  })),
  Tags: pairs(tags, 'Key', 'Value'),
  EnableTerminationProtection: 'false',
  DriftInformation: NOT_CHECKED,
});

/** Returns a stack as ListStacks shows it. */
const summaryOf = ({ name, id, description }: AssemblyStack, createdAt: string): XmlValue => ({
  StackId: id,
  StackName: name,
  TemplateDescription: description,
  CreationTime: createdAt,
  StackStatus: STATUS,
  DriftInformation: NOT_CHECKED,
});

/** Returns the statuses that ListStacks is asked for. Throws AWS's error for one that does not exist. */
const wantedStatuses = (parameters: Parameters<QueryAction>[0]): string[] => {
  const wanted = membersOf(parameters, 'StackStatusFilter');
  const wrong = wanted.flatMap((status) => violation(status, ONE_STATUS) ?? [])[0];
  if (wrong === undefined) return wanted;
  throw new QueryError(
    400,
    'ValidationError',
    `1 validation error detected: ${constraintText(`[${wanted.join(', ')}]`, 'stackStatusFilter', `Member must satisfy constraint: [${wrong}]`)}`,
  );
};

/** Stacks of one page. AWS documents no number; users' reports have 100. */
const PAGE = 100;

/** Returns a page of stacks and the member that its answer has for the next one. */
const pageOf = (
  parameters: Parameters<QueryAction>[0],
  stacks: readonly AssemblyStack[],
): { page: AssemblyStack[]; rest: Record<string, XmlValue> } => {
  const found = pageAfter(stacks, ({ id }) => id, PAGE, parameters.get('NextToken'));
  // AWS's message is not known.
  if (!found) throw new QueryError(400, 'ValidationError', 'The NextToken is not valid.');
  return { page: found.page, rest: found.nextToken === undefined ? {} : { NextToken: found.nextToken } };
};

export const createCloudFormationService = ({ world, stacks, valueOf }: CloudFormationOptions): Service => {
  const createdAt = new Date(world.schedule.now()).toISOString();
  const named = (name: string, place: Place): AssemblyStack | undefined =>
    stacks.find((stack) => isAt(stack, place) && (stack.name === name || stack.id === name));
  const described = (stack: AssemblyStack): XmlValue => descriptionOf(stack, createdAt, valueOf);

  const describeStacks: QueryAction = (parameters, context) => {
    const name = parameters.get('StackName');
    if (name === undefined) {
      const { page, rest } = pageOf(
        parameters,
        stacks.filter((stack) => isAt(stack, context)),
      );
      return { Stacks: page.map(described), ...rest };
    }
    const stack = named(name, context);
    // boto/boto3#2807 has status, code and text.
    if (!stack) throw new QueryError(400, 'ValidationError', `Stack with id ${name} does not exist`);
    return { Stacks: [described(stack)] };
  };

  const listStacks: QueryAction = (parameters, context) => {
    const wanted = wantedStatuses(parameters);
    const there = stacks.filter((stack) => isAt(stack, context) && (wanted.length === 0 || wanted.includes(STATUS)));
    const { page, rest } = pageOf(parameters, there);
    return { StackSummaries: page.map((stack) => summaryOf(stack, createdAt)), ...rest };
  };

  // The resources in errors: runs-on/runs-on#27 for a stack that exists, aws-samples/aws-hpc-tutorials#271 for one that
  // does not, and jogold/cloudstructs#215 for all stacks.
  const permissions: Record<string, QueryPermissions> = {
    DescribeStacks: (parameters, context) => {
      const name = parameters.get('StackName');
      const resource =
        name === undefined
          ? arnOf(context, '*')
          : (named(name, context)?.id ?? (name.startsWith('arn:') ? name : arnOf(context, name)));
      return [{ action: 'cloudformation:DescribeStacks', resource }];
    },
    ListStacks: (_parameters, context) => [{ action: 'cloudformation:ListStacks', resource: arnOf(context, '*') }],
  };
  return createQueryService(
    API,
    // A generator of its own, so that no result of a seed depends on this service.
    new Random(0),
    { DescribeStacks: describeStacks, ListStacks: listStacks },
    permissions,
  );
};
