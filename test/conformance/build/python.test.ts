/** What a Python environment is made of, and what is reported where there is no Python. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { packagesOf, problemWithPython } from '../../../conformance/build/python.ts';

const CONFORMANCE = join(import.meta.dirname, '../../../conformance');

describe('a list of Python packages', () => {
  it('has names with exact versions', () => {
    const list = '# Comment.\nmoto[all]==5.2.5  # why\n\nJinja2==3.1.6 ; python_version < "3.13"\n';
    expect([...packagesOf(list)]).toEqual([
      ['moto', '5.2.5'],
      ['jinja2', '3.1.6'],
    ]);
  });

  it.each(['moto', 'moto>=5', 'moto==', '-r other.txt'])('refuses %j', (line) =>
    expect(() => packagesOf(line)).toThrow('is not a package with its exact version'),
  );

  it('is pinned in every part', () => {
    const lists = readdirSync(CONFORMANCE, { recursive: true, encoding: 'utf8' }).filter(
      (name) => name.endsWith('requirements.txt') && !name.includes('.build'),
    );
    for (const list of lists) expect(packagesOf(readFileSync(join(CONFORMANCE, list), 'utf8')).size).toBeGreaterThan(0);
  });
});

it.each([
  [[], 'there is none in PATH (python3,'],
  [['3.9.2', '3.10.1', undefined], 'the newest in PATH is 3.10.1.'],
])('a machine without a recent Python is explained: %j', (found, text) => {
  const problem = problemWithPython(found);
  expect(problem).toContain(text);
  expect(problem.split('\n').at(-1)).toMatch(/^Install it .*run the command again\.$/);
});
