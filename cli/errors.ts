/** Errors that a person at the terminal, or a pipeline, is told about; never with a stack trace unless asked for. */
import { inspect } from 'node:util';
import { EXIT_CODES, type ExitCode } from './exit-codes.ts';
import type { Io } from './io.ts';
import { jsonText } from '../lambdas/domain/text/text.ts';

/** `message`: what is wrong, with the thing's name. `hint`: what to do about it. */
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
    `something unexpected went wrong: ${name}: ${line}`,
    'Run the same command with --debug to see the stack trace, and report it with that.',
    EXIT_CODES.unexpected,
    { cause: error },
  );
};

/** The one JSON document of `--json` when there is no report. */
export const errorDocument = ({
  name,
  message,
  hint,
}: CliError): { error: { name: string; message: string; hint: string } } => ({
  error: { name, message, hint },
});

/** Tells about an error in the form that was asked for and answers the exit code. */
export const reportError = (error: unknown, io: Io, options: { json: boolean; debug: boolean }): ExitCode => {
  const known = asCliError(error);
  if (options.json) io.stdout.write(`${jsonText(errorDocument(known), 2)}\n`);
  else
    io.stderr.write(
      `error: ${known.message}\n${known.hint ? `hint:  ${known.hint.replaceAll('\n', '\n       ')}\n` : ''}`,
    );
  if (options.debug) {
    const cause = known.cause ?? known;
    io.stderr.write(`${inspect(cause)}\n`);
  }
  return known.exitCode;
};
