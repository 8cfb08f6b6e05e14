/** The files of results: summaries in the repository, and everything that a run has found. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { readJson } from '../../conformance/kept-json.ts';
import { writeWholeResults } from '../../conformance/part-results.ts';

it('everything that a run has found is written to a folder of its own, with each value on a line', () => {
  const folder = mkdtempSync(join(tmpdir(), 'results-'));
  try {
    const found = { differences: [{ where: 'a', sandbox: 'x'.repeat(120), reason: undefined }] };
    writeWholeResults('pods', found, join(folder, 'new'));
    const file = join(folder, 'new', 'pods.json');
    expect(readJson(file)).toEqual({ differences: [{ where: 'a', sandbox: 'x'.repeat(120) }] });
    expect(readFileSync(file, 'utf8').split('\n')).toHaveLength(9);
  } finally {
    rmSync(folder, { recursive: true });
  }
});
