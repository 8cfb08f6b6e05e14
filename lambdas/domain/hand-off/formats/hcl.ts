/** Writes HCL, the language of Terraform and OpenTofu. Texts from the account are untrusted: each is quoted or escaped. */
import { isPrintable } from '../../text/text.ts';

/** An expression, such as a reference. */
export class Expression {
  readonly text: string;
  constructor(text: string) {
    this.text = text;
  }
}
export type Hcl = string | number | boolean | null | Expression | readonly Hcl[] | { readonly [name: string]: Hcl };

const ESCAPES: Readonly<Record<string, string>> = {
  '\\': String.raw`\\`,
  '"': String.raw`\"`,
  '\n': String.raw`\n`,
  '\r': String.raw`\r`,
  '\t': String.raw`\t`,
};

/** What most texts with `${` are: a variable of a policy. */
const VARIABLE = /^[$%]\{[\w:/.-]+\}/;

/**
 * Returns a quoted text. `${` and `%{` begin a template. In a variable such as `${aws:username}`, the first character is
 * doubled, as people write it. Elsewhere it is written as its number, because parsers differ in what they read as the end
 * of a template.
 */
export const hclString = (text: string): string => {
  const characters = Array.from(text);
  return `"${characters
    .map((character, at) => {
      if ((character === '$' || character === '%') && characters[at + 1] === '{')
        return characters[at - 1] !== character && VARIABLE.test(characters.slice(at, at + LONGEST_VARIABLE).join(''))
          ? character + character
          : numbered(character);
      return ESCAPES[character] ?? (isPrintable(character) ? character : numbered(character));
    })
    .join('')}"`;
};
const LONGEST_VARIABLE = 200;

function numbered(character: string): string {
  const code = character.codePointAt(0) ?? 0;
  const hex = code.toString(16).toUpperCase();
  return code > 0xffff ? `\\U${hex.padStart(8, '0')}` : `\\u${hex.padStart(4, '0')}`;
}

const IDENTIFIER = /^[A-Za-z_][A-Za-z0-9_-]*$/;
/** Words that mean something else as the key of an object. */
const KEYWORDS = new Set(['true', 'false', 'null', 'for', 'if', 'in']);

const hclKey = (name: string): string => (IDENTIFIER.test(name) && !KEYWORDS.has(name) ? name : hclString(name));

/** Returns a function that makes valid labels of resources from names, and returns no label twice. */
export function uniqueLabels(): (...names: string[]) => string {
  const used = new Set<string>();
  return (...names) => {
    const plain = names
      .join('_')
      .toLowerCase()
      .replaceAll(/[^a-z0-9]+/g, '_')
      .replaceAll(/^_|_$/g, '');
    const wanted = /^[a-z]/.test(plain) ? plain : `_${plain}`;
    let label = wanted;
    for (let number = 2; used.has(label); number += 1) label = `${wanted}_${number}`;
    used.add(label);
    return label;
  };
}

const SHORT_LIST = 60;
const indented = (lines: readonly string[]): string[] => lines.map((line) => (line === '' ? '' : `  ${line}`));

/** Returns the lines of a value. The first one belongs after `name = `. */
export function valueLines(value: Hcl): string[] {
  if (typeof value === 'string') return [hclString(value)];
  if (value instanceof Expression) return [value.text];
  if (typeof value !== 'object' || value === null) return [String(value)];
  if (isList(value)) return listLines(value);
  const entries = Object.entries(value);
  if (entries.length === 0) return ['{}'];
  return ['{', ...indented(attributeLines(entries.map(([name, inner]) => [hclKey(name), inner]))), '}'];
}
/** `Array.isArray` does not narrow a read-only array. */
const isList = (value: Hcl): value is readonly Hcl[] => Array.isArray(value);

function listLines(list: readonly Hcl[]): string[] {
  const items = list.map(valueLines);
  const line = `[${items.map(([first]) => first).join(', ')}]`;
  if (items.length === 0 || (line.length <= SHORT_LIST && items.every((lines) => lines.length === 1))) return [line];
  return ['[', ...indented(items.flatMap((lines) => [...lines.slice(0, -1), `${lines.at(-1)},`])), ']'];
}

/** Returns the number of characters; `length` counts some of them twice. */
const lengthOf = (text: string): number => Array.from(text).length;

/** Returns the lines of attributes. Consecutive ones of one line each are aligned, as `terraform fmt` does. */
function attributeLines(attributes: readonly (readonly [string, Hcl])[]): string[] {
  let group: { name: string; lines: string[] }[] = [];
  const groups = [group];
  for (const [name, value] of attributes) {
    const lines = valueLines(value);
    if (lines.length === 1) group.push({ name, lines });
    else groups.push([{ name, lines }], (group = []));
  }
  return groups.flatMap((aligned) => {
    const width = Math.max(0, ...aligned.map(({ name }) => lengthOf(name)));
    return aligned.flatMap(({ name, lines: [first, ...rest] }) => [
      `${name}${' '.repeat(width - lengthOf(name))} = ${first}`,
      ...rest,
    ]);
  });
}

/** A block: attributes, then blocks inside it. */
export interface Block {
  /** Its type and labels, for example `['resource', 'aws_eks_addon', 'this']`. */
  head: readonly [string, ...string[]];
  /** Undefined attributes are left out. */
  attributes?: Readonly<Record<string, Hcl | undefined>>;
  /** Comment lines before the attributes. */
  comments?: readonly string[];
  blocks?: readonly Block[];
}

/** Returns the lines of a block. */
export function blockLines({ head: [type, ...labels], attributes = {}, comments = [], blocks = [] }: Block): string[] {
  const entries = Object.entries(attributes).flatMap(([name, value]) =>
    value === undefined ? [] : [[name, value] as const],
  );
  const parts = [[...comments, ...attributeLines(entries)], ...blocks.map(blockLines)].filter(
    (lines) => lines.length > 0,
  );
  return [
    [type, ...labels.map(hclString), '{'].join(' '),
    ...indented(parts.flatMap((lines, at) => (at === 0 ? lines : ['', ...lines]))),
    '}',
  ];
}
