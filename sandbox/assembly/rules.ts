/** Reads the EventBridge rules of the default bus. Source: CloudFormation Template Reference, `AWS::Events::Rule`. */
import { AssemblyError, type Where } from './error.ts';
import { isJson, isObject, type Json } from '../json.ts';
import { type ResolvedResource, resourcesOfType } from './resources.ts';
import type { Stack } from './stacks.ts';

export interface AssemblyRule {
  logicalId: string;
  name: string;
  arn: string;
  /** The events that the rule matches; a rule may have a pattern, a schedule, or both. */
  pattern?: Json;
  /** The period of `rate(…)`. */
  everySeconds?: number;
  targets: AssemblyTarget[];
}

export interface AssemblyTarget {
  id: string;
  /** ARN of a state machine, a topic, another default bus, or a function, with or without a version. */
  arn: string;
  /** The role that EventBridge assumes for the target; functions and topics use their resource policies instead. */
  roleArn?: string;
  /** ARN of the dead-letter queue for undeliverable events. */
  deadLetterArn?: string;
  /** JSON text that replaces the event. */
  input?: string;
  /** The part of the event that is passed, such as `$.detail`. */
  inputPath?: string;
  inputTransformer?: {
    /** Variables and the paths of their values in the event. */
    paths: Record<string, string>;
    template: string;
  };
}

const SECONDS: Record<string, number> = { minute: 60, hour: 3600, day: 86_400 };

/** EventBridge User Guide, "Rate expressions": a whole number above 0; the unit is singular for 1. */
const secondsOf = (expression: unknown, where: Where): number => {
  const [, count = '', unit = '', plural = ''] = /^rate\((\d+) (minute|hour|day)(s?)\)$/.exec(String(expression)) ?? [];
  const seconds = Number(count) * (SECONDS[unit] ?? 0);
  if (seconds > 0 && (Number(count) === 1) === (plural === '')) return seconds;
  throw new AssemblyError(
    `the schedule ${String(expression)}; the sandbox supports only rate(…), such as rate(5 minutes)`,
    where,
  );
};

const TARGET_FIELDS = new Set([
  'Id',
  'Arn',
  'RoleArn',
  'Input',
  'InputPath',
  'InputTransformer',
  'RetryPolicy',
  'DeadLetterConfig',
]);
const TARGET_ARN =
  /^arn:aws[\w-]*:(lambda:[^:]+:\d{12}:function:|states:[^:]+:\d{12}:stateMachine:|sns:[^:]+:\d{12}:[\w-]+$|events:[^:]+:\d{12}:event-bus\/default$)/;

/** The variables that a template may use without a path: EventBridge defines them for each event. */
const PREDEFINED = new Set([
  'aws.events.rule-arn',
  'aws.events.rule-name',
  'aws.events.event.ingestion-time',
  'aws.events.event',
  'aws.events.event.json',
]);

/** Matches a placeholder of an input transformer's template: `<name>`. */
export const PLACEHOLDER = /<([\w.-]+)>/g;

/**
 * EventBridge User Guide, "Amazon EventBridge input transformation", lists the supported JSONPath syntax; the sandbox
 * does not support its wildcards.
 */
const PATH = /^\$(?:\.[\w/-]+|\[\d+\])*$/;

const pathOf = (path: string, where: Where): string => {
  if (!PATH.test(path))
    throw new AssemblyError(
      `the path ${path}; the sandbox supports only names and indices, such as $.detail.items[0]`,
      where,
    );
  return path;
};

/** Throws AssemblyError for what PutTargets would also refuse. */
const transformerOf = (
  stack: Stack,
  transformer: Json,
  where: Where,
): NonNullable<AssemblyTarget['inputTransformer']> => {
  const { InputPathsMap: map, InputTemplate: text } = transformer;
  const paths = Object.fromEntries(
    Object.entries(isObject(map) ? map : {}).map(([name, path]) => [name, pathOf(String(path), where)]),
  );
  const template = stack.resolver.textOf(text, where);
  for (const [, name = ''] of template.matchAll(PLACEHOLDER)) {
    if (!PREDEFINED.has(name) && !Object.hasOwn(paths, name))
      throw new AssemblyError(`an InputTemplate with <${name}>, which InputPathsMap does not have`, where);
  }
  return { paths, template };
};

