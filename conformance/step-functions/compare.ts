/** Compares the histories of one execution, event by event. Pure. */
import type { Difference } from '../reasons.ts';
import type { PlainEvent } from './events.ts';

/** Fields that are JSON texts: they are compared by their values. */
const TEXTS: ReadonlySet<string> = new Set(['input', 'output', 'parameters']);

const parsed = (text: string): unknown => {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return text;
  }
};

const isObject = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null;

/** Returns the details of an event with values in place of JSON texts. */
export const detailsOf = ({ details }: PlainEvent): Record<string, unknown> => {
  const all: Record<string, unknown> = Object.assign({}, ...Object.values(details));
  return Object.fromEntries(
    Object.entries(all).map(([name, value]) => {
      if (typeof value === 'string' && TEXTS.has(name)) return [name, parsed(value)];
      if (name === 'assignedVariables' && isObject(value))
        return [name, Object.fromEntries(Object.entries(value).map(([key, text]) => [key, parsed(String(text))]))];
      return [name, value];
    }),
  );
};

const textOf = (value: unknown): string => (value === undefined ? 'absent' : JSON.stringify(value));

/** Returns the paths at which two values differ. */
export const differencesOf = (what: string, sandbox: unknown, real: unknown): Difference[] => {
  if (Object.is(sandbox, real)) return [];
  if (isObject(sandbox) && isObject(real) && Array.isArray(sandbox) === Array.isArray(real)) {
    const keys = new Set([...Object.keys(sandbox), ...Object.keys(real)]);
    return [...keys].flatMap((key) => differencesOf(`${what}.${key}`, sandbox[key], real[key]));
  }
  return [{ what, sandbox: textOf(sandbox), real: textOf(real) }];
};

const nameOf = (event: PlainEvent | undefined): string => {
  if (!event) return 'the end of the history';
  const { name } = detailsOf(event);
  return typeof name === 'string' ? `${event.type} ${name}` : event.type;
};

/**
 * Returns what differs between two histories: each field of each event, or where they part. After that nothing is
 * compared, since everything would differ.
 */
export const compareHistories = (sandbox: readonly PlainEvent[], real: readonly PlainEvent[]): Difference[] => {
  const differences: Difference[] = [];
  for (let index = 0; index < Math.max(sandbox.length, real.length); index += 1) {
    const [own, other] = [sandbox[index], real[index]];
    if (!own || !other || nameOf(own) !== nameOf(other))
      return [...differences, { what: `event ${nameOf(own)}`, sandbox: nameOf(own), real: nameOf(other) }];
    differences.push(...differencesOf(own.type, factsOf(own), factsOf(other)));
  }
  return differences;
};

const factsOf = (event: PlainEvent): Record<string, unknown> => ({
  id: event.id,
  previousEventId: event.previousEventId,
  at: event.at,
  ...detailsOf(event),
});
