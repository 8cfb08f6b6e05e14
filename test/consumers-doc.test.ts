import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { DETECTORS } from '../lambdas/domain/consumers/find.ts';
import { CONSUMERS_FILE, withConsumers } from '../scripts/consumers.ts';

const text = readFileSync(CONSUMERS_FILE, 'utf8');

it('docs/consumers.md has the table of rules', () =>
  expect(text, 'run: node scripts/consumers.ts').toBe(withConsumers(text)));

it('docs/consumers.md has every rule', () => {
  for (const { kind, field, instead } of DETECTORS.flatMap(({ rules }) => rules))
    for (const part of [kind, field, instead]) expect(text).toContain(part);
});
