/**
 * Reads code in Terraform's JSON syntax as the native code that it means, so that the same patchers serve both. A string
 * of JSON is a template; one that is nothing but a template is an expression.
 */
import { type AnyNode, type MemberNode, type ObjectNode, parse, type ValueNode } from '@humanwhocodes/momoa';
import { hclString } from '../../../lambdas/domain/hand-off/formats/hcl.ts';

/** A block of the native code, and the object of JSON that it comes from. */
export interface JsonBlock {
  type: string;
  labels: string[];
  node: ObjectNode;
}

export interface NativeText {
  text: string;
  /** The line in JSON of each line of the native code. */
  lines: number[];
  root: ObjectNode;
  /** In the order of the native code. */
  blocks: JsonBlock[];
}

/** Number of labels of the blocks that are read. What is not among them is never changed. */
const LABELS: Readonly<Record<string, number>> = {
  resource: 2,
  data: 2,
  module: 1,
  variable: 1,
  provider: 1,
  locals: 0,
  terraform: 0,
  import: 0,
  removed: 0,
};

/** Members that are blocks in native code. All others are attributes. */
export const BLOCKS = new Set([
  'condition',
  'content',
  'dynamic',
  'lifecycle',
  'metadata',
  'not_principals',
  'pod_identity_association',
  'principals',
  'required_providers',
  'statement',
  'timeouts',
]);
/** Attributes whose texts are references. */
export const REFERENCES = new Set(['depends_on', 'from', 'ignore_changes', 'provider', 'providers', 'to']);

const isAttribute = (block: string, name: string): boolean =>
  !BLOCKS.has(name) || block === 'module' || block === 'locals';

/** Returns the offset behind the template that begins at an offset; undefined if it does not end. */
function templateEnd(text: string, start: number): number | undefined {
  let depth = 0;
  for (let at = start + 1; at < text.length; at += 1) {
    const character = text[at];
    if (character === '{') depth += 1;
    else if (character === '}') {
      depth -= 1;
      if (depth === 0) return at + 1;
    } else if (character === '"') {
      const end = stringEnd(text, at);
      if (end === undefined) return undefined;
      at = end - 1;
    }
  }
  return undefined;
}

/** Returns the offset behind a quoted string within a template. */
function stringEnd(text: string, start: number): number | undefined {
  for (let at = start + 1; at < text.length; at += 1) {
    const character = text[at];
    if (character === '"') return at + 1;
    if (character === '\\') at += 1;
    else if ((character === '$' || character === '%') && text[at + 1] === '{') {
      if (text[at - 1] === character) continue;
      const end = templateEnd(text, at);
      if (end === undefined) return undefined;
      at = end - 1;
    }
  }
  return undefined;
}

/** Returns a string of JSON as an expression. */
function expressionOf(text: string): string {
  const parts: string[] = [];
  let literal = '';
  const flush = (): void => {
    // The quotes of each part are taken off, so that parts can be joined.
    if (literal !== '') parts.push(hclString(literal).slice(1, -1));
    literal = '';
  };
  for (let at = 0; at < text.length; at += 1) {
    const sign = text[at];
    const opens = (sign === '$' || sign === '%') && text[at + 1] === '{';
    const isDoubled = (sign === '$' || sign === '%') && text[at + 1] === sign && text[at + 2] === '{';
    const end = opens ? templateEnd(text, at) : undefined;
    if (isDoubled) {
      literal += `${sign}{`;
      at += 2;
    } else if (end !== undefined) {
      flush();
      const template = text.slice(at, end);
      if (template.length === text.length && sign === '$' && !/^\$\{\s*~|~\s*\}$/.test(template)) {
        const inner = template.slice(2, -1).trim();
        return inner.includes('\n') ? `(${inner})` : inner;
      }
      parts.push(template);
      at = end - 1;
    } else literal += sign;
  }
  flush();
  return `"${parts.join('')}"`;
}

class Writer {
  private readonly out: string[] = [];
  readonly lines: number[] = [];
  readonly blocks: JsonBlock[] = [];

