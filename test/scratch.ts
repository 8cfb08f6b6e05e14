import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll } from 'vitest';

/** Creates a directory for the tests of the file, or of the `describe`, that calls this; it is removed after them. */
export const scratchDirectory = (): string => {
  const directory = mkdtempSync(join(tmpdir(), 'scratch-'));
  afterAll(() => rmSync(directory, { recursive: true, force: true }));
  return directory;
};
