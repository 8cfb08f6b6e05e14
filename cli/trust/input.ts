/** Reads a file or stdin in pieces. */
import { createReadStream } from 'node:fs';
import { CliError } from '../errors.ts';
import type { Io } from '../io.ts';

const STDIN = '-';

const READ_ERRORS: Record<string, string> = {
  ENOENT: 'the file does not exist',
  EISDIR: 'it is a directory',
  EACCES: 'permission denied',
};

const cantRead = (flag: string, file: string, error: unknown): CliError => {
  const { code = '', message } = error as NodeJS.ErrnoException;
  return new CliError(
    'FileNotReadable',
    `${flag} ${file} cannot be read: ${READ_ERRORS[code] ?? message}`,
    `Name an existing file, or ${STDIN} for stdin`,
    undefined,
    { cause: error },
  );
};

/** Yields the text of `file`: a path, or `-` for stdin. Throws a CliError that names the flag if it is unreadable. */
export async function* textOf(flag: string, file: string, io: Io): AsyncGenerator<string> {
  const decoder = new TextDecoder();
  const source: AsyncIterable<Uint8Array | string> =
    file === STDIN ? (io.stdin ?? process.stdin) : createReadStream(file);
  const pieces = source[Symbol.asyncIterator]();
  try {
    for (;;) {
      const { value, done } = await pieces.next().catch((error: unknown) => {
        throw cantRead(flag, file, error);
      });
      if (done === true) break;
      yield typeof value === 'string' ? value : decoder.decode(value, { stream: true });
    }
    yield decoder.decode();
  } finally {
    // A reader that stops early must not leave the source open.
    await pieces.return?.();
  }
}

/** Returns the whole text. Throws a CliError if it has more than `limit` characters. */
export const wholeText = async (flag: string, file: string, io: Io, limit: number): Promise<string> => {
  let text = '';
  for await (const piece of textOf(flag, file, io)) {
    text += piece;
    if (text.length > limit)
      throw new CliError(
        'FileTooLong',
        `${flag} ${file} has more than ${limit} characters, more than any trust policy`,
        'Name a file with one policy document',
      );
  }
  return text;
};

export type Line = { number: number; text: string } | { number: number; tooLong: true };

/**
 * Yields lines, counted from 1, without their ends. Only a line feed ends a line, with or without a carriage return:
 * JSON may contain other separators in its texts. Does not keep the text of a line over `limit` characters.
 */
export async function* linesOf(pieces: AsyncIterable<string>, limit: number): AsyncGenerator<Line> {
  let number = 1;
  let parts: string[] = [];
  let length = 0;
  const take = (part: string): void => {
    length += part.length;
    if (length <= limit) parts.push(part);
    else parts = [];
  };
  const end = (): Line => {
    const line: Line = length > limit ? { number, tooLong: true } : { number, text: parts.join('').replace(/\r$/, '') };
    number += 1;
    parts = [];
    length = 0;
    return line;
  };
  for await (const piece of pieces) {
    const [first = '', ...others] = piece.split('\n');
    take(first);
    for (const part of others) {
      yield end();
      take(part);
    }
  }
  if (length > 0) yield end();
}
