import { expect } from 'vitest';

const like = (text: string | RegExp): string =>
  (typeof text === 'string' ? expect.stringContaining(text) : expect.stringMatching(text)) as string;

/** What a check says: its status, and what its message and its remedy contain or match. */
export const said = (
  status: string,
  message: string | RegExp,
  remedy?: string | RegExp,
): { status: string; message: string; remedy?: string } => ({
  status,
  message: like(message),
  ...(remedy === undefined ? {} : { remedy: like(remedy) }),
});
