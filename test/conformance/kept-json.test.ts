/** The form of the kept results. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { keptText, readJson } from '../../conformance/kept-json.ts';
import { writeWholeResults } from '../../conformance/part-results.ts';

const long = (name: string) => ({ name, text: 'x'.repeat(120) });

describe('the kept results', () => {
  it('have a line for each record, and for what is short', () => {
    expect(keptText({ date: '2026-11-29', counts: { a: 1 }, runs: [long('a'), long('b')] }, 2)).toBe(
      [
        '{',
        '  "date": "2026-11-29",',
        '  "counts": {"a":1},',
        '  "runs": [',
        `    {"name":"a","text":"${'x'.repeat(120)}"},`,
        `    {"name":"b","text":"${'x'.repeat(120)}"}`,
        '  ]',
        '}',
        '',
      ].join('\n'),
    );
    expect(keptText({ runs: [long('a')] }, 1).split('\n')).toHaveLength(4);
    expect(keptText({ a: undefined, runs: [undefined, long('a')] }, 3)).toContain('"runs": [\n    null,\n    {\n');
  });

  it('are read as they were written, at every depth', () => {
    const depths = fc.oneof(fc.nat({ max: 5 }), fc.constant(Infinity));
    fc.assert(
      fc.property(fc.jsonValue(), depths, (value, depth) => {
        expect(JSON.parse(keptText(value, depth))).toEqual(JSON.parse(JSON.stringify(value)));
      }),
    );
  });

  it('are written whole to another folder', () => {
    const folder = mkdtempSync(join(tmpdir(), 'results-'));
    try {
      writeWholeResults('pods', { differences: [long('a')] }, join(folder, 'new'));
      const file = join(folder, 'new', 'pods.json');
      expect(readJson(file)).toEqual({ differences: [long('a')] });
      expect(readFileSync(file, 'utf8').split('\n')).toHaveLength(9);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});
