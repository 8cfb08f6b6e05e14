/**
 * Builds the input that a target receives for an event. Source: EventBridge User Guide, "Amazon EventBridge input
 * transformation"; where it is unspecific, localstack/localstack's recordings of AWS
 * (`tests/aws/services/events/test_events_inputs`).
 */
import { type AssemblyRule, type AssemblyTarget, PLACEHOLDER } from '../assembly/rules.ts';
import { isObject } from '../json.ts';
import type { Event } from './event.ts';

/** Returns the value at `$.detail.name` or `$.resources[0]`; undefined if the event has none. */
const valueAt = (event: unknown, path: string): unknown => {
  const steps = [...path.matchAll(/\.([\w/-]+)|\[(\d+)\]/g)].map(([, name, index]) => name ?? Number(index));
  return steps.reduce<unknown>((value, step) => {
    if (typeof step === 'number') return Array.isArray(value) ? (value as unknown[])[step] : undefined;
    return isObject(value) ? value[step] : undefined;
  }, event);
};

/**
 * Formats a variable within quotes, where "EventBridge does not escape values": a string with a quotation mark breaks
 * the JSON around it. In a string template, lists and objects lose their quotation marks.
 */
const within = (value: unknown, isText: boolean): string => {
  if (value === undefined) return '';
  if (typeof value === 'string') return value;
  const json = JSON.stringify(value);
  return isText ? json.replaceAll('"', '') : json;
};

const TOKEN = new RegExp(String.raw`\\.|"|${PLACEHOLDER.source}`, 'g');

/**
 * Within quotes a variable becomes part of the string, elsewhere it is a value of its own; a variable without a value
 * is an empty string.
 */
const insert = (template: string, values: (name: string) => unknown): string => {
  const isText = template.trimStart().startsWith('"');
  let quoted = false;
  return template.replace(TOKEN, (whole, name: string | undefined) => {
    if (whole === '"') quoted = !quoted;
    if (name === undefined) return whole;
    const value = values(name);
    return quoted ? within(value, isText) : JSON.stringify(value ?? '');
  });
};

/** "The JSON that is passed to the target is minified"; text that is not JSON, such as several lines, is unchanged. */
const minified = (text: string): string => {
  try {
    return JSON.stringify(JSON.parse(text));
  } catch {
    return text;
  }
};

/** Returns what the target receives: JSON text, unless a transformer's template produces something else. */
export const inputFor = (target: AssemblyTarget, rule: Pick<AssemblyRule, 'arn' | 'name'>, event: Event): string => {
  if (target.input !== undefined) return target.input;
  if (target.inputPath !== undefined) return JSON.stringify(valueAt(event, target.inputPath) ?? {});
  const { inputTransformer: transformer } = target;
  if (!transformer) return JSON.stringify(event);
  const { detail: _, 'detail-type': detailType, ...rest } = event;
  const predefined: Record<string, unknown> = {
    'aws.events.rule-arn': rule.arn,
    'aws.events.rule-name': rule.name,
    'aws.events.event.ingestion-time': event.time,
    // Only this variable has the name without the hyphen.
    'aws.events.event': { ...rest, detailType },
    'aws.events.event.json': event,
  };
  const text = insert(transformer.template, (name) => {
    if (Object.hasOwn(predefined, name)) return predefined[name];
    const path = transformer.paths[name];
    return path === undefined ? undefined : valueAt(event, path);
  });
  return minified(text);
};
