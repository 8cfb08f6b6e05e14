/**
 * `node scripts/consumers.ts` writes the table of docs/consumers.md from the rules of `lambdas/domain/consumers`. A test
 * fails if it is stale.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DETECTORS } from '../lambdas/domain/consumers/find.ts';
import type { Need } from '../lambdas/domain/consumers/model.ts';
import type { ConsumerRule } from '../lambdas/domain/consumers/seen.ts';
import { table, withPositions } from './schema-tables.ts';

export const CONSUMERS_FILE = join(import.meta.dirname, '..', 'docs', 'consumers.md');

const WHEN: Readonly<Record<Need, string>> = {
  annotation: 'the annotation is removed',
  trust: 'the trust is retired',
  pods: 'the pods have EKS Pod Identity',
};

/** Returns the rules that differ in nothing but the kind as one, with all kinds. */
function byText(rules: readonly ConsumerRule[]): (ConsumerRule & { kinds: string[] })[] {
  const found = new Map<string, ConsumerRule & { kinds: string[] }>();
  for (const rule of rules) {
    const { product, field, needs, instead, source, kind } = rule;
    const key = JSON.stringify([product, field, needs, instead, source]);
    const kinds = found.get(key)?.kinds ?? [];
    found.set(key, { ...rule, kinds: kinds.includes(kind) ? kinds : [...kinds, kind] });
  }
  return [...found.values()];
}

/** Returns the text with its table replaced. Throws an `Error` if it has no marks for the table. */
export const withConsumers = (text: string): string =>
  withPositions(
    text,
    {
      consumers: table(
        ['software', 'kind', 'found by', 'loses AWS access when', 'instead', 'source'],
        byText(DETECTORS.flatMap(({ rules }) => rules)).map(({ product, kinds, field, needs, instead, source }) => [
          product,
          kinds.join(', '),
          field,
          needs.map((need) => WHEN[need]).join('; '),
          instead,
          source,
        ]),
      ),
    },
    { script: 'scripts/consumers.ts', file: CONSUMERS_FILE },
  );

if (import.meta.main) {
  writeFileSync(CONSUMERS_FILE, withConsumers(readFileSync(CONSUMERS_FILE, 'utf8')));
  console.log('Wrote the table of docs/consumers.md.');
}
