import { expect } from 'vitest';
import type { Check } from '../../../lambdas/domain/migration/model.ts';

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

/** The only check that is answered. */
export const only = (checks: Check[]): Check => {
  expect(checks).toHaveLength(1);
  return checks[0]!;
};
