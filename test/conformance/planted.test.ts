/** The defects that are planted for the parts: each must fit the sources as they are. */
import { describe, expect, it } from 'vitest';
import { PARTS } from '../../conformance/parts.ts';
import { defectiveSource, withDefect } from '../../conformance/planted.ts';
import { plantedOf } from '../../conformance/planted-part.ts';

const defects = PARTS.flatMap(({ name: part }) => plantedOf(part).map((defect) => ({ part, ...defect })));

it.each(defects)('planted defects $part: $name fits its file, and says what it is about', (defect) => {
  expect(defectiveSource(defect)).toContain(defect.after);
  expect(defect.values('about')).toHaveLength(1);
});

describe('a defect', () => {
  const source = 'one\ntwo\nthree two\n';
  const defect = { name: 'x', file: 'y.ts' };

  it('replaces its text', () =>
    expect(withDefect({ ...defect, before: 'one', after: '$&!' }, source)).toBe('$&!\ntwo\nthree two\n'));

  it.each([
    ['four', 'The text before of the defect x must occur once in y.ts, not 0 times: four'],
    ['two', 'The text before of the defect x must occur once in y.ts, not 2 times: two'],
  ])('that replaces %s is refused, because it does not occur exactly once', (before, message) =>
    expect(() => withDefect({ ...defect, before, after: '' }, source)).toThrow(message),
  );

  it.each([
    ['one', 'one'],
    ['one\ntwo', '1\n2'],
    ['one', '1\n2'],
  ])('that replaces %j with %j is refused, because it does not change exactly one line', (before, after) =>
    expect(() => withDefect({ ...defect, before: before, after }, source)).toThrow('must change one line of y.ts'),
  );
});
