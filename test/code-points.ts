/** Characters of arbitrary texts. */
import * as fc from 'fast-check';

/** The surrogates, which are no characters by themselves. */
const [FIRST, COUNT] = [0xd800, 0x800];

/**
 * Any code point, as `unit: 'binary'` of fast-check, which makes a table of all of them first: it takes seconds of each
 * process, and a hundred megabytes.
 */
export const codePoint = fc.nat({ max: 0x10ffff - COUNT }).map(
  (index) => String.fromCodePoint(index < FIRST ? index : index + COUNT),
  (text) => {
    const point = typeof text === 'string' && Array.from(text).length === 1 ? text.codePointAt(0)! : -1;
    if (point < 0 || (point >= FIRST && point < FIRST + COUNT)) throw new Error('not one code point');
    return point < FIRST ? point : point - COUNT;
  },
);
