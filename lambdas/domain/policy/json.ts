/**
 * Reads JSON (RFC 8259) that was written by hand. Unlike JSON.parse, which silently keeps the last of several equal
 * keys, it refuses duplicate keys, and it reports the position of an error. Objects become Maps, so that `__proto__` is a
 * key like any other. IAM also refuses a policy with duplicate keys (IAM User Guide, "Grammar of the IAM JSON policy
 * language", notes).
 */
export type Json = string | number | boolean | null | Json[] | Map<string, Json>;

/** What is wrong with a text, and where. Lines and columns count from 1. The message quotes nothing but a key. */
export interface JsonProblem {
  ok: false;
  line: number;
  column: number;
  message: string;
  /** The path of a duplicate key: names, and positions in lists. */
  twice?: (string | number)[];
}
export type ReadJson = { ok: true; value: Json } | JsonProblem;

/** Policies, requests and scenarios need a dozen levels at most. Deeper texts are refused before the stack overflows. */
const MAX_DEPTH = 32;

const literals: readonly [string, boolean | null][] = [
  ['true', true],
  ['false', false],
  ['null', null],
];

class SyntaxProblem extends Error {
  readonly offset: number;
  readonly twice: (string | number)[] | undefined;
  constructor(offset: number, message: string, twice?: (string | number)[]) {
    super(message);
    this.offset = offset;
    this.twice = twice;
  }
}

class Reader {
  private at = 0;
  /** Path of the value that is being read. */
  private readonly path: (string | number)[] = [];
  private readonly text: string;

  constructor(text: string) {
    this.text = text;
  }

  document(): Json {
    const value = this.value(0);
    this.skipSpace();
    if (this.at < this.text.length) throw this.problem('nothing may follow the end of the document');
    return value;
  }

  private problem(message: string, offset = this.at): SyntaxProblem {
    return new SyntaxProblem(offset, offset >= this.text.length ? 'the text ends too early' : message);
  }

  private skipSpace(): void {
    while (' \t\n\r'.includes(this.text[this.at] ?? 'x')) this.at += 1;
  }

  /** Returns the next character that is not white space, without consuming it. */
  private peek(): string | undefined {
    this.skipSpace();
    return this.text[this.at];
  }

  private take(character: string): boolean {
    if (this.peek() !== character) return false;
    this.at += 1;
    return true;
  }

  private value(depth: number): Json {
    const next = this.peek();
    if (depth >= MAX_DEPTH && (next === '{' || next === '['))
      throw this.problem(`nested deeper than ${MAX_DEPTH} levels`);
    if (next === '{') return this.object(depth + 1);
    if (next === '[') return this.array(depth + 1);
    if (next === '"') return this.string();
    const literal = literals.find(([word]) => this.text.startsWith(word, this.at));
    if (!literal) return this.number();
    this.at += literal[0].length;
    return literal[1];
  }

  private inner(location: string | number, depth: number): Json {
    this.path.push(location);
    const value = this.value(depth);
    this.path.pop();
    return value;
  }

  private object(depth: number): Json {
    const entries = new Map<string, Json>();
    this.at += 1;
    if (this.take('}')) return entries;
    do {
      if (this.peek() !== '"') throw this.problem('expected a key in double quotes');
      const start = this.at;
      const key = this.string();
      if (entries.has(key))
        throw new SyntaxProblem(start, `the key ${JSON.stringify(key.slice(0, 100))} occurs twice`, [
          ...this.path,
          key,
        ]);
      if (!this.take(':')) throw this.problem('expected a colon');
      entries.set(key, this.inner(key, depth));
    } while (this.take(','));
    if (!this.take('}')) throw this.problem('expected a comma or the end of the object');
    return entries;
  }

  private array(depth: number): Json {
    const items: Json[] = [];
    this.at += 1;
    if (this.take(']')) return items;
    do items.push(this.inner(items.length, depth));
    while (this.take(','));
    if (!this.take(']')) throw this.problem('expected a comma or the end of the list');
    return items;
  }

  private string(): string {
    const start = this.at;
    // All characters except quotes, backslashes and control characters.
    const ordinary = /[ !#-[\]-\uffff]*/y;
    for (ordinary.lastIndex = start + 1; ; ordinary.lastIndex = this.at) {
      ordinary.exec(this.text);
      this.at = ordinary.lastIndex + 1;
      const character = this.text[ordinary.lastIndex];
      if (character === '"') break;
      if (character !== '\\') throw this.problem('a control character in a string must be escaped', ordinary.lastIndex);
      this.escape();
    }
    return JSON.parse(this.text.slice(start, this.at)) as string;
  }

  /** Reads the rest of an escape sequence, after the backslash. */
  private escape(): void {
    const escape = /["\\/bfnrt]|u[0-9a-fA-F]{4}/y;
    escape.lastIndex = this.at;
    if (!escape.test(this.text)) throw this.problem('invalid escape sequence in a string');
    this.at = escape.lastIndex;
  }

  private number(): number {
    const number = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:e[+-]?\d+)?/iy;
    number.lastIndex = this.at;
    const found = number.exec(this.text)?.[0];
    if (found === undefined) throw this.problem('expected a value');
    this.at += found.length;
    return Number(found);
  }
}

/** Reads a JSON text. Never throws. */
export function readJson(text: string): ReadJson {
  try {
    return { ok: true, value: new Reader(text).document() };
  } catch (error) {
    if (!(error instanceof SyntaxProblem)) throw error;
    const before = text.slice(0, error.offset).split('\n');
    return {
      ok: false,
      line: before.length,
      column: (before.at(-1)?.length ?? 0) + 1,
      message: error.message,
      ...(error.twice ? { twice: error.twice } : {}),
    };
  }
}
