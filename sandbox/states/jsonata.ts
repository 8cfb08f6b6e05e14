/** Evaluates a definition's expressions and templates with JSONata 2.0.6, Step Functions' version. */
import jsonata from 'jsonata';
import { type LookUp, type Quick, quickOf, UNDECIDED } from './quick-expressions.ts';

/** Why an expression has no value; `message` is AWS's text, without the state's name. */
export class EvaluationFailure extends Error {
  override readonly name = 'EvaluationFailure';
  /** The field, such as `Arguments/Payload/id`. */
  readonly location: string;
  constructor(location: string, message: string) {
    super(message);
    this.location = location;
  }
}

export type Bindings = Record<string, unknown>;

/** What an expression can refer to. */
export interface Environment {
  /** Returns the value of a variable or `states`; undefined for all other names. */
  lookUp: LookUp;
  /** Returns the variables, `states` and the functions by name, without the dollar sign. */
  bindings: () => Bindings;
}

interface Compiled {
  expression: jsonata.Expression;
  quick: Quick | undefined;
}
const compiled = new Map<string, Compiled>();
const compiledOf = (source: string): Compiled => {
  const cached = compiled.get(source);
  if (cached) return cached;
  const expression = jsonata(source);
  const created = { expression, quick: quickOf(expression.ast()) };
  compiled.set(source, created);
  return created;
};
/** Parses each expression once per process. Throws JSONata's error for an invalid expression. */
export const compile = (source: string): jsonata.Expression => compiledOf(source).expression;

export const isExpression = (text: string): boolean => text.startsWith('{%') && text.endsWith('%}') && text.length >= 4;
/** Returns the text between the delimiters. */
export const sourceOf = (text: string): string => text.slice(2, -2).trim();

/** JSONata also throws plain objects. */
const partsOf = (thrown: unknown): { code?: unknown; message?: unknown } =>
  typeof thrown === 'object' && thrown !== null ? thrown : {};
export const reasonWithoutCode = (thrown: unknown): string => {
  const { message } = partsOf(thrown);
  return typeof message === 'string' ? message : String(thrown);
};
const reasonOf = (thrown: unknown): string => {
  const { code } = partsOf(thrown);
  return typeof code === 'string' ? `${code}: ${reasonWithoutCode(thrown)}` : reasonWithoutCode(thrown);
};

class Unsupported extends Error {}

/** Returns a copy as plain JSON data: JSONata returns parts of its input, and arrays with additional properties. */
const plain = (value: unknown): unknown => {
  if (typeof value === 'string' || typeof value === 'boolean' || value === null) return value;
  return JSON.parse(
    JSON.stringify(value, (_, part: unknown) => {
      const isFunction =
        typeof part === 'function' || (typeof part === 'object' && part !== null && '_jsonata_lambda' in part);
      if (isFunction) throw new Unsupported();
      return part;
    }),
  ) as unknown;
};

const evaluateExpression = async (text: string, location: string, environment: Environment): Promise<unknown> => {
  const source = sourceOf(text);
  const about = (): string => `The JSONata expression '${source}' specified for the field '${location}'`;
  let value: unknown;
  try {
    value = await compile(source).evaluate(undefined, environment.bindings());
  } catch (thrown) {
    throw new EvaluationFailure(location, `${about()} threw an error during evaluation. ${reasonOf(thrown)}`);
  }
  if (value === undefined) throw new EvaluationFailure(location, `${about()} returned nothing (undefined).`);
  try {
    return plain(value);
  } catch {
    throw new EvaluationFailure(location, `${about()} returned an unsupported result type.`);
  }
};

/** The quick forms of texts with their delimiters. */
const quickForms = new Map<string, Quick>();
const NEVER: Quick = () => UNDECIDED;
const quickFormOf = (text: string): Quick => {
  const known = quickForms.get(text);
  if (known) return known;
  // An expression that does not compile is reported where it is evaluated.
  const found = compiled.get(sourceOf(text));
  const quick = found?.quick ?? NEVER;
  if (found) quickForms.set(text, quick);
  return quick;
};

/** Returns the expression's value as a copy; UNDECIDED if JSONata must evaluate it, or throws an error for it. */
const evaluateQuickly = (text: string, { lookUp }: Environment): unknown => {
  const value = quickFormOf(text)(lookUp) ?? UNDECIDED;
  if (typeof value === 'object') return JSON.parse(JSON.stringify(value)) as unknown;
  // JSON has no negative zero.
  return typeof value === 'number' ? value + 0 : value;
};

/**
 * Returns the value of a template: every string in it that is an expression is replaced by its value. Throws
 * EvaluationFailure.
 */
export const evaluate = async (template: unknown, location: string, environment: Environment): Promise<unknown> => {
  if (typeof template === 'string') {
    if (!isExpression(template)) return template;
    const value = evaluateQuickly(template, environment);
    return value === UNDECIDED ? evaluateExpression(template, location, environment) : value;
  }
  if (Array.isArray(template)) {
    const values: unknown[] = [];
    for (const [index, part] of template.entries())
      values.push(await evaluate(part, `${location}[${index}]`, environment));
    return values;
  }
  if (typeof template !== 'object' || template === null) return template;
  const values: [string, unknown][] = [];
  for (const [key, part] of Object.entries(template))
    values.push([key, await evaluate(part, `${location}/${key}`, environment)]);
  return Object.fromEntries(values);
};
