/** What a test expects of texts and errors of which it names the part that matters. */
import { expect } from 'vitest';

/** Matches a text that contains this part. */
export const textWith = (part: string): string => expect.stringContaining(part) as string;
/** Matches a text by a pattern. */
export const textLike = (pattern: RegExp | string): string => expect.stringMatching(pattern) as string;
/** Matches an error, or what is recorded of one, by its name and its message. */
export const anError = (name: string, message: string): { name: string; message: string } => ({ name, message });
