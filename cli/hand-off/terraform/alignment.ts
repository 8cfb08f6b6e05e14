/**
 * Aligns equals signs and trailing comments as `terraform fmt` does: over consecutive lines. Only lines that were aligned
 * before are aligned again, so that code that nobody formats keeps its look.
 */
import type { Edit } from './model.ts';
import { lineAt } from './lines.ts';
import type { Attribute, Body, ParsedFile } from './syntax.ts';

/** A line of the body, after the change. */
interface Line {
  /** Offset of its start in the file. */
  at: number;
  /** The attribute, if the line has all of it. */
  attribute?: Attribute;
  /** Offset of a comment that ends the line. */
  comment?: number;
  /** Length of the code before the comment, with the spacing that the file has. */
  width: number;
  /** The name of an attribute that is added. */
  added?: string;
}

/** The change of the attributes of a body. */
export interface AttributeChange {
  /** Regions of whole lines that are removed. */
  removed: readonly { start: number; end: number }[];
  /** Regions of whole lines that get another text, without attributes. */
  replaced?: readonly { start: number; end: number }[];
  /** An attribute that is added in a line of its own, with comments in the lines above it or without. */
  added?: { name: string; at: number; commented: boolean };
}

const isSingleLine = ({ text }: ParsedFile, { start, end }: Attribute): boolean =>
  !text.slice(start, end).includes('\n');

const linesOfBody = (file: ParsedFile, body: Body): Line[] => {
  const { text } = file;
  const attributes = body.elements.filter((one): one is Attribute => one.is === 'attribute' && isSingleLine(file, one));
  const byLine = new Map(attributes.map((attribute) => [lineAt(text, attribute.start).start, attribute]));
  const comments = new Map(
    file.comments
      .filter(({ text: comment }) => !comment.startsWith('/*'))
      .map(({ start }) => [lineAt(text, start).start, start]),
  );
  const lines: Line[] = [];
  for (let { end: at } = lineAt(text, body.start); at < body.end; at = lineAt(text, at).end) {
    const comment = comments.get(at);
    const code = text.slice(at, comment ?? lineAt(text, at).end).trimEnd();
    const attribute = byLine.get(at);
    const trailing = comment !== undefined && code.trim() !== '';
    lines.push({ at, width: code.length, ...(attribute && { attribute }), ...(trailing && { comment }) });
  }
  return lines;
};

const nameLength = ({ attribute, added }: Line): number => (attribute?.name ?? added ?? '').length;

/** Groups consecutive lines that have something. */
const chainsOf = (lines: readonly Line[], has: (line: Line) => boolean): Line[][] => {
  const chains: Line[][] = [[]];
  for (const line of lines) {
    if (has(line)) chains.at(-1)?.push(line);
    else if (chains.at(-1)?.length !== 0) chains.push([]);
  }
  return chains.filter((chain) => chain.length > 0);
};

const hasAttribute = ({ attribute, added }: Line): boolean => attribute !== undefined || added !== undefined;
const hasComment = ({ comment }: Line): boolean => comment !== undefined;

const spacesAfterName = (chain: readonly Line[], line: Line): number =>
  Math.max(...chain.map(nameLength)) - nameLength(line) + 1;
const spacesBeforeComment = (chain: readonly Line[], line: Line): number =>
  Math.max(...chain.map(({ width }) => width)) - line.width + 1;

const gapIs = (text: string, start: number, end: number, spaces: number): boolean =>
  text.slice(start, end) === ' '.repeat(spaces);

const isAligned = (text: string, chain: readonly Line[]): boolean =>
  chain.every(
    (line) =>
      line.attribute === undefined ||
      gapIs(text, line.attribute.nameSpan.end, line.attribute.equals, spacesAfterName(chain, line)),
  );
const isCommentAligned = (text: string, chain: readonly Line[]): boolean =>
  chain.every(
    (line) =>
      line.comment === undefined || gapIs(text, line.at + line.width, line.comment, spacesBeforeComment(chain, line)),
  );

/** Returns the lines after the change. */
const changed = (lines: readonly Line[], { removed, replaced = [], added }: AttributeChange): Line[] => {
  const isIn = (spans: readonly { start: number; end: number }[], { at }: Line): boolean =>
    spans.some(({ start, end }) => at >= start && at < end);
  const kept = lines
    .filter((line) => !isIn(removed, line))
    .map((line) => (isIn(replaced, line) ? { at: line.at, width: 0 } : line));
  if (added === undefined) return kept;
  const index = kept.findIndex(({ at }) => at >= added.at);
  const comment = added.commented ? [{ at: added.at, width: 0 }] : [];
  return kept.toSpliced(index < 0 ? kept.length : index, 0, ...comment, { at: added.at, width: 0, added: added.name });
};

/** Returns the chains after the change that are not what they were before, if all that they come from were aligned. */
const toAlign = (
  before: readonly Line[][],
  after: readonly Line[][],
  aligned: (chain: readonly Line[]) => boolean,
): Line[][] => {
  const crooked = new Set(before.filter((chain) => !aligned(chain)).flat());
  return after.filter((chain) => !chain.some((line) => crooked.has(line)));
};

/** What the alignment makes of the change: edits of other lines, and the added attribute's spacing. */
export interface Alignment {
  edits: Edit[];
  /** Spaces between the name of the added attribute and its equals sign. */
  spaces: number;
}

/** Returns the edits that keep the other lines of a body aligned. They do not touch the removed and added lines. */
export function align(file: ParsedFile, body: Body, change: AttributeChange): Alignment {
  const { text, path } = file;
  const before = linesOfBody(file, body);
  const after = changed(before, change);
  const chains = toAlign(chainsOf(before, hasAttribute), chainsOf(after, hasAttribute), (chain) =>
    isAligned(text, chain),
  );
  const edits: Edit[] = [];
  let spaces = 1;
  const widths = new Map<Line, number>();
  for (const chain of chains)
    for (const line of chain) {
      const wanted = spacesAfterName(chain, line);
      if (line.attribute === undefined) {
        spaces = wanted;
        continue;
      }
      const { nameSpan, equals } = line.attribute;
      const gap = equals - nameSpan.end;
      if (gap === wanted) continue;
      edits.push({ path, start: nameSpan.end, end: equals, text: ' '.repeat(wanted) });
      widths.set(line, line.width + wanted - gap);
    }
  const resized = (line: Line): Line => {
    const width = widths.get(line);
    return width === undefined ? line : { ...line, width };
  };
  const comments = toAlign(chainsOf(before, hasComment), chainsOf(after, hasComment), (chain) =>
    isCommentAligned(text, chain),
  );
  for (const chain of comments) {
    const now = chain.map(resized);
    for (const [index, line] of now.entries()) {
      const start = (chain[index] ?? line).at + (chain[index] ?? line).width;
      const wanted = ' '.repeat(spacesBeforeComment(now, line));
      if (line.comment !== undefined && text.slice(start, line.comment) !== wanted)
        edits.push({ path, start, end: line.comment, text: wanted });
    }
  }
  return { edits, spaces };
}
