/** What the arguments of a conformance run select. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { partNamed, PARTS, readOrder } from '../../conformance/parts.ts';
import { kindsOf } from '../../conformance/part-results.ts';
import { plantedOf } from '../../conformance/planted-part.ts';

const pods = partNamed('pods');

describe('the arguments of a conformance run', () => {
  it('select every part, or those that are named in the order in which they run', () => {
    expect(readOrder([])).toEqual({ kind: 'parts', parts: PARTS });
    expect(readOrder(['api', 'pods'])).toEqual({ kind: 'parts', parts: [pods, partNamed('api')] });
    expect(readOrder(['document'])).toEqual({ kind: 'document' });
  });

  it('pass flags to one part', () => {
    expect(readOrder(['pods'])).toEqual({ kind: 'part', part: pods, args: [] });
    expect(readOrder(['pods', '--seed', '3'])).toEqual({ kind: 'part', part: pods, args: ['--seed', '3'] });
    expect(readOrder(['pods', '--brief', '--plant', 'x', '--seed', '3'])).toEqual({
      kind: 'part',
      part: pods,
      args: ['--brief', '--seed', '3'],
      plant: 'x',
    });
    expect(readOrder(['kubernetes', '--plant', 'x'])).toEqual({
      kind: 'part',
      part: partNamed('kubernetes'),
      args: ['--plant', 'x'],
    });
  });

  it.each([
    [['nodes'], 'There is no part "nodes".'],
    [['pods', 'document'], 'There is no part "document".'],
    [['--brief'], `--brief is a flag of one part, and ${PARTS.length} are named.`],
    [['pods', 'api', '--brief'], '--brief is a flag of one part, and 2 are named.'],
    [['pods', '--plant'], '--plant needs the name of a defect.'],
    [['pods', '--plant', '--brief'], '--plant needs the name of a defect.'],
  ])('refuses %j, with the usage', (words, first) => {
    const order = readOrder(words);
    expect(order.kind === 'refused' && order.message.split('\n')[0]).toBe(first);
    expect(order.kind === 'refused' && order.message).toContain('npm run conformance');
  });
});

describe.each(PARTS)('the part $name', ({ name }) => {
  it('has a module, and defects that can be planted', () => {
    expect(existsSync(join(import.meta.dirname, '../../conformance', name, 'main.ts'))).toBe(true);
    if (name === 'kubernetes') return;
    expect(plantedOf(name).length).toBeGreaterThan(0);
  });
});

describe('the differences that are kept', () => {
  const difference = (where: string, real: string) => ({ where, what: 'x', sandbox: '1', real, reason: 'R.' });

  it('are one of each kind, with the shortest place, the most frequent first', () => {
    const all = [difference('long place', '2'), difference('a', '2'), difference('only', '3')];
    expect(kindsOf(all)).toEqual([
      { times: 2, example: all[1] },
      { times: 1, example: all[2] },
    ]);
  });
});
