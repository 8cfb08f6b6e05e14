/** Edits of literal objects and lists: one entry is added or removed, and everything else stays as it is. */
import { commentsIn, indentAt, lineAt, linesOf, newlineOf } from './lines.ts';
import type { Edit } from './model.ts';
import { isAloneOnLines, keptComments, stepOf } from './regions.ts';
import type { Expression, ParsedFile, Span } from './syntax.ts';

/** Returns the elements of a literal object or list. */
const elementsOf = (expression: Expression): readonly Span[] =>
  expression.kind === 'object' ? expression.entries : expression.kind === 'list' ? expression.items : [];

/** Returns the offset behind the comma that follows, or the offset itself. */
const behindComma = (text: string, offset: number): number =>
  offset + (/^[ \t\r\n]*,/.exec(text.slice(offset))?.[0].length ?? 0);

/** Removes an entry of a literal object, or an item of a literal list, with its comma. Its comments stay. */
export function withoutElement(file: ParsedFile, collection: Expression, element: Span): Edit {
  const { text, path } = file;
  const elements = elementsOf(collection);
  const index = elements.indexOf(element);
  const without = (region: Span): Edit => ({ path, ...region, text: '' });
  const inside = element.start > collection.start && lineAt(text, element.end).end < collection.end;
  if (inside && isAloneOnLines(file, element))
    return { path, ...linesOf(text, element), text: keptComments(file, element) };
  const next = elements[index + 1];
  if (next !== undefined) {
    const region = { start: element.start, end: next.start };
    const joined = !text.slice(element.end, next.start).includes('\n') && commentsIn(file, region).length === 0;
    return without(joined ? region : { start: element.start, end: behindComma(text, element.end) });
  }
  const previous = elements[index - 1];
  if (previous !== undefined) {
    const region = { start: previous.end, end: element.end };
    const joined = !text.slice(previous.end, element.start).includes('\n') && commentsIn(file, region).length === 0;
    return without(joined ? region : { start: element.start, end: behindComma(text, element.end) });
  }
  return without({ start: element.start, end: behindComma(text, element.end) });
}

/**
 * Adds an entry to a literal object, or an item to a literal list, behind the last one. `write` gets the indentation of
 * the new element, and returns its text without it.
 */
export function withElement(file: ParsedFile, collection: Expression, write: (indent: string) => string): Edit[] {
  const { text, path } = file;
  const newline = newlineOf(file);
  const last = elementsOf(collection).at(-1);
  const comma = collection.kind === 'list' ? ',' : '';
  const insert = (at: number, added: string): Edit => ({ path, start: at, end: at, text: added });
  if (last === undefined) {
    const close = collection.end - 1;
    const outer = indentAt(text, collection.start);
    const indent = outer + stepOf(outer);
    const written = `${indent}${write(indent)}${comma}${newline}`;
    // Comments between the brackets stay in front of the new element.
    const hasLines = text.slice(collection.start, close).includes('\n');
    return [hasLines ? insert(lineAt(text, close).start, written) : insert(close, `${newline}${written}${outer}`)];
  }
  const indent = indentAt(text, last.start);
  const written = write(indent);
  const followed = behindComma(text, last.end);
  const hasComma = followed > last.end;
  const lineEnd = lineAt(text, followed).end;
  if (lineEnd >= collection.end) {
    const broken = text.slice(collection.start, last.start).includes('\n') && collection.kind === 'object';
    const separator = `${hasComma ? '' : ','}${broken ? newline + indent : ' '}`;
    return [insert(followed, separator + written)];
  }
  // A comment behind the last item stays with it.
  const separated = collection.kind === 'list' && !hasComma ? [insert(last.end, ',')] : [];
  return [...separated, insert(lineEnd, `${indent}${written}${comma}${newline}`)];
}
