/** Label selectors: those of requests (k8s.io/apimachinery, labels/selector.go), see `object-selector.ts` for those within objects. */
import { badRequest } from './answers.ts';
import { parseInt64 } from './go-values.ts';
import type { Selector } from '../objects/object-selector.ts';
import { labelValueProblems, qualifiedNameProblems } from './validation/names.ts';

type Labels = Record<string, string>;
type Requirement = (labels: Labels) => boolean;

const OPERATORS = new Set([')', ',', '!', '==', '=', '>', 'in', '<', '!=', 'notin', '(']);
const BINARY = ['=', '==', '!=', 'in', 'notin', '>', '<'];

interface Token {
  /** An operator, `identifier`, `error`, or '' at the end. */
  kind: string;
  text: string;
}

/** Splits a selector into tokens: words, and the longest runs of special characters that are operators. */
const tokensOf = (selector: string): Token[] => {
  const tokens: Token[] = [];
  for (const [, special, word] of selector.matchAll(/\s*(?:([=!(),<>]+)|([^\s=!(),<>]+))/g)) {
    if (word !== undefined) tokens.push({ kind: OPERATORS.has(word) ? word : 'identifier', text: word });
    for (let rest = special ?? ''; rest !== '';) {
      const operator = [rest.slice(0, 2), rest.slice(0, 1)].find((each) => OPERATORS.has(each));
      tokens.push(
        operator === undefined
          ? { kind: 'error', text: `error expected: keyword found '${rest}'` }
          : { kind: operator, text: operator },
      );
      rest = rest.slice(operator?.length ?? rest.length);
    }
  }
  return [...tokens, { kind: '', text: '' }];
};

/** A selector that cannot be parsed; `message` is the API server's. */
class SelectorError extends Error {}

class SelectorParser {
  readonly #tokens: Token[];
  #position = 0;
  constructor(selector: string) {
    this.#tokens = tokensOf(selector);
  }

  parse(): Requirement[] {
    const requirements: Requirement[] = [];
    for (;;) {
      const { kind, text } = this.#next();
      if (kind === '') return requirements;
      if (kind !== 'identifier' && kind !== '!')
        throw new SelectorError(`found '${text}', expected: !, identifier, or 'end of string'`);
      requirements.push(this.#requirement());
      const after = this.#take();
      if (after.kind === '') return requirements;
      if (after.kind !== ',') throw new SelectorError(`found '${after.text}', expected: ',' or 'end of string'`);
      const following = this.#next();
      if (following.kind !== 'identifier' && following.kind !== '!')
        throw new SelectorError(`found '${following.text}', expected: identifier after ','`);
    }
  }

  /** Returns the next token. `in` and `notin` are operators only directly after a key. */
  #next(operators = false): Token {
    const token = this.#tokens[this.#position] ?? { kind: '', text: '' };
    return !operators && (token.kind === 'in' || token.kind === 'notin') ? { ...token, kind: 'identifier' } : token;
  }

  #take(operators = false): Token {
    const token = this.#next(operators);
    this.#position += 1;
    return token;
  }

  #requirement(): Requirement {
    const fail = (message: string): SelectorError => new SelectorError(`unable to parse requirement: ${message}`);
    let token = this.#take();
    const negated = token.kind === '!';
    if (negated) token = this.#take();
    if (token.kind !== 'identifier') throw fail(`found '${token.text}', expected: identifier`);
    const key = token.text;
    const problems = qualifiedNameProblems(key);
    if (problems.length > 0) throw fail(`<nil>: Invalid value: ${JSON.stringify(key)}: ${problems.join('; ')}`);
    const { kind } = this.#next();
    if (negated) return (labels) => labels[key] === undefined;
    if (kind === '' || kind === ',') return (labels) => labels[key] !== undefined;

    const operator = this.#take(true);
    if (!BINARY.includes(operator.kind)) throw fail(`found '${operator.text}', expected: ${BINARY.join(', ')}`);
    const isSet = operator.kind === 'in' || operator.kind === 'notin';
    const values = isSet ? this.#values(fail) : [this.#value(fail)];
    const errors = valueProblems(key, operator.kind, values);
    if (errors.length > 0) throw fail(errors.length === 1 ? errors.join('') : `[${errors.join(', ')}]`);
    return compare(key, operator.kind, values);
  }

  #value(fail: (message: string) => SelectorError): string {
    const { kind } = this.#next();
    if (kind === '' || kind === ',') return '';
    const token = this.#take();
    if (token.kind !== 'identifier') throw fail(`found '${token.text}', expected: identifier`);
    return token.text;
  }

  /** Parses `(a,b)`; an empty place is the empty value. */
  #values(fail: (message: string) => SelectorError): string[] {
    const open = this.#take();
    if (open.kind !== '(') throw fail(`found '${open.text}' expected: '('`);
    const first = this.#next();
    if (first.kind === ')') {
      this.#take();
      return [''];
    }
    if (first.kind !== 'identifier' && first.kind !== ',')
      throw fail(`found '${first.text}', expected: ',', ')' or identifier`);
    const values = new Set<string>();
    for (let previous = ','; ;) {
      const token = this.#take();
      if (token.kind === 'identifier' && previous === ',') values.add(token.text);
      else if (token.kind === 'identifier') throw fail(`found '${token.text}', expected: ',' or ')'`);
      else if ((token.kind === ',' || token.kind === ')') && previous === ',') values.add('');
      else if (token.kind !== ',' && token.kind !== ')') {
        const expected = previous === ',' ? "',', or identifier" : "',' or ')'";
        throw fail(`found '${token.text}', expected: ${expected}`);
      }
      if (token.kind === ')') return [...values].sort();
      previous = token.kind;
    }
  }
}

const valueProblems = (key: string, operator: string, values: readonly string[]): string[] =>
  values.flatMap((value, index) => {
    const shown = JSON.stringify(value);
    const invalid = labelValueProblems(value);
    return [
      ...((operator === '>' || operator === '<') && parseInt64(value) === undefined
        ? [`values[${index}]: Invalid value: ${shown}: for 'Gt', 'Lt' operators, the value must be an integer`]
        : []),
      ...(invalid.length > 0 ? [`values[${index}][${key}]: Invalid value: ${shown}: ${invalid.join('; ')}`] : []),
    ];
  });

const compare = (key: string, operator: string, values: readonly string[]): Requirement => {
  if (operator === '>' || operator === '<') {
    const bound = Number(values[0]);
    return (labels) => {
      const value = parseInt64(labels[key] ?? '');
      return value !== undefined && (operator === '>' ? value > bound : value < bound);
    };
  }
  const wanted = new Set(values);
  const has = (labels: Labels): boolean => labels[key] !== undefined && wanted.has(labels[key]);
  // As in Kubernetes, `notin` and `!=` match objects without the label.
  return operator === 'notin' || operator === '!=' ? (labels) => !has(labels) : has;
};

/**
 * Parses the label selector of a request: equality (`a=b`, `a!=b`), set (`a in (b,c)`, `a notin (b)`), existence (`a`,
 * `!a`) and order (`a>1`), joined by commas.
 */
export const labelSelector = (selector: string): Selector => {
  if (selector === '') return () => true;
  try {
    const wanted = new SelectorParser(selector).parse();
    return ({ metadata }) => wanted.every((requirement) => requirement(metadata.labels ?? {}));
  } catch (error) {
    throw error instanceof SelectorError ? badRequest(error.message) : error;
  }
};
