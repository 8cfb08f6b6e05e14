/** docs/promises.md names every check of the simulation, and docs/simulation.md describes each of them. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { PROMISES } from './simulation/promises.ts';

const read = (name: string): string => readFileSync(join(import.meta.dirname, '..', 'docs', name), 'utf8');
const names = PROMISES.map(({ name }) => name).toSorted();

it('docs/promises.md names each check of the simulation, and no other', () => {
  const sections = read('promises.md')
    .split(/^#{2,3} /m)
    .slice(1);
  const checks = sections.map(
    (section) => section.split('\nChecked by:')[1] ?? (section.startsWith('Also') ? section : ''),
  );
  const named = checks.flatMap((text) => [...text.matchAll(/`([a-z]+(?:-[a-z]+)+)`/g)].map(([, name = '']) => name));
  expect(checks.filter((text) => text === '')).toEqual([]);
  expect(named.toSorted()).toEqual(names);
});

it('docs/simulation.md describes each check of the simulation, and no other', () => {
  const [, table = ''] = read('simulation.md').split('\n## The promises\n');
  const described = [...table.split('\n## ')[0]!.matchAll(/^\| `([a-z-]+)` \|/gm)].map(([, name = '']) => name);
  expect(described.toSorted()).toEqual(names);
});
