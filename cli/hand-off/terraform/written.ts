/** Writes generated lines in the manner of a file: with its line ends, its indentation and its quotes. */
import { type Hcl, valueLines } from '../../../lambdas/domain/hand-off/formats/hcl.ts';
import { newlineOf } from './lines.ts';
import type { ParsedFile } from './syntax.ts';

/** Returns the lines as code. The first one is not indented, since what is before it in the file already is. */
export function written(file: ParsedFile, lines: readonly string[], indent = ''): string {
  const tabs = indent.includes('\t');
  const inner = (line: string): string =>
    tabs ? line.replace(/^(?: {2})+/, (spaces) => '\t'.repeat(spaces.length / 2)) : line;
  return lines.map((line, index) => (index === 0 || line === '' ? line : indent + inner(line))).join(newlineOf(file));
}

/** Returns a value in one line. */
export const inlineValue = (value: Hcl): string => {
  const lines = valueLines(value).map((line) => line.trim().replace(/^("(?:[^"\\]|\\.)*"|[\w-]+) += /, '$1 = '));
  return lines
    .map((line, index) => {
      const next = lines[index + 1];
      if (next === undefined) return line;
      if (line.endsWith('[') || next.startsWith(']')) return line.replace(/,$/, '');
      return line.endsWith('{') || line.endsWith(',') || next.startsWith('}') ? `${line} ` : `${line}, `;
    })
    .join('');
};
