/** Finds the files whose text the code reads with `file("…")`. */
import { posix } from 'node:path';
import type { CodeFile } from './model.ts';
import type { Expression } from './syntax.ts';

/** A call whose path is a literal, relative to the module's folder or to the directory. */
const CALL = /\bfile\s*\(\s*"(\$\{\s*path\.(?:module|root)\s*\}\/)?([^"$%\\]+)"\s*\)/g;

const isInside = (path: string): boolean => !path.startsWith('..') && !posix.isAbsolute(path);

/** Returns the path of a file below the directory; undefined for one that is elsewhere. */
const pathOf = (codePath: string, prefix: string, name: string): string | undefined => {
  if (posix.isAbsolute(name)) return undefined;
  const folder = prefix.includes('path.module') ? posix.dirname(codePath) : '.';
  const path = posix.normalize(posix.join(folder, name));
  return isInside(path) ? path : undefined;
};

/** Returns the paths of the files below the directory that the code reads, according to its text. */
export const namedFiles = ({ path, text }: CodeFile): string[] =>
  [...text.matchAll(CALL)].flatMap(([, prefix = '', name = '']) => pathOf(path, prefix, name) ?? []);

/** Returns the file that `file("…")` in the code reads; undefined if it was not read, or the path is not certain. */
export function calledFile(codePath: string, expression: Expression, files: readonly CodeFile[]): CodeFile | undefined {
  const [argument, ...others] = expression.kind === 'call' && expression.name === 'file' ? expression.arguments : [];
  if (argument?.kind !== 'string' || others.length > 0) return undefined;
  const text = argument.parts
    .map((part) => {
      if (typeof part === 'string') return part;
      return part.kind === 'reference' ? `\${${part.path.join('.')}}` : '${}';
    })
    .join('');
  const [, prefix = '', name = ''] = /^(\$\{path\.(?:module|root)\}\/)?([^$]+)$/.exec(text) ?? [];
  const path = name === '' ? undefined : pathOf(codePath, prefix, name);
  return files.find((file) => file.path === path);
}
