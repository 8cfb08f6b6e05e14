import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { OWNERS_FILE, withOwners } from '../scripts/owners.ts';

it('docs/owners.md has the rules', () => {
  const text = readFileSync(OWNERS_FILE, 'utf8');
  expect(text, 'run: node scripts/owners.ts').toBe(withOwners(text));
});
