/** Matchers of text with the type of the text, so that they stand for it in an expected object. */
import { expect } from 'vitest';
import type { Check } from '../../lambdas/domain/terms/check.ts';
import type { Journal } from './fakes.ts';

/** Matches a text that contains that part. */
export const containing = (part: string): string => expect.stringContaining(part) as string;

/** Matches a text that fits that pattern. */
export const matching = (pattern: RegExp): string => expect.stringMatching(pattern) as string;

const like = (text: string | RegExp): string => (typeof text === 'string' ? containing(text) : matching(text));

/** Matches an error of that name whose message contains that part, or fits that pattern. */
export const anError = (name: string, message: string | RegExp): { name: string; message: string } => ({
  name,
  message: like(message),
});

/** Matches a check with that status whose message, and remedy where one is given, contain that part or fit that pattern. */
export const said = (
  status: string,
  message: string | RegExp,
  remedy?: string | RegExp,
): { status: string; message: string; remedy?: string } => ({
  status,
  message: like(message),
  ...(remedy === undefined ? {} : { remedy: like(remedy) }),
});

/** Expects one check, and returns it. */
export const only = (checks: Check[]): Check => {
  expect(checks).toHaveLength(1);
  return checks[0]!;
};

/** Expects the promise to be rejected with an error of that name, and with that message where one is given. */
export const expectError = (promise: Promise<unknown>, name: string, message?: string | RegExp): Promise<void> =>
  expect(promise).rejects.toMatchObject(message === undefined ? { name } : anError(name, message));

/** Expects the promise to be rejected with an error of that name and exactly that message. */
export const expectExactError = (promise: Promise<unknown>, name: string, message: string): Promise<void> =>
  expect(promise).rejects.toMatchObject({ name, message });

/** Expects a call of AWS to be rejected with an error of that status and name, and with that message where one is given. */
export const expectFailure = (
  promise: Promise<unknown>,
  status: number,
  name: string,
  message?: string,
): Promise<void> =>
  expect(promise).rejects.toMatchObject({
    name,
    $metadata: { httpStatusCode: status },
    ...(message === undefined ? {} : { message }),
  });

/** Expects each of those calls to be made, and for the first time in that order. */
export const expectInOrder = ({ journal }: { journal: Journal }, ...calls: string[]): void =>
  expect(journal.firsts(...calls)).toEqual(calls);

/** Matches the result of a command with that exit code, whose standard output contains that part or fits that pattern. */
export const printing = (code: number, out: string | RegExp): object => ({ code, out: like(out) });

/** Matches an error with which the command line exits with that code, and otherwise as `anError`. */
export const anExit = (name: string, exitCode: number, message: string | RegExp): object => ({
  ...anError(name, message),
  exitCode,
});

/** Expects a command to end with that exit code, and its standard error to contain that part or to fit that pattern. */
export const expectExit = async (result: unknown, code: number, err: string | RegExp): Promise<void> =>
  expect(await result).toMatchObject({ code, err: like(err) });
