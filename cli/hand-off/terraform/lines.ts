/** Lines of a file, for edits that keep its line ends, indentation and blank lines. */
import type { Comment, ParsedFile, Span } from './syntax.ts';

/** Returns the line end that the file uses: that of its first line. */
export const newlineOf = ({ text }: ParsedFile): string => (/\r?\n/.exec(text)?.[0] === '\r\n' ? '\r\n' : '\n');

/** Returns the line around an offset, including its line end. */
export const lineAt = (text: string, offset: number): Span => {
  const end = text.indexOf('\n', offset);
  return { start: text.lastIndexOf('\n', offset - 1) + 1, end: end < 0 ? text.length : end + 1 };
};

/** Returns the lines that a region touches, including the last line end. */
export const linesOf = (text: string, { start, end }: Span): Span => ({
  start: lineAt(text, start).start,
  end: lineAt(text, Math.max(start, end - 1)).end,
});

/** Returns the white space at the start of the line around an offset. A byte order mark is not part of it. */
export const indentAt = (text: string, offset: number): string =>
  /^[ \t]*/.exec(text.slice(lineAt(text, offset).start))?.[0] ?? '';

const lineBefore = (text: string, { start }: Span): string | undefined =>
  start === 0 ? undefined : text.slice(lineAt(text, start - 1).start, start);

const lineAfter = (text: string, { end }: Span): string | undefined =>
  end >= text.length ? undefined : text.slice(end, lineAt(text, end).end);

const isBlank = (line: string | undefined): boolean => line !== undefined && line.trim() === '';

/** Returns whether the line before the region is blank. */
export const blankBefore = (text: string, span: Span): boolean => isBlank(lineBefore(text, span));
/** Returns whether the line after the region is blank. */
export const blankAfter = (text: string, span: Span): boolean => isBlank(lineAfter(text, span));
/** Returns whether the line before the region opens a block or an object, or the region starts the file. */
export const opensBefore = (text: string, span: Span): boolean => {
  const line = lineBefore(text, span);
  return line === undefined || /[{[(]\s*(?:(?:#|\/\/).*)?$/.test(line.trimEnd());
};
/** Returns whether the line after the region closes a block, or the region ends the file. */
export const closesAfter = (text: string, span: Span): boolean => {
  const line = lineAfter(text, span);
  return line === undefined || /^\s*[}\])]/.test(line);
};

/** Returns the comments that follow a region in its last line, or start there. */
export const commentsBehind = ({ text, comments }: ParsedFile, { end }: Span): Comment[] => {
  const line = lineAt(text, Math.max(0, end - 1));
  return comments.filter(({ start }) => start >= end && start < line.end);
};

/** Returns the region with the comments that follow it: a comment of several lines ends in another one. */
export const withCommentsBehind = (file: ParsedFile, span: Span): Span => {
  const end = Math.max(span.end, ...commentsBehind(file, span).map((comment) => comment.end));
  return end === span.end ? span : withCommentsBehind(file, { start: span.start, end });
};

/** Returns the lines of an element and of the comments that follow it, including the last line end. */
export const elementLines = (file: ParsedFile, element: Span): Span =>
  linesOf(file.text, withCommentsBehind(file, element));

/** Returns the comments within a region. */
export const commentsIn = ({ comments }: ParsedFile, span: Span): Comment[] =>
  comments.filter(({ start, end }) => start >= span.start && end <= span.end);

/** Returns the region of the comments in the lines directly above a region, without a blank line between. */
export const commentLinesAbove = ({ text, comments }: ParsedFile, span: Span): Span | undefined => {
  let { start } = linesOf(text, span);
  for (const comment of comments.toReversed()) {
    const lines = linesOf(text, comment);
    const alone =
      text.slice(lines.start, comment.start).trim() === '' && text.slice(comment.end, lines.end).trim() === '';
    if (lines.end === start && alone) ({ start } = lines);
  }
  const { start: end } = linesOf(text, span);
  return start === end ? undefined : { start, end };
};

/**
 * Returns the lines of an element that is removed, with one of two blank lines around it, so that none becomes double or
 * stays at the end of a block.
 */
export const linesToRemove = (text: string, span: Span): Span => {
  const lines = linesOf(text, span);
  if (blankBefore(text, lines) && (blankAfter(text, lines) || closesAfter(text, lines)))
    return { start: lineAt(text, lines.start - 1).start, end: lines.end };
  if (opensBefore(text, lines) && blankAfter(text, lines))
    return { start: lines.start, end: lineAt(text, lines.end).end };
  return lines;
};