  get text(): string {
    return `${this.out.join('\n')}\n`;
  }

  private line(text: string, node: AnyNode): void {
    // A template may have several lines.
    for (const one of text.split('\n')) {
      this.out.push(one);
      this.lines.push(node.loc.start.line);
    }
  }

  /** Writes the value of an attribute; `prefix` is what belongs before it, and `suffix` behind it. */
  private value(prefix: string, value: ValueNode, suffix: string, isReference: boolean): void {
    if (value.type === 'Object') {
      this.line(`${prefix}{`, value);
      for (const { name, value: inner } of membersOf(value))
        this.value(`${expressionOf(name)} = `, inner, '', isReference);
      this.line(`}${suffix}`, value);
    } else if (value.type === 'Array') {
      this.line(`${prefix}[`, value);
      for (const { value: item } of value.elements) this.value('', item, ',', isReference);
      this.line(`]${suffix}`, value);
    } else if (value.type === 'String')
      this.line(`${prefix}${isReference ? value.value : expressionOf(value.value)}${suffix}`, value);
    else this.line(`${prefix}${'value' in value ? String(value.value) : 'null'}${suffix}`, value);
  }

  private body(block: string, node: ObjectNode): void {
    for (const { name, value, member } of membersOf(node)) {
      if (name === '//' || !/^[A-Za-z_][\w-]*$/.test(name)) continue;
      if (isAttribute(block, name)) this.value(`${name} = `, value, '', REFERENCES.has(name));
      else if (name === 'dynamic') this.dynamic(value);
      else for (const inner of objectsOf(value)) this.block(name, [], inner, member);
    }
  }

  private dynamic(value: ValueNode): void {
    for (const object of objectsOf(value))
      for (const { name, value: inner, member } of membersOf(object))
        for (const one of objectsOf(inner)) this.block('dynamic', [name], one, member);
  }

  private block(type: string, labels: readonly string[], node: ObjectNode, at: AnyNode): void {
    this.line([type, ...labels.map(hclString), '{'].join(' '), at);
    this.body(type, node);
    this.line('}', at);
  }

  /** Writes the blocks below a member of the file, which have as many labels as are left. */
  top(type: string, labels: string[], count: number, value: ValueNode, at: AnyNode): void {
    for (const object of objectsOf(value)) {
      if (labels.length === count) {
        this.blocks.push({ type, labels, node: object });
        this.block(type, labels, object, at);
        continue;
      }
      for (const { name, value: inner, member } of membersOf(object))
        if (name !== '//') this.top(type, [...labels, name], count, inner, member);
    }
  }
}

/** Returns the members of an object with their names. */
export const membersOf = (object: ObjectNode): { name: string; value: ValueNode; member: MemberNode }[] =>
  object.members.map((member) => ({
    name: member.name.type === 'String' ? member.name.value : member.name.name,
    value: member.value,
    member,
  }));

/** Returns an object, or those of a list: both mean blocks. */
const objectsOf = (value: ValueNode): ObjectNode[] =>
  value.type === 'Object'
    ? [value]
    : value.type === 'Array'
      ? value.elements.flatMap(({ value: item }) => (item.type === 'Object' ? [item] : []))
      : [];

/** Returns the root of JSON text. Throws an error with its `line` if the text is no JSON, or no object. */
export function rootOf(text: string): ObjectNode {
  const { body } = parse(text, { mode: 'json', ranges: true });
  if (body.type !== 'Object') throw Object.assign(new Error('The file is no JSON object.'), { line: 1 });
  return body;
}

/** Returns the native code of a file in JSON syntax. Throws an error with its `line` if the text is no JSON. */
export function nativeOf(text: string): NativeText {
  const root = rootOf(text);
  const writer = new Writer();
  for (const { name, value, member } of membersOf(root)) {
    const count = LABELS[name];
    if (count !== undefined) writer.top(name, [], count, value, member);
  }
  return { text: writer.text, lines: writer.lines, root, blocks: writer.blocks };
}
