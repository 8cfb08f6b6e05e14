/**
 * Guards the terminal: it gets only text, line breaks and the program's own colours. Third-party text is made printable
 * where it is parsed; data is not, and is escaped here.
 */
import { printableLines } from '../lambdas/domain/text/text.ts';
import type { Io, Output } from './io.ts';

const ESC = '\u001b';
/** Escape sequences of the formats in `print/style.ts`: none of them can hide text or move the cursor. */
const COLOURS = new RegExp(String.raw`(${ESC}\[(?:1|2|22|31|32|33|36|39)m)`);
const isColoured = (output: Output): boolean => output.isTTY === true && (output.hasColors?.() ?? false);

/** Returns the text in a form that is safe for this output. */
const forOutput = (text: string, output: Output): string =>
  isColoured(output)
    ? text
        .split(COLOURS)
        .map((part, index) => (index % 2 === 1 ? part : printableLines(part)))
        .join('')
    : printableLines(text);

const streams = new WeakMap<Output, Output>();

/**
 * Returns the stream behind an output: for listr2, which draws on the terminal itself, from printable texts, and for
 * writers that wait until a pipe has taken their text.
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

/** Returns the same input and output, with everything that is written made safe for a terminal. */
export const guardedIo = (io: Io): Io => ({
  ...io,
  stdout: guarded(io.stdout),
  stderr: guarded(io.stderr),
  ...(io.ask
    ? { ask: (question: string) => io.ask?.(forOutput(question, io.stderr)) ?? Promise.resolve(undefined) }
    : {}),
});
