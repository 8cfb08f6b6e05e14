/** Errors for people and pipelines, without a stack trace unless `--debug` is given. */
import { inspect } from 'node:util';
import { EXIT_CODES, type ExitCode } from './exit-codes.ts';
import type { Io } from './io.ts';
import { hintLines } from './text/remedy.ts';
import { type Style, styleFor } from './text/style.ts';
import { jsonText } from '../lambdas/domain/text/text.ts';

/** An error to print. `message` names what is wrong and the thing it is about, `hint` what to do about it. */
export class CliError extends Error {
  override readonly name: string;
  readonly hint: string;
  readonly exitCode: ExitCode;
  constructor(
    name: string,
    message: string,
    hint: string,
    exitCode: ExitCode = EXIT_CODES.badInput,
    options?: ErrorOptions,
  ) {
    super(message, options);
    this.name = name;
    this.hint = hint;
    this.exitCode = exitCode;
  }
}

const asCliError = (error: unknown): CliError => {
  if (error instanceof CliError) return error;
  const { name, message } = error instanceof Error ? error : { name: 'Error', message: String(error) };
  const line = message.split('\n', 1)[0] ?? '';
  return new CliError(
    'UnexpectedError',
    `unexpected error: ${name}: ${line}`,
    'Run the same command with --debug, and report the error with the stack trace.',
    EXIT_CODES.unexpected,
    { cause: error },
  );
};

/** Returns the JSON document that `--json` prints instead of a report. */
export const errorDocument = ({
  name,
  message,
  hint,
}: CliError): { error: { name: string; message: string; hint: string } } => ({
  error: { name, message, hint },
});

/** Wraps lines of text with a lead before the first one; a command stays whole. */
export const wrapped = (lead: string, text: string, style: Style, indent = ' '.repeat(lead.length)): string[] =>
  text.split('\n').flatMap((line, index) => hintLines(index === 0 ? lead : indent, line, style, indent));

/** Returns the message and the hint, wrapped to the width of the terminal. */
const errorLines = ({ message, hint }: Pick<CliError, 'message' | 'hint'>, style: Style): string[] => [
  ...wrapped('error: ', message, style, ''),
  ...(hint ? wrapped('hint:  ', hint, style) : []),
];

/** Prints an error in the requested format and returns the exit code. */
export const reportError = (error: unknown, io: Io, options: { json: boolean; debug: boolean }): ExitCode => {
  const known = asCliError(error);
  if (options.json) io.stdout.write(`${jsonText(errorDocument(known), 2)}\n`);
  else io.stderr.write(`${errorLines(known, styleFor(io.stderr)).join('\n')}\n`);
  if (options.debug) {
    const cause = known.cause ?? known;
    io.stderr.write(`${inspect(cause)}\n`);
  }
  return known.exitCode;
};

/** Returns the message of what was thrown. */
export const reasonOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));
