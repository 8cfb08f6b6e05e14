import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { SDK_VERSIONS_FILE, withSdkVersions } from '../scripts/sdk-versions.ts';

it('docs/sdk-versions.md has the table of images', () => {
  const text = readFileSync(SDK_VERSIONS_FILE, 'utf8');
  expect(text, 'run: node scripts/sdk-versions.ts').toBe(withSdkVersions(text));
});
