/** Regions of a file that the edits of nested code need, apart from its lines. */
import { lineAt } from './lines.ts';
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
