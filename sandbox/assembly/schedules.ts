/** Reads EventBridge Scheduler's schedules. Source: CloudFormation Template Reference, `AWS::Scheduler::Schedule`. */
import { AssemblyError, type Where } from './error.ts';
import { isFunctionArn } from '../function-arn.ts';
import { isObject, type Json } from '../json.ts';
import { parseExpression } from './schedule-expression.ts';
import { type ResolvedResource, resourcesOfType } from './resources.ts';
import type { Stack } from './stacks.ts';

export interface AssemblySchedule {
  logicalId: string;
  name: string;
  arn: string;
  /** The `aws:SourceArn` that the role's trust policy is evaluated with. */
  groupArn: string;
  /** `rate(…)`, `cron(…)` or `at(…)`. */
  expression: string;
  timeZone: string;
  /** Milliseconds since 1970; omitted: from the deployment on, without an end. */
  startAt?: number;
  endAt?: number;
  target: ScheduleTarget;
}

export interface ScheduleTarget {
  /** ARN of a function, with or without a version, or of a state machine. */
  arn: string;
  /** The role that Scheduler assumes. */
  roleArn: string;
  /** Text that may contain Scheduler's keywords; omitted: a default event. */
  input?: string;
  /** ARN of the dead-letter queue for undeliverable events. */
  deadLetterArn?: string;
}

const isStateMachineArn = (arn: string): boolean => /^arn:aws[\w-]*:states:[^:]+:\d{12}:stateMachine:/.test(arn);

const isZone = (name: string): boolean => {
  try {
    return new Intl.DateTimeFormat('en', { timeZone: name }).resolvedOptions().timeZone !== '';
  } catch {
    return false;
  }
};

const SCHEDULE_FIELDS = new Set([
  'Name',
  'Description',
  'GroupName',
  'ScheduleExpression',
  'ScheduleExpressionTimezone',
  'State',
  'StartDate',
  'EndDate',
  'FlexibleTimeWindow',
  'Target',
  'KmsKeyArn',
]);
const TARGET_FIELDS = new Set(['Arn', 'RoleArn', 'Input', 'RetryPolicy', 'DeadLetterConfig']);

const refuseUnknown = (given: Json, known: ReadonlySet<string>, what: string, where: Where): void => {
  const unknown = Object.keys(given).find((name) => !known.has(name));
  if (unknown !== undefined)
    throw new AssemblyError(`a ${what} with ${unknown}, which the sandbox does not support`, where);
};

const targetOf = (stack: Stack, target: unknown, where: Where): ScheduleTarget => {
  if (!isObject(target)) throw new AssemblyError('a schedule without a Target', where);
  refuseUnknown(target, TARGET_FIELDS, "schedule's target", where);
  const text = (name: string): string =>
    stack.resolver.textOf(target[name], { ...where, path: `${where.path ?? ''}.${name}` });
  const { DeadLetterConfig: deadLetters, Input: input } = target;
  const arn = text('Arn');
  if (!isFunctionArn(arn) && !isStateMachineArn(arn))
    throw new AssemblyError(
      `the target ${arn}; the sandbox's Scheduler supports functions and state machines as targets`,
      where,
    );
  return {
    arn,
    roleArn: text('RoleArn'),
    ...(input === undefined ? {} : { input: text('Input') }),
    ...(isObject(deadLetters)
      ? {
          deadLetterArn: stack.resolver.textOf(deadLetters['Arn'], {
            ...where,
            path: `${where.path ?? ''}.DeadLetterConfig.Arn`,
          }),
        }
      : {}),
  };
};

const timeOf = (value: unknown, where: Where): number | undefined => {
  if (value === undefined) return undefined;
  const time = typeof value === 'string' ? Date.parse(value) : Number.NaN;
  if (Number.isNaN(time))
    throw new AssemblyError(`the time ${JSON.stringify(value)}; write it as 2026-01-15T09:00:00Z`, where);
  return time;
};

const scheduleOf = (stack: Stack, { logicalId, properties, where }: ResolvedResource): AssemblySchedule[] => {
  const at = (name: string): Where => ({ ...where, path: `Properties.${name}` });
  const text = (name: string): string => stack.resolver.textOf(properties[name], at(name));
  refuseUnknown(properties, SCHEDULE_FIELDS, 'schedule', where);
  const {
    State: state = 'ENABLED',
    FlexibleTimeWindow: window,
    ScheduleExpressionTimezone: zone,
    GroupName: group,
  } = properties;
  if (state === 'DISABLED') return [];
  if (!isObject(window) || window['Mode'] !== 'OFF')
    throw new AssemblyError('a flexible time window; the sandbox supports only Mode OFF', at('FlexibleTimeWindow'));
  const timeZone = zone === undefined ? 'UTC' : text('ScheduleExpressionTimezone');
  if (!isZone(timeZone))
    throw new AssemblyError(
      `the time zone ${timeZone}, which is not in the IANA database`,
      at('ScheduleExpressionTimezone'),
    );
  const expression = text('ScheduleExpression');
  if (!parseExpression(expression, timeZone))
    throw new AssemblyError(
      `the schedule ${expression}, which Scheduler would refuse; write it as rate(1 hour), cron(0 9 ? * MON-FRI *) or at(2026-01-15T09:00:00)`,
      at('ScheduleExpression'),
    );
  const [startAt, endAt] = [
    timeOf(properties['StartDate'], at('StartDate')),
    timeOf(properties['EndDate'], at('EndDate')),
  ];
  const { partition, region, account } = stack.resolver.environment;
  return [
    {
      logicalId,
      name: stack.resolver.reference(logicalId, where),
      arn: stack.resolver.attribute(logicalId, 'Arn', where),
      groupArn: `arn:${partition}:scheduler:${region}:${account}:schedule-group/${group === undefined ? 'default' : text('GroupName')}`,
      expression,
      timeZone,
      ...(startAt === undefined ? {} : { startAt }),
      ...(endAt === undefined ? {} : { endAt }),
      target: targetOf(stack, properties['Target'], at('Target')),
    },
  ];
};

/** Returns the enabled schedules of a stack. Throws AssemblyError for what the sandbox's Scheduler does not support. */
export const schedulesOf = (stack: Stack): AssemblySchedule[] =>
  resourcesOfType(stack, 'AWS::Scheduler::Schedule').flatMap((resource) => scheduleOf(stack, resource));
