/** Parses JSON like Go (encoding/json and sigs.k8s.io/json): its messages for bad syntax, and duplicate fields. */

/** Bad syntax, with Go's message. */
export class GoSyntaxError extends Error {}

export interface ParsedJson {
  value: unknown;
  /** Paths of fields that an object has twice, such as `spec.replicas`. */
  duplicates: string[];
}

const NUMBER = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y;
/** A string; control characters, which must be escaped, are the characters below a space. */
const STRING = /"(?:(?!["\\])[ -\u{10FFFF}]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*"/uy;

class Parser {
  readonly duplicates: string[] = [];
  readonly #text: string;
  #at = 0;
  constructor(text: string) {
    this.#text = text;
  }

  parse(): unknown {
    const value = this.#value('');
    this.#space();
    if (this.#at < this.#text.length) this.#fail('after top-level value');
    return value;
  }

  #space(): void {
    while (' \t\r\n'.includes(this.#text[this.#at] ?? 'x')) this.#at += 1;
  }

  #fail(context: string): never {
    const character = this.#text[this.#at];
    if (character === undefined) throw new GoSyntaxError('unexpected end of JSON input');
    const shown =
      character === "'" ? String.raw`'\''` : character === '"' ? `'"'` : `'${JSON.stringify(character).slice(1, -1)}'`;
    throw new GoSyntaxError(`invalid character ${shown} ${context}`);
  }

  #value(path: string): unknown {
    this.#space();
    const character = this.#text[this.#at];
    if (character === '{') return this.#object(path);
    if (character === '[') return this.#array(path);
    if (character === '"') return this.#string();
    if (character !== undefined && /[-\d]/.test(character)) return this.#number();
    for (const [word, value] of [
      ['true', true],
      ['false', false],
      ['null', null],
    ] as const)
      if (character === word[0]) return this.#literal(word, value);
    return this.#fail('looking for beginning of value');
  }

  #literal(word: string, value: unknown): unknown {
    for (const expected of word) {
      if (this.#text[this.#at] !== expected) this.#fail(`in literal ${word} (expecting '${expected}')`);
      this.#at += 1;
    }
    return value;
  }

  #number(): number {
    NUMBER.lastIndex = this.#at;
    const [text] = NUMBER.exec(this.#text) ?? [];
    if (text === undefined) {
      this.#at += 1;
      this.#fail('in numeric literal');
    }
    this.#at += text.length;
    return Number(text);
  }

  #string(): string {
    STRING.lastIndex = this.#at;
    const [text] = STRING.exec(this.#text) ?? [];
    if (text !== undefined) {
      this.#at += text.length;
      return JSON.parse(text) as string;
    }
    for (this.#at += 1; this.#at < this.#text.length; this.#at += 1) {
      const character = this.#text[this.#at] ?? '';
      if (character < ' ') this.#fail('in string literal');
      if (character !== '\\') continue;
      this.#at += 1;
      if (!/["\\/bfnrtu]/.test(this.#text[this.#at] ?? '"')) this.#fail('in string escape code');
    }
    return this.#fail('in string literal');
  }

  #object(path: string): Record<string, unknown> {
    const object: Record<string, unknown> = {};
    this.#at += 1;
    this.#space();
    if (this.#text[this.#at] === '}') {
      this.#at += 1;
      return object;
    }
    for (;;) {
      this.#space();
      if (this.#text[this.#at] !== '"') this.#fail('looking for beginning of object key string');
      const key = this.#string();
      const at = path === '' ? key : `${path}.${key}`;
      if (Object.hasOwn(object, key)) this.duplicates.push(at);
      this.#space();
      if (this.#text[this.#at] !== ':') this.#fail('after object key');
      this.#at += 1;
      // Defined rather than assigned: a key can be `__proto__`.
      Object.defineProperty(object, key, {
        value: this.#value(at),
        enumerable: true,
        writable: true,
        configurable: true,
      });
      this.#space();
      const next = this.#text[this.#at];
      if (next !== ',' && next !== '}') this.#fail('after object key:value pair');
      this.#at += 1;
      if (next === '}') return object;
    }
  }

  #array(path: string): unknown[] {
    const list: unknown[] = [];
    this.#at += 1;
    this.#space();
    if (this.#text[this.#at] === ']') {
      this.#at += 1;
      return list;
    }
    for (;;) {
      list.push(this.#value(`${path}[${list.length}]`));
      this.#space();
      const next = this.#text[this.#at];
      if (next !== ',' && next !== ']') this.#fail('after array element');
      this.#at += 1;
      if (next === ']') return list;
    }
  }
}

/** Parses a JSON document. Throws GoSyntaxError if it is not valid. */
export const parseGoJson = (text: string): ParsedJson => {
  const parser = new Parser(text);
  return { value: parser.parse(), duplicates: parser.duplicates };
};
