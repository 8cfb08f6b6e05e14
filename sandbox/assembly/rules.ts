/** EventBridge rules of the default bus. Source: CloudFormation Template Reference, `AWS::Events::Rule`. */
import { AssemblyError, type Where } from './error.ts';
import { isObject, type Json } from '../json.ts';
import { type ResolvedResource, resourcesOfType } from './resources.ts';
import type { Stack } from './stacks.ts';

export interface AssemblyRule {
  logicalId: string;
  name: string;
  arn: string;
  /** Which events it takes; a rule may have a pattern, a schedule, or both. */
  pattern?: Json;
  /** Of `rate(…)`. */
  everySeconds?: number;
  targets: AssemblyTarget[];
}

export interface AssemblyTarget {
  id: string;
  /** Of a state machine or a function, with a version or without. */
  arn: string;
  /** What EventBridge calls it as; functions let it in by their own policy instead. */
  roleArn?: string;
  /** JSON text, instead of the event. */
  input?: string;
  /** Part of the event: `$.detail`. */
  inputPath?: string;
  inputTransformer?: {
    /** Variables and where in the event their values are. */
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
  throw new AssemblyError(`the schedule ${String(expression)}; the sandbox runs rate(…) alone, such as rate(5 minutes)`, where);
};

const TARGET_FIELDS = new Set(['Id', 'Arn', 'RoleArn', 'Input', 'InputPath', 'InputTransformer', 'RetryPolicy', 'DeadLetterConfig']);

const targetOf = (stack: Stack, target: unknown, where: Where): AssemblyTarget => {
  if (!isObject(target)) throw new AssemblyError('a target that is no object', where);
  const text = (name: string): string => stack.resolver.textOf(target[name], { ...where, path: `${where.path ?? ''}.${name}` });
  const arn = text('Arn');
  if (!/^arn:aws[\w-]*:(lambda:[^:]+:\d{12}:function:|states:[^:]+:\d{12}:stateMachine:)/.test(arn)) {
    throw new AssemblyError(`the target ${arn}; the sandbox has state machines and functions as targets`, where);
  }
  const unknown = Object.keys(target).find((name) => !TARGET_FIELDS.has(name));
  if (unknown !== undefined) throw new AssemblyError(`a target with ${unknown}, which the sandbox does not know`, where);
  const { InputTransformer: transformer } = target;
  const paths = isObject(transformer) && isObject(transformer['InputPathsMap']) ? transformer['InputPathsMap'] : {};
  return {
    id: text('Id'),
    arn,
    ...(target['RoleArn'] === undefined ? {} : { roleArn: text('RoleArn') }),
    ...(target['Input'] === undefined ? {} : { input: text('Input') }),
    ...(target['InputPath'] === undefined ? {} : { inputPath: text('InputPath') }),
    ...(isObject(transformer)
      ? { inputTransformer: { paths: Object.fromEntries(Object.entries(paths).map(([name, path]) => [name, String(path)])), template: stack.resolver.textOf(transformer['InputTemplate'], where) } }
      : {}),
  };
};

const ruleOf = (stack: Stack, { logicalId, properties, where }: ResolvedResource): AssemblyRule[] => {
  const { State: state = 'ENABLED', EventBusName: bus = 'default', EventPattern: pattern, ScheduleExpression: schedule, Targets: targets = [] } = properties;
  if (state === 'DISABLED') return [];
  if (bus !== 'default') throw new AssemblyError(`the event bus ${String(bus)}; the sandbox has the default one alone`, { ...where, path: 'Properties.EventBusName' });
  if (!Array.isArray(targets)) throw new AssemblyError('Targets that are no list', { ...where, path: 'Properties.Targets' });
  return [
    {
      logicalId,
      name: stack.resolver.reference(logicalId, where),
      arn: stack.resolver.attribute(logicalId, 'Arn', where),
      ...(isObject(pattern) ? { pattern } : {}),
      ...(schedule === undefined ? {} : { everySeconds: secondsOf(schedule, { ...where, path: 'Properties.ScheduleExpression' }) }),
      targets: targets.map((target, index) => targetOf(stack, target, { ...where, path: `Properties.Targets[${index}]` })),
    },
  ];
};

/** The enabled rules of a stack. Throws AssemblyError for what the sandbox's EventBridge does not have. */
export const rulesOf = (stack: Stack): AssemblyRule[] => resourcesOfType(stack, 'AWS::Events::Rule').flatMap((resource) => ruleOf(stack, resource));
