/** The one form of JSON files that scripts write. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { jsonText } from '../../scripts/json-text.ts';
import { forAll } from '../for-all.ts';

const PREVIOUS = join(import.meta.dirname, '../upgrade/previous');
const LONG = 'x'.repeat(100);

describe('the text of a JSON file', () => {
  it('has an entry a line down to that level, and what is short or deeper on its line', () => {
    const value = { title: 'x', states: { A: { next: [LONG, { to: 'B' }] }, B: { end: true } }, list: [LONG, 1] };
    expect(jsonText(value)).toBe(
      [
        '{',
        '  "title": "x",',
        '  "states": {',
        `    "A": {"next":["${LONG}",{"to":"B"}]},`,
        '    "B": {"end":true}',
        '  },',
        '  "list": [',
        `    "${LONG}",`,
        '    1',
        '  ]',
        '}',
        '',
      ].join('\n'),
    );
    expect(jsonText(value, 3)).toContain(`    "A": {\n      "next": ["${LONG}",{"to":"B"}]\n    },\n`);
    expect(jsonText({ a: [], b: {}, c: undefined })).toBe('{"a":[],"b":{}}\n');
  });

  it('says what JSON says of any value, at any level', () =>
    forAll(fc.jsonValue({ maxDepth: 5 }), fc.nat({ max: 6 }), (value, levels) =>
      expect(JSON.parse(jsonText(value, levels))).toEqual(JSON.parse(JSON.stringify(value))),
    ));

  it.each(readdirSync(PREVIOUS))('is that of test/upgrade/previous/%s', (name) => {
    const text = readFileSync(join(PREVIOUS, name), 'utf8');
    expect(jsonText(JSON.parse(text))).toBe(text);
  });
});
