/** Regions of a file that the edits of nested code need, apart from its lines. */
import { commentsBehind, commentsIn, indentAt, lineAt, linesOf, linesToRemove, newlineOf } from './lines.ts';
import type { Edit } from './model.ts';
import type { ParsedFile, Span } from './syntax.ts';

/** Returns one level of indentation, for a line whose own indentation is given. */
export const stepOf = (indent: string): string => (indent.includes('\t') ? '\t' : '  ');

/** Returns the text of a region without its comments. */
export function withoutComments({ text, comments }: ParsedFile, { start, end }: Span): string {
  let code = '';
  let at = start;
  for (const comment of comments) {
    if (comment.end <= start || comment.start >= end) continue;
    code += text.slice(at, Math.max(at, comment.start));
    at = comment.end;
  }
  return code + text.slice(at, end);
}

/** Returns whether an element is alone on its lines, apart from a comma and a comment behind it. */
export function isAloneOnLines({ text }: ParsedFile, { start, end }: Span): boolean {
  const before = text.slice(lineAt(text, start).start, start);
  const behind = text.slice(end, lineAt(text, end).end);
  return /^\s*$/.test(before) && /^[ \t]*,?[ \t]*(?:(?:#|\/\/).*|\/\*.*\*\/[ \t]*)?\r?\n?$/.test(behind);
}

/** Returns the comments within an element, and behind it in its last line, as lines of their own. */
export const keptComments = (file: ParsedFile, span: Span): string => {
  const indent = indentAt(file.text, span.start);
  return [...commentsIn(file, span), ...commentsBehind(file, span)]
    .map(({ text }) => `${indent}${text}${newlineOf(file)}`)
    .join('');
};

/** Removes an element that is alone on its lines. Its comments stay. */
export function removal(file: ParsedFile, span: Span): Edit {
  const text = keptComments(file, span);
  const region = text === '' ? linesToRemove(file.text, span) : linesOf(file.text, span);
  return { path: file.path, ...region, text };
}
