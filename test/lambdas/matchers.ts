/** Matchers of text with the type of the text, so that they stand for it in an expected object. */
import { expect } from 'vitest';
import type { Journal } from './fakes.ts';

/** Matches a text that contains that part. */
export const containing = (part: string): string => expect.stringContaining(part) as string;

/** Matches a text that fits that pattern. */
export const matching = (pattern: RegExp): string => expect.stringMatching(pattern) as string;

/** Matches an error of that name whose message contains that part, or fits that pattern. */
export const anError = (name: string, message: string | RegExp): { name: string; message: string } => ({
  name,
  message: typeof message === 'string' ? containing(message) : matching(message),
});

/** Expects the promise to be rejected with an error of that name, and with that message where one is given. */
export const expectError = (promise: Promise<unknown>, name: string, message?: string | RegExp): Promise<void> =>
  expect(promise).rejects.toMatchObject(message === undefined ? { name } : anError(name, message));

/** Expects each of those calls to be made, and for the first time in that order. */
export const expectInOrder = ({ journal }: { journal: Journal }, ...calls: string[]): void =>
  expect(journal.firsts(...calls)).toEqual(calls);
