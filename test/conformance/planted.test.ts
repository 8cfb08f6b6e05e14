/** The defects that are planted for the parts: each must fit the sources as they are. */
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { PARTS } from '../../conformance/parts.ts';
import { plant } from '../../conformance/planted.ts';
import { plantedOf } from '../../conformance/planted-part.ts';

const ROOT = join(import.meta.dirname, '../..');
const defects = PARTS.flatMap(({ name: part }) => plantedOf(part).map((defect) => ({ part, ...defect })));

describe('planted defects', () => {
  it.each(defects)('$part: $name fits its file, and says what it is about', ({ name, patch, head }) => {
    const directory = mkdtempSync(join(tmpdir(), 'planted-'));
    try {
      const [, file = ''] = /^--- a\/(.+)$/m.exec(patch) ?? [];
      mkdirSync(dirname(join(directory, file)), { recursive: true });
      copyFileSync(join(ROOT, file), join(directory, file));
      expect(plant({ name, patch }, directory)).toBe(file);
      expect(readFileSync(join(directory, file), 'utf8')).not.toBe(readFileSync(join(ROOT, file), 'utf8'));
      expect(head('about')).toHaveLength(1);
    } finally {
      rmSync(directory, { recursive: true });
    }
  });
});
