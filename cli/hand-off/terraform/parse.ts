/** Parses Terraform code with tree-sitter. */
import { readFile } from 'node:fs/promises';
import { Language, type Node, Parser } from 'web-tree-sitter';
import { childrenOf, expressionOf } from './expressions.ts';
import type { CodeFile } from './model.ts';
import { unescape } from './strings.ts';
import type { Attribute, Block, Body, Comment, ParsedFile } from './syntax.ts';
import { GRAMMAR_WASM, PARSER_WASM } from './wasm.ts';

const load = async (): Promise<Parser> => {
  const [parser, grammar] = await Promise.all([readFile(PARSER_WASM), readFile(GRAMMAR_WASM)]);
  await Parser.init({ wasmBinary: parser });
  return new Parser().setLanguage(await Language.load(grammar));
};

/** The parser of this process, which is loaded for the first file. */
let loaded: Promise<Parser> | undefined;

const lineOf = (node: Node): number => node.startPosition.row + 1;

const attributeOf = (source: string, node: Node): Attribute | undefined => {
  const [name, equals, value] = childrenOf(node);
  if (name === undefined || equals === undefined || value === undefined) return undefined;
  return {
    is: 'attribute',
    name: name.text,
    nameSpan: { start: name.startIndex, end: name.endIndex },
    equals: equals.startIndex,
    value: expressionOf(source, value),
    start: node.startIndex,
    end: node.endIndex,
    line: lineOf(node),
  };
};

const blockOf = (source: string, node: Node): Block | undefined => {
  const children = childrenOf(node);
  const type = children.find((child) => child.type === 'identifier');
  const open = children.find((child) => child.type === 'block_start');
  const close = children.find((child) => child.type === 'block_end');
  const body = children.find((child) => child.type === 'body');
  if (type === undefined || open === undefined || close === undefined) return undefined;
  const labels = children
    .slice(1, children.indexOf(open))
    .map(({ type: kind, text }) => (kind === 'string_lit' ? unescape(text.slice(1, -1)) : text));
  return {
    is: 'block',
    type: type.text,
    labels,
    body: { start: open.endIndex, end: close.startIndex, elements: body === undefined ? [] : elementsOf(source, body) },
    start: node.startIndex,
    end: node.endIndex,
    line: lineOf(node),
  };
};

const elementsOf = (source: string, body: Node): (Attribute | Block)[] =>
  childrenOf(body)
    .map((node) => (node.type === 'block' ? blockOf(source, node) : attributeOf(source, node)))
    .filter((element) => element !== undefined);

/** Returns what a missing token belongs to. The token itself is noticed at the end of the file. */
const ownerOf = (node: Node): Node => {
  const { parent } = node;
  return parent === null || node.startIndex < node.endIndex ? node : ownerOf(parent);
};

/** Returns the first line with an error. Only branches that contain errors are visited. */
const errorLineIn = (node: Node): number | undefined => {
  if (!node.hasError) return undefined;
  if (node.isMissing) return lineOf(ownerOf(node));
  if (node.isError) return lineOf(node);
  const lines = node.children.flatMap((child) => (child === null ? [] : (errorLineIn(child) ?? [])));
  return lines.length === 0 ? lineOf(node) : Math.min(...lines);
};

/** Returns the line of the first quoted string that has a line end, which the grammar accepts and Terraform does not. */
const brokenStringLine = (root: Node): number | undefined =>
  root
    .descendantsOfType(['string_lit', 'quoted_template'])
    .flatMap((node) => (node === null ? [] : childrenOf(node).filter(({ type }) => type === 'template_literal')))
    .find(({ text }) => text.includes('\n'))?.startPosition.row;

/**
 * Returns the line of the first element that is on the line of its neighbor. The grammar treats a line end as white
 * space, but in Terraform's language it ends an attribute, and a block in one line has one attribute at most.
 */
const crowdedLine = (text: string, body: Body, isFile: boolean): number | undefined => {
  const breaks = (from: number, to: number): boolean => text.slice(from, to).includes('\n');
  const oneLine = !isFile && !breaks(body.start, body.end);
  let end = body.start;
  for (const [index, element] of body.elements.entries()) {
    const joined = !breaks(end, element.start) && !(isFile && index === 0);
    if (joined && !(oneLine && index === 0 && element.is === 'attribute')) return element.line;
    const inside = element.is === 'block' ? crowdedLine(text, element.body, false) : undefined;
    if (inside !== undefined) return inside;
    ({ end } = element);
  }
  const [last] = body.elements.slice(-1);
  return last === undefined || isFile || oneLine || breaks(last.end, body.end) ? undefined : last.line;
};

const commentsOf = (root: Node): Comment[] =>
  root.descendantsOfType('comment').flatMap((node) => {
    if (node === null) return [];
    const text = node.text.replace(/\r$/, '');
    return [{ start: node.startIndex, end: node.startIndex + text.length, text, line: lineOf(node) }];
  });

function parseFile(parser: Parser, { path, text }: CodeFile): ParsedFile {
  const tree = parser.parse(text);
  // Only a parse that was cancelled gives no tree.
  if (tree === null) throw new Error(`${path} could not be parsed.`);
  try {
    const root = tree.rootNode;
    const [child] = childrenOf(root);
    const elements = child?.type === 'body' ? elementsOf(text, child) : [];
    const body = { start: text.startsWith('\uFEFF') ? 1 : 0, end: text.length, elements };
    const brokenString = brokenStringLine(root);
    const errorLine =
      brokenString === undefined ? (errorLineIn(root) ?? crowdedLine(text, body, true)) : brokenString + 1;
    return { path, text, body, comments: commentsOf(root), ...(errorLine !== undefined && { errorLine }) };
  } finally {
    tree.delete();
  }
}

/** Parses a file. One that is nested more deeply than a program can follow counts as one with a syntax error. */
function parseSafely(parser: Parser, file: CodeFile): ParsedFile {
  try {
    return parseFile(parser, file);
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    return { ...file, body: { start: 0, end: file.text.length, elements: [] }, comments: [], errorLine: 1 };
  }
}

/**
 * Parses files in Terraform's native syntax. A file with a syntax error has `errorLine`; what it contains is not complete.
 * What is among `known` is not parsed again.
 */
export async function parseFiles(files: readonly CodeFile[], known: readonly ParsedFile[] = []): Promise<ParsedFile[]> {
  const parser = await (loaded ??= load());
  const byPath = new Map(known.map((file) => [file.path, file]));
  return files.map((file) => {
    const same = byPath.get(file.path);
    return same?.text === file.text ? same : parseSafely(parser, file);
  });
}
