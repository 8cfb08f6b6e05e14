/** Converts the expressions of tree-sitter's trees. */
import type { Node } from 'web-tree-sitter';
import { heredocParts, unescape } from './strings.ts';
import type { Expression, ObjectEntry, PathElement, TemplatePart } from './syntax.ts';

const spanOf = (node: Node) => ({
  start: node.startIndex,
  end: node.endIndex,
  line: node.startPosition.row + 1,
});

/** Returns the children apart from comments, which the grammar allows everywhere. */
export const childrenOf = (node: Node): Node[] =>
  node.children.filter((child): child is Node => child !== null && child.type !== 'comment');

const first = (node: Node, type: string): Node | undefined => childrenOf(node).find((child) => child.type === type);
const all = (node: Node, type: string): Node[] => childrenOf(node).filter((child) => child.type === type);

const other = (node: Node): Expression => ({ ...spanOf(node), kind: 'other' });

/**
 * Returns the texts and expressions of a template between two offsets. The texts are read from the source, because the
 * tree leaves white space at the edges of a text out.
 */
function partsOf(source: string, template: Node, from: number, to: number): TemplatePart[] {
  const parts: TemplatePart[] = [];
  let at = from;
  for (const node of childrenOf(template)) {
    if (node.type !== 'template_interpolation' && node.type !== 'template_directive') continue;
    if (node.startIndex > at) parts.push(source.slice(at, node.startIndex));
    const inner = first(node, 'expression');
    const stripped = first(node, 'strip_marker') !== undefined;
    parts.push(inner === undefined || stripped ? other(node) : expressionOf(source, inner));
    at = node.endIndex;
  }
  if (to > at || parts.length === 0) parts.push(source.slice(at, to));
  return parts;
}

function heredocOf(source: string, node: Node): Expression {
  const [opening, closing] = all(node, 'heredoc_identifier');
  if (opening === undefined || closing === undefined) return other(node);
  const from = source.indexOf('\n', opening.endIndex) + 1;
  const to = Math.max(from, source.lastIndexOf('\n', closing.startIndex - 1) + 1);
  const indented = first(node, 'heredoc_start')?.text === '<<-';
  const parts = heredocParts(partsOf(source, node, from, to), indented);
  return { ...spanOf(node), kind: 'string', parts, heredoc: true };
}

function quotedOf(source: string, node: Node): Expression {
  const parts = partsOf(source, node, node.startIndex + 1, node.endIndex - 1);
  return {
    ...spanOf(node),
    kind: 'string',
    parts: parts.map((part) => (typeof part === 'string' ? unescape(part) : part)),
    heredoc: false,
  };
}

function literalOf(source: string, node: Node): Expression {
  const [value] = childrenOf(node);
  if (value === undefined) return other(node);
  switch (value.type) {
    case 'string_lit':
      return quotedOf(source, value);
    case 'numeric_lit':
      return { ...spanOf(node), kind: 'literal', value: Number(value.text) };
    case 'bool_lit':
      return { ...spanOf(node), kind: 'literal', value: value.text === 'true' };
    case 'null_lit':
      return { ...spanOf(node), kind: 'literal', value: null };
    default:
      return other(node);
  }
}

/** Returns the name of a key: a bare name, or a string without templates. */
const keyName = (key: Expression, bare: boolean): string | undefined => {
  if (key.kind === 'reference' && bare && key.path.length === 1) return String(key.path[0]);
  const [text, ...more] = key.kind === 'string' ? key.parts : [];
  return typeof text === 'string' && more.length === 0 ? text : undefined;
};

function entryOf(source: string, node: Node): ObjectEntry | undefined {
  const [key, value] = all(node, 'expression').map((child) => expressionOf(source, child));
  if (key === undefined || value === undefined) return undefined;
  const name = keyName(key, source[key.start] !== '(');
  return { ...spanOf(node), key, ...(name !== undefined && { name }), value };
}

function collectionOf(source: string, node: Node): Expression {
  const [collection] = childrenOf(node);
  if (collection?.type === 'tuple') {
    const items = all(collection, 'expression').map((item) => expressionOf(source, item));
    return { ...spanOf(node), kind: 'list', items };
  }
  if (collection?.type !== 'object') return other(node);
  const entries = all(collection, 'object_elem').map((entry) => entryOf(source, entry));
  return entries.every((entry) => entry !== undefined) ? { ...spanOf(node), kind: 'object', entries } : other(node);
}

function callOf(source: string, node: Node): Expression {
  const name = first(node, 'identifier')?.text;
  const list = first(node, 'function_arguments');
  if (name === undefined || (list && first(list, 'ellipsis'))) return other(node);
  const given = list === undefined ? [] : all(list, 'expression').map((one) => expressionOf(source, one));
  return { ...spanOf(node), kind: 'call', name, arguments: given };
}

function conditionalOf(source: string, node: Node): Expression {
  const [condition, yes, no] = all(node, 'expression').map((child) => expressionOf(source, child));
  return condition && yes && no ? { ...spanOf(node), kind: 'conditional', condition, yes, no } : other(node);
}

function termOf(source: string, node: Node): Expression {
  switch (node.type) {
    case 'literal_value':
      return literalOf(source, node);
    case 'template_expr': {
      const [template] = childrenOf(node);
      if (template === undefined) return other(node);
      return template.type === 'heredoc_template' ? heredocOf(source, template) : quotedOf(source, template);
    }
    case 'collection_value':
      return collectionOf(source, node);
    case 'variable_expr':
      return { ...spanOf(node), kind: 'reference', path: [node.text] };
    case 'function_call':
      return callOf(source, node);
    case 'conditional':
      return conditionalOf(source, node);
    default:
      return other(node);
  }
}

/** Returns the name or literal index by which a reference goes on; undefined for any other one. */
function elementOf(source: string, node: Node): PathElement | undefined {
  if (node.type === 'get_attr') return first(node, 'identifier')?.text;
  if (node.type !== 'index') return undefined;
  const [index] = childrenOf(node);
  if (index?.type === 'legacy_index') return Number(index.text.slice(1).trim());
  const inner = index && first(index, 'expression');
  const value = inner && expressionOf(source, inner);
  if (value?.kind === 'literal' && typeof value.value === 'number') return value.value;
  return value?.kind === 'string' ? keyName(value, false) : undefined;
}

/** Converts a node of type `expression`. */
export function expressionOf(source: string, node: Node): Expression {
  const [head, ...rest] = childrenOf(node);
  if (head === undefined) return other(node);
  if (rest.length === 0) return { ...termOf(source, head), ...spanOf(node) };
  const [inner] = rest;
  if (head.type === '(' && inner?.type === 'expression' && rest.length === 2)
    return { ...expressionOf(source, inner), ...spanOf(node) };
  if (head.type !== 'variable_expr') return other(node);
  const path = rest.map((element) => elementOf(source, element));
  return path.every((element) => element !== undefined)
    ? { ...spanOf(node), kind: 'reference', path: [head.text, ...path] }
    : other(node);
}
