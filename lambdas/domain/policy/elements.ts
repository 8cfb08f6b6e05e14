/** Readers of a policy's elements. Each throws `PolicyProblem` for a value that cannot be read. */
import type { Json } from './json.ts';

/** What is wrong with a policy, and where. */
export class PolicyProblem extends Error {
  readonly path: string;
  constructor(path: string, message: string) {
    super(message);
    this.path = path;
  }
}

/** Returns the path of a member, such as `Statement.Effect`. Keys with unusual characters are put in brackets. */
export function below(path: string, key: string): string {
  if (!/^[\w:/@+=-]{1,100}$/.test(key)) return `${path}[${JSON.stringify(key.slice(0, 100))}]`;
  return path === '' ? key : `${path}.${key}`;
}

/** Returns an object, or throws `PolicyProblem` with what it must be. */
export function object(value: Json | undefined, path: string, what: string): Map<string, Json> {
  if (!(value instanceof Map)) throw new PolicyProblem(path, `must be ${what}`);
  return value;
}

/** Throws `PolicyProblem` for an element that is not known. */
export function onlyElements(element: Map<string, Json>, known: readonly string[], path: string): void {
  for (const name of element.keys()) {
    if (known.includes(name)) continue;
    const meant = known.find((one) => one.toLowerCase() === name.toLowerCase());
    throw new PolicyProblem(
      below(path, name),
      meant === undefined ? 'is not a policy element' : `must be written ${meant}`,
    );
  }
}

/** IAM accepts a single value instead of a list, and numbers and booleans without quotation marks. */
export function strings(value: Json, path: string): string[] {
  const one = (item: Json, where: string): string => {
    if (typeof item === 'string') return item;
    if (typeof item === 'boolean' || typeof item === 'number') return String(item);
    throw new PolicyProblem(where, 'must be a string or a list of strings');
  };
  return Array.isArray(value) ? value.map((item, index) => one(item, `${path}[${index}]`)) : [one(value, path)];
}

/** Returns the element or its opposite, of which exactly one must be present. */
export function eitherOf(
  statement: Map<string, Json>,
  name: string,
  path: string,
): { negated: boolean; value: Json; path: string } {
  const negated = `Not${name}`;
  const [plain, opposite] = [statement.get(name), statement.get(negated)];
  if (plain !== undefined && opposite !== undefined)
    throw new PolicyProblem(below(path, negated), `cannot be combined with ${name}`);
  if (plain !== undefined) return { negated: false, value: plain, path: below(path, name) };
  if (opposite !== undefined) return { negated: true, value: opposite, path: below(path, negated) };
  throw new PolicyProblem(below(path, name), 'is missing');
}
