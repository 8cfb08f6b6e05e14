/**
 * Reads the HCL that the formats write, strictly and independently of their code: blocks, attributes, texts, numbers,
 * lists, objects and references. It throws at anything else, also at a template in a text. CI reads the same code with
 * python-hcl2 (scripts/check-hand-off.sh).
 */
export type Value = string | number | boolean | null | Reference | Value[] | Map<string, Value>;
export interface Reference {
  reference: string;
}
export interface ReadBlock {
  type: string;
  labels: string[];
  attributes: Map<string, Value>;
  blocks: ReadBlock[];
}

const TOKEN =
  /(?<space>[ ]+)|(?<comment>#[^\n]*)|(?<text>"(?:[^"\\\n]|\\.)*")|(?<word>[A-Za-z_][\w.-]*)|(?<number>-?\d[\d.eE+-]*)|(?<sign>[{}[\]=,\n])/y;

interface Token {
  kind: string;
  text: string;
}

function tokensOf(code: string): Token[] {
  const tokens: Token[] = [];
  TOKEN.lastIndex = 0;
  for (let at = 0; at < code.length; at = TOKEN.lastIndex) {
    const match = TOKEN.exec(code);
    if (!match) throw new Error(`Not HCL at ${at}: ${JSON.stringify(code.slice(at, at + 40))}`);
    const [kind = '', text = ''] = Object.entries(match.groups ?? {}).find(([, group]) => group !== undefined) ?? [];
    if (kind !== 'space' && kind !== 'comment') tokens.push({ kind, text });
  }
  return tokens;
}

const SIMPLE: Readonly<Record<string, string>> = { n: '\n', r: '\r', t: '\t', '"': '"', '\\': '\\' };

/** Source: HCL Native Syntax Specification, "Template Expressions". */
function textOf(quoted: string): string {
  let text = '';
  const inner = quoted.slice(1, -1);
  const part = /\\(?:u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|(.))|(\$\$\{|%%\{)|(\$\{|%\{)|([^\\])/gsuy;
  for (let at = 0; at < inner.length; at = part.lastIndex) {
    const match = part.exec(inner);
    if (!match) throw new Error(`No escape of HCL: ${quoted}`);
    const [, short, long, simple, escaped, template, plain] = match;
    if (template !== undefined) throw new Error(`A template: ${quoted}`);
    if (simple !== undefined && SIMPLE[simple] === undefined) throw new Error(`No escape of HCL: ${quoted}`);
    const hex = short ?? long;
    text +=
      hex === undefined
        ? ((simple === undefined ? undefined : SIMPLE[simple]) ?? escaped?.slice(1) ?? plain ?? '')
        : String.fromCodePoint(Number.parseInt(hex, 16));
  }
  return text;
}

class Reader {
  #at = 0;
  readonly #tokens: Token[];
  constructor(code: string) {
    this.#tokens = tokensOf(code);
  }

  body(end: string | undefined): Pick<ReadBlock, 'attributes' | 'blocks'> {
    const attributes = new Map<string, Value>();
    const blocks: ReadBlock[] = [];
    for (;;) {
      this.#lines();
      const token = this.#next();
      if (token?.text === end) return { attributes, blocks };
      if (token?.kind !== 'word') throw new Error(`No name: ${token?.text}`);
      if (this.#peek()?.text === '=') {
        this.#next();
        if (attributes.has(token.text)) throw new Error(`Twice: ${token.text}`);
        attributes.set(token.text, this.#value());
      } else blocks.push(this.#block(token.text));
      if (!['\n', undefined].includes(this.#peek()?.text)) throw new Error(`No end of line after ${token.text}`);
    }
  }

  #block(type: string): ReadBlock {
    const labels: string[] = [];
    for (let token = this.#next(); token?.text !== '{'; token = this.#next()) {
      if (token?.kind !== 'text') throw new Error(`No label: ${token?.text}`);
      labels.push(textOf(token.text));
    }
    if (this.#next()?.text !== '\n') throw new Error('A block must begin with a line break.');
    return { type, labels, ...this.body('}') };
  }

  #value(): Value {
    const token = this.#next();
    if (token?.kind === 'text') return textOf(token.text);
    if (token?.kind === 'number') return Number(token.text);
    if (token?.kind === 'word') {
      const literal = { true: true, false: false, null: null }[token.text];
      return literal === undefined ? { reference: token.text } : literal;
    }
    if (token?.text === '[') return this.#list();
    if (token?.text === '{') return this.#object();
    throw new Error(`No value: ${token?.text}`);
  }

  #list(): Value[] {
    const list: Value[] = [];
    for (;;) {
      this.#lines();
      if (this.#peek()?.text === ']') break;
      list.push(this.#value());
      this.#lines();
      if (this.#peek()?.text !== ',') break;
      this.#next();
    }
    this.#lines();
    if (this.#next()?.text !== ']') throw new Error('No end of list');
    return list;
  }

  #object(): Map<string, Value> {
    const object = new Map<string, Value>();
    for (;;) {
      this.#lines();
      const key = this.#next();
      if (key?.text === '}') return object;
      if (key?.kind !== 'word' && key?.kind !== 'text') throw new Error(`No key: ${key?.text}`);
      if (this.#next()?.text !== '=') throw new Error(`No value for ${key.text}`);
      object.set(key.kind === 'text' ? textOf(key.text) : key.text, this.#value());
    }
  }

  #peek = (): Token | undefined => this.#tokens[this.#at];
  #next = (): Token | undefined => this.#tokens[this.#at++];
  #lines(): void {
    while (this.#peek()?.text === '\n') this.#at += 1;
  }
}

/** Returns the blocks of a file. Throws if it is not HCL, or has an attribute outside of a block. */
export function readHcl(code: string): ReadBlock[] {
  const { attributes, blocks } = new Reader(code).body(undefined);
  if (attributes.size > 0) throw new Error('An attribute outside of a block');
  return blocks;
}

/** Returns a JSON value as `readHcl` returns it. */
export const asRead = (value: unknown): Value =>
  Array.isArray(value)
    ? value.map(asRead)
    : typeof value === 'object' && value !== null
      ? new Map(Object.entries(value).map(([name, inner]) => [name, asRead(inner)]))
      : (value as Value);
