/** The flags of a part: how they are read, and what happens to those that cannot be used. */
import { parseArgs, type ParseArgsOptionsConfig } from 'node:util';

/** Flags that select nothing that can be run; the message's last line is what to do next. */
export class ArgumentError extends Error {
  override readonly name = 'ArgumentError';
}

/** The usage was asked for, by `--help`; the message is the usage. */
export class UsageRequest extends Error {
  override readonly name = 'UsageRequest';
}

/** Returns the error for flags that cannot be used. */
export const refused = (message: string, next: string): ArgumentError => new ArgumentError(`${message}\n${next}`);

/**
 * Returns the values of the flags. Throws a `UsageRequest` if `--help` is among them, and an `ArgumentError` with the
 * usage for a flag that does not exist, or that lacks its value.
 */
export const readFlags = <const Options extends ParseArgsOptionsConfig>(
  args: readonly string[],
  options: Options,
  usage: string,
) => {
  if (args.includes('--help')) throw new UsageRequest(usage);
  try {
    return parseArgs<{ args: string[]; options: Options }>({ args: [...args], options }).values;
  } catch (error) {
    throw refused(`${error instanceof Error ? (error.message.split('\n')[0] ?? '') : String(error)}.`, usage);
  }
};

/** Returns the number of a flag, `otherwise` if it is absent. Throws an `ArgumentError` unless it is whole and in the range. */
export const numberOf = (
  flag: string,
  text: string | undefined,
  { least, most, otherwise, usage }: { least: number; most: number; otherwise: number; usage: string },
): number => {
  if (text === undefined) return otherwise;
  const number = Number(text);
  if (!/^\d+$/.test(text) || number < least || number > most)
    throw refused(`--${flag} ${text}: it must be a whole number from ${least} to ${most}.`, usage);
  return number;
};