const inputOf = (
  stack: Stack,
  target: Json,
  where: Where,
): Pick<AssemblyTarget, 'input' | 'inputPath' | 'inputTransformer'> => {
  const text = (name: string): string =>
    stack.resolver.textOf(target[name], { ...where, path: `${where.path ?? ''}.${name}` });
  const { Input: input, InputPath: path, InputTransformer: transformer } = target;
  if ([input, path, transformer].filter((each) => each !== undefined).length > 1)
    throw new AssemblyError('a target with more than one of Input, InputPath and InputTransformer; keep one', where);
  if (input !== undefined && !isJson(text('Input'))) throw new AssemblyError('an Input that is not JSON', where);
  return {
    ...(input === undefined ? {} : { input: text('Input') }),
    ...(path === undefined ? {} : { inputPath: pathOf(text('InputPath'), where) }),
    ...(isObject(transformer) ? { inputTransformer: transformerOf(stack, transformer, where) } : {}),
  };
};

const targetOf = (stack: Stack, target: unknown, where: Where): AssemblyTarget => {
  if (!isObject(target)) throw new AssemblyError('a target that is not an object', where);
  const text = (name: string): string =>
    stack.resolver.textOf(target[name], { ...where, path: `${where.path ?? ''}.${name}` });
  const arn = text('Arn');
  if (!TARGET_ARN.test(arn))
    throw new AssemblyError(
      `the target ${arn}; the sandbox supports state machines, functions, topics and default buses as targets`,
      where,
    );
  const unknown = Object.keys(target).find((name) => !TARGET_FIELDS.has(name));
  if (unknown !== undefined)
    throw new AssemblyError(`a target with ${unknown}, which the sandbox does not support`, where);
  const { DeadLetterConfig: deadLetters } = target;
  return {
    id: text('Id'),
    arn,
    ...(target['RoleArn'] === undefined ? {} : { roleArn: text('RoleArn') }),
    ...(isObject(deadLetters)
      ? {
          deadLetterArn: stack.resolver.textOf(deadLetters['Arn'], {
            ...where,
            path: `${where.path ?? ''}.DeadLetterConfig.Arn`,
          }),
        }
      : {}),
    ...inputOf(stack, target, where),
  };
};

const ruleOf = (stack: Stack, { logicalId, properties, where }: ResolvedResource): AssemblyRule[] => {
  const {
    State: state = 'ENABLED',
    EventBusName: bus = 'default',
    EventPattern: pattern,
    ScheduleExpression: schedule,
    Targets: targets = [],
  } = properties;
  if (state === 'DISABLED') return [];
  if (bus !== 'default')
    throw new AssemblyError(`the event bus ${String(bus)}; the sandbox supports only the default bus`, {
      ...where,
      path: 'Properties.EventBusName',
    });
  if (!Array.isArray(targets))
    throw new AssemblyError('Targets that are not a list', { ...where, path: 'Properties.Targets' });
  return [
    {
      logicalId,
      name: stack.resolver.reference(logicalId, where),
      arn: stack.resolver.attribute(logicalId, 'Arn', where),
      ...(isObject(pattern) ? { pattern } : {}),
      ...(schedule === undefined
        ? {}
        : { everySeconds: secondsOf(schedule, { ...where, path: 'Properties.ScheduleExpression' }) }),
      targets: targets.map((target, index) =>
        targetOf(stack, target, { ...where, path: `Properties.Targets[${index}]` }),
      ),
    },
  ];
};

/** Returns the enabled rules of a stack. Throws AssemblyError for what the sandbox's EventBridge does not support. */
export const rulesOf = (stack: Stack): AssemblyRule[] =>
  resourcesOfType(stack, 'AWS::Events::Rule').flatMap((resource) => ruleOf(stack, resource));
