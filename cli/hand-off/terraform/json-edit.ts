/** Writes changes of native code back into the JSON that it comes from. What has not changed stays as it is. */
import type { MemberNode, ObjectNode, ValueNode } from '@humanwhocodes/momoa';
import { isDeepStrictEqual } from 'node:util';
import { type JsonBlock, membersOf, type NativeText, REFERENCES, rootOf } from './json-native.ts';
import { type Block, type Body, type Expression, type ParsedFile, textOf } from './syntax.ts';

export type Json = string | number | boolean | null | Json[] | { [name: string]: Json };

const templateOf = (file: ParsedFile, expression: Expression): string => {
  const source = textOf(file, expression);
  return /^[$%]\{/.test(source) ? source : `\${${source}}`;
};

/** Returns an expression in JSON syntax. */
function valueOf(file: ParsedFile, expression: Expression, isReference: boolean): Json {
  if (expression.kind === 'object')
    return Object.fromEntries(
      expression.entries.map(({ name, key, value }) => [
        name ?? templateOf(file, key),
        valueOf(file, value, isReference),
      ]),
    );
  if (expression.kind === 'list') return expression.items.map((item) => valueOf(file, item, isReference));
  if (expression.kind === 'literal') return expression.value;
  if (expression.kind === 'string')
    return expression.parts
      .map((part) => (typeof part === 'string' ? part.replaceAll(/[$%](?=\{)/g, '$&$&') : templateOf(file, part)))
      .join('');
  return isReference ? textOf(file, expression) : templateOf(file, expression);
}

/** Returns a body in JSON syntax: blocks are lists by their type. */
function bodyOf(file: ParsedFile, { elements }: Body): Record<string, Json> {
  const body: Record<string, Json> = {};
  for (const element of elements) {
    if (element.is === 'attribute') {
      body[element.name] = valueOf(file, element.value, REFERENCES.has(element.name));
      continue;
    }
    const [label, ...labels] = element.labels;
    const inner = bodyOf(file, element.body);
    const list = (body[element.type] ??= []);
    // Only `dynamic` has a label within a body.
    if (Array.isArray(list)) list.push(label === undefined ? inner : { [[label, ...labels].join('.')]: inner });
  }
  return body;
}

const isObject = (value: Json): value is Record<string, Json> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** Rebuilds a file. */
class Rebuilder {
  private readonly text: string;
  private readonly newline: string;
  /** Bodies that change, by the object that they come from: what they were, and what they are. Undefined: it is removed. */
  private readonly changes: ReadonlyMap<ObjectNode, { before: Json; after: Json | undefined }>;

  constructor(text: string, changes: Rebuilder['changes']) {
    this.text = text;
    this.newline = text.includes('\r\n') ? '\r\n' : '\n';
    this.changes = changes;
  }

  /** Returns the text of a value in which bodies may change; undefined if nothing is left of it. */
  walk(node: ValueNode): string | undefined {
    if (node.type === 'Object') {
      const change = this.changes.get(node);
      if (change !== undefined)
        return change.after === undefined ? undefined : this.changed(node, change.before, change.after);
      const members = node.members.map((member) => ({ member, text: this.member(member, this.walk(member.value)) }));
      const isEmptied = members.length > 0 && members.every(({ text }) => text === undefined);
      return isEmptied ? undefined : this.object(node, members);
    }
    if (node.type !== 'Array') return this.source(node);
    const items = node.elements.map(({ value }) => ({ value, text: this.walk(value) }));
    const kept = items.filter(({ text }) => text !== undefined);
    if (kept.length === items.length)
      return this.list(
        node,
        items.map(({ text }) => text ?? ''),
      );
    return kept.length === 0
      ? undefined
      : this.list(
          node,
          kept.map(({ text }) => text ?? ''),
        );
  }

  /** Returns the text of a value that changes. */
  private changed(node: ValueNode, before: Json, after: Json): string {
    if (isDeepStrictEqual(before, after)) return this.source(node);
    if (node.type === 'Object' && isObject(before) && isObject(after)) return this.changedObject(node, before, after);
    // One block may be written without a list.
    if (node.type === 'Object' && Array.isArray(before) && Array.isArray(after) && after.length === 1)
      return this.changed(node, before[0] ?? null, after[0] ?? null);
    if (node.type === 'Array' && Array.isArray(before) && Array.isArray(after)) {
      const texts = after.map((item, index) => {
        const same = before.findIndex((one) => isDeepStrictEqual(one, item));
        const element = node.elements[same < 0 ? index : same]?.value;
        const former = before[same < 0 ? index : same];
        const isNew = element === undefined || former === undefined || (same < 0 && after.length !== before.length);
        return isNew ? this.fresh(item, this.indentOf(node) + this.step()) : this.changed(element, former, item);
      });
      return this.list(node, texts);
    }
    return this.fresh(after, this.indentOf(node));
  }

  private changedObject(node: ObjectNode, before: Record<string, Json>, after: Record<string, Json>): string {
    const added = Object.keys(after).filter((name) => !(name in before));
    const indent = this.indentOf(node) + this.step();
    const fresh = (name: string): string => `${JSON.stringify(name)}: ${this.fresh(after[name] ?? null, indent)}`;
    const members = membersOf(node).map(({ name, value, member }) => {
      const [former, now] = [before[name], after[name]];
      if (name === '//' || former === undefined) return { member, text: this.source(member) };
      if (now !== undefined) return { member, text: this.member(member, this.changed(value, former, now)) };
      // What is new takes the place of what is gone.
      const next = added.shift();
      return { member, text: next === undefined ? undefined : fresh(next) };
    });
    return this.object(node, members, added.map(fresh));
  }

  private member(member: MemberNode, value: string | undefined): string | undefined {
    return value === undefined ? undefined : this.text.slice(startOf(member), startOf(member.value)) + value;
  }

  private source(node: ValueNode | MemberNode): string {
    return this.text.slice(startOf(node), endOf(node));
  }

  /** Returns an object with these members; undefined if none is left of those that it had. */
  private object(
    node: ObjectNode,
    members: readonly { member: MemberNode; text: string | undefined }[],
    added: readonly string[] = [],
  ): string {
    const kept = members.flatMap(({ member, text }) => (text === undefined ? [] : [{ member, text }]));
    if (kept.length === 0 && added.length === 0) return '{}';
    const [first] = node.members;
    const open = startOf(node);
    const gap =
      first === undefined
        ? this.newline + this.indentOf(node) + this.step()
        : this.text.slice(open + 1, startOf(first));
    const texts = [...kept.map(({ text }) => text), ...added];
    const last = node.members.at(-1);
    const close =
      last === undefined ? this.newline + this.indentOf(node) : this.text.slice(endOf(last), endOf(node) - 1);
    return `{${gap}${texts.join(`,${gap}`)}${close}}`;
  }

  private list(node: ValueNode & { type: 'Array' }, texts: readonly string[]): string {
    const [first, last] = [node.elements[0], node.elements.at(-1)];
    if (texts.length === 0) return '[]';
    const gap = first === undefined ? '' : this.text.slice(startOf(node) + 1, startOf(first.value));
    const close = last === undefined ? '' : this.text.slice(endOf(last.value), endOf(node) - 1);
    const between = node.elements[1];
    const inner =
      between === undefined || first === undefined
        ? gap || ' '
        : this.text.slice(endOf(first.value) + 1, startOf(between.value));
    return `[${gap}${texts.join(`,${inner}`)}${close}]`;
  }

  /** Returns new JSON at an indentation. */
  fresh(value: Json, indent: string): string {
    return JSON.stringify(value, null, this.step()).replaceAll('\n', `${this.newline}${indent}`);
  }

  /** Returns where a member is added to an object, and its text. */
  newMember(node: ObjectNode, name: string, value: Json): [number, string] {
    const indent = this.indentOf(node) + this.step();
    const text = `${this.newline}${indent}${JSON.stringify(name)}: ${this.fresh(value, indent)}`;
    const last = node.members.at(-1);
    return last === undefined
      ? [startOf(node) + 1, `${text}${this.newline}${this.indentOf(node)}`]
      : [endOf(last), `,${text}`];
  }

  /** Returns where an item is added to a list, and its text. */
  newItem(node: ValueNode & { type: 'Array' }, value: Json): [number, string] {
    const indent = this.indentOf(node) + this.step();
    const last = node.elements.at(-1);
    return last === undefined
      ? [startOf(node) + 1, this.fresh(value, this.indentOf(node))]
      : [endOf(last.value), `, ${this.fresh(value, indent)}`];
  }

  private indentOf(node: ValueNode): string {
    const line = this.text.lastIndexOf('\n', startOf(node)) + 1;
    return /^[ \t]*/.exec(this.text.slice(line))?.[0] ?? '';
  }

  /** Returns one level of indentation, as the file has it. */
  step(): string {
    return /\n([ \t]+)/.exec(this.text)?.[1] ?? '  ';
  }
}

const startOf = (node: { loc: { start: { offset: number } } }): number => node.loc.start.offset;
const endOf = (node: { loc: { end: { offset: number } } }): number => node.loc.end.offset;

/** Returns the top-level blocks of native code. */
const blocksOf = ({ body }: ParsedFile): Block[] => body.elements.filter((element) => element.is === 'block');

const isSame = (block: Block, { type, labels }: JsonBlock): boolean =>
  block.type === type && isDeepStrictEqual(block.labels, labels);

/**
 * Returns the JSON text after a change of the native code that it means; undefined if the change has a form that JSON
 * does not take. `before` and `after` are the native code.
 */
export function rewritten(text: string, native: NativeText, before: ParsedFile, after: ParsedFile): string | undefined {
  const changes = new Map<ObjectNode, { before: Json; after: Json | undefined }>();
  const rest = blocksOf(after);
  for (const [index, former] of blocksOf(before).entries()) {
    const origin = native.blocks[index];
    if (origin === undefined || !isSame(former, origin)) return undefined;
    const at = rest.findIndex((block) => isSame(block, origin));
    const [block] = at < 0 ? [] : rest.splice(at, 1);
    const [was, is] = [bodyOf(before, former.body), block && bodyOf(after, block.body)];
    if (is === undefined || !isDeepStrictEqual(was, is)) changes.set(origin.node, { before: was, after: is });
  }
  const root = new Rebuilder(text, changes).walk(native.root) ?? '{}';
  let result: string | undefined = text.slice(0, startOf(native.root)) + root + text.slice(endOf(native.root));
  for (const block of rest)
    result = result === undefined ? undefined : withBlock(result, block, bodyOf(after, block.body));
  return result;
}

/** Adds a top-level block, such as `removed`; returns undefined where lists of the file leave open to which part. */
function withBlock(text: string, { type, labels }: Block, body: Json): string | undefined {
  const rebuilder = new Rebuilder(text, new Map());
  const insert = (at: number, added: string): string => text.slice(0, at) + added + text.slice(at);
  let node = rootOf(text);
  let value = labels.length === 0 ? [body] : body;
  const path = [type, ...labels];
  for (const [depth, name] of path.entries()) {
    const found = membersOf(node).find((member) => member.name === name)?.value;
    if (found === undefined) {
      for (const label of path.slice(depth + 1).toReversed()) value = { [label]: value };
      return insert(...rebuilder.newMember(node, name, value));
    }
    if (found.type === 'Object' && depth < path.length - 1) node = found;
    else return found.type === 'Array' && labels.length === 0 ? insert(...rebuilder.newItem(found, body)) : undefined;
  }
  return undefined;
}
