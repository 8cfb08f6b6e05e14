/**
 * What stands between the program and a terminal: whatever was printed, a terminal gets text, line breaks and the
 * program's own colours. Texts of third parties are printable since they entered; data is not, and this shows it.
 */
import { printableLines } from '../lambdas/domain/text/text.ts';
import type { Io, Output } from './io.ts';

const ESC = '\u001b';
/** `styleText` of the formats in `print/style.ts`, and their ends: none of them can hide text or move the cursor. */
const COLOURS = new RegExp(String.raw`(${ESC}\[(?:1|2|22|31|32|33|36|39)m)`);
const isColoured = (output: Output): boolean => output.isTTY === true && (output.hasColors?.() ?? false);

/** Returns the text as this output may have it. */
const forOutput = (text: string, output: Output): string =>
  isColoured(output)
    ? text
        .split(COLOURS)
        .map((part, index) => (index % 2 === 1 ? part : printableLines(part)))
        .join('')
    : printableLines(text);

const streams = new WeakMap<Output, Output>();

/**
 * Returns the stream behind an output: for what draws on a terminal by itself (listr2), from texts that are printable,
 * and for what waits until a pipe has taken its text.
 */
export const streamOf = (output: Output): Output => streams.get(output) ?? output;

const guarded = (output: Output): Output => {
  const guard: Output = {
    write: (text) => output.write(forOutput(text, output)),
    get isTTY() {
      return output.isTTY ?? false;
    },
    // A terminal may be resized.
    get columns() {
      return output.columns as number;
    },
    hasColors: () => output.hasColors?.() ?? false,
  };
  streams.set(guard, output);
  return guard;
};

/** Returns the same input and output, where all that is written is what a terminal shows as it is. */
export const guardedIo = (io: Io): Io => ({
  ...io,
  stdout: guarded(io.stdout),
  stderr: guarded(io.stderr),
  ...(io.ask
    ? { ask: (question: string) => io.ask?.(forOutput(question, io.stderr)) ?? Promise.resolve(undefined) }
    : {}),
});
