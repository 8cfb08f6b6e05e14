/** What a target gets of an event. Source: EventBridge User Guide, "Amazon EventBridge input transformation". */
import type { AssemblyRule, AssemblyTarget } from '../assembly/rules.ts';
import { isObject } from '../json.ts';
import type { Event } from './event.ts';

/** The value at `$.detail.name` or `$.resources[0]`; undefined where the event has none. */
const valueAt = (event: unknown, path: string): unknown => {
  const steps = [...path.matchAll(/\.([\w/-]+)|\[(\d+)\]/g)].map(([, name, index]) => name ?? Number(index));
  return steps.reduce<unknown>((value, step) => {
    if (typeof step === 'number') return Array.isArray(value) ? (value as unknown[])[step] : undefined;
    return isObject(value) ? value[step] : undefined;
  }, event);
};

/** Within quotes a variable becomes part of the text, elsewhere it is a value of its own; one without a value is not there. */
const insert = (template: string, values: (name: string) => unknown): string => {
  let quoted = false;
  return template.replace(/\\.|"|<([\w.-]+)>/g, (whole, name: string | undefined) => {
    if (whole === '"') quoted = !quoted;
    if (name === undefined) return whole;
    const value = values(name);
    if (!quoted) return JSON.stringify(value ?? '');
    const text = typeof value === 'string' ? value : value === undefined ? '' : JSON.stringify(value);
    return JSON.stringify(text).slice(1, -1);
  });
};

/** JSON text, as the target gets it. */
export const inputFor = (target: AssemblyTarget, rule: Pick<AssemblyRule, 'arn' | 'name'>, event: Event): string => {
  if (target.input !== undefined) return target.input;
  if (target.inputPath !== undefined) return JSON.stringify(valueAt(event, target.inputPath) ?? {});
  const { inputTransformer: transformer } = target;
  if (!transformer) return JSON.stringify(event);
  const { detail: _, ...withoutDetail } = event;
  const predefined: Record<string, unknown> = {
    'aws.events.rule-arn': rule.arn,
    'aws.events.rule-name': rule.name,
    'aws.events.event.ingestion-time': event.time,
    'aws.events.event': withoutDetail,
    'aws.events.event.json': event,
  };
  return insert(transformer.template, (name) => {
    if (Object.hasOwn(predefined, name)) return predefined[name];
    const path = transformer.paths[name];
    return path === undefined ? undefined : valueAt(event, path);
  });
};
