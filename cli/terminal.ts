/**
 * Guards the terminal: it gets only text, line breaks and the program's own colours. Third-party text is made printable
 * where it is parsed; data is not, and is escaped here.
 */
import { printableLines } from '../lambdas/domain/text/text.ts';
import type { Detail, Io, Output } from './io.ts';

const ESC = '\u001b';
/** Escape sequences of the formats in `text/style.ts`: none of them can hide text or move the cursor. */
const COLOURS = new RegExp(String.raw`(${ESC}\[(?:1|2|22|31|32|33|36|39)m)`);

/** What the options say about the output; may change while the options are read. */
export interface Printing {
  detail: Detail;
  color: boolean;
  /** The options that select the backend. */
  backend: readonly string[];
}

const isOfProcess = (output: Output): boolean => output === process.stdout || output === process.stderr;

/** Returns whether FORCE_COLOR asks for colors where there is no terminal, such as in the log of a pipeline. */
const isForced = (output: Output): boolean => {
  const value = process.env['FORCE_COLOR'];
  return isOfProcess(output) && value !== undefined && !['0', 'false'].includes(value);
};

const canColour = (output: Output): boolean =>
  output.isTTY === true ? (output.hasColors?.() ?? false) : isForced(output);

/** Returns the text in a form that is safe for this output. */
const forOutput = (text: string, output: Output): string =>
  output.hasColors?.()
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

const guarded = (output: Output, printing: Printing): Output => {
  const guard: Output = {
    write: (text) => output.write(forOutput(text, guard)),
    get isTTY() {
      return output.isTTY ?? false;
    },
    // A terminal may be resized.
    get columns() {
      return output.columns as number;
    },
    hasColors: () => printing.color && canColour(output),
    get detail() {
      return printing.detail;
    },
    get backend() {
      return printing.backend;
    },
  };
  streams.set(guard, output);
  return guard;
};

/** Returns the same input and output, with everything that is written made safe for a terminal. */
export const guardedIo = (io: Io, printing: Printing = { detail: 'normal', color: true, backend: [] }): Io => {
  const stderr = guarded(io.stderr, printing);
  return {
    ...io,
    stdout: guarded(io.stdout, printing),
    stderr,
    ...(io.ask
      ? { ask: (question: string) => io.ask?.(forOutput(question, stderr)) ?? Promise.resolve(undefined) }
      : {}),
  };
};
