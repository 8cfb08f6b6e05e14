/** The unified diff of changed files, as `git apply` and `patch -p1` read it. */
import { createTwoFilesPatch } from 'diff';
import type { Change } from './write.ts';

/** Lines around a change. */
const CONTEXT = 3;
/** The library begins with a line that separates files, which git does not print. */
const SEPARATOR = /^=+\n/;

/** Returns the diff of one file. Line ends are a part of its lines. */
export const diffOf = ({ code: { path, text: before }, text: after }: Change): string =>
  before === after
    ? ''
    : createTwoFilesPatch(`a/${path}`, `b/${path}`, before, after, undefined, undefined, { context: CONTEXT }).replace(
        SEPARATOR,
        '',
      );
