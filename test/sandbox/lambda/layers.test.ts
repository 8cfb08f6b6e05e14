import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { withLocalLayers } from '../../../sandbox/lambda/layers.ts';

const scratch = mkdtempSync(join(tmpdir(), 'layers-test-'));
afterAll(() => rmSync(scratch, { recursive: true, force: true }));
const layer = (name: string, ...files: string[]): string => {
  const folder = join(scratch, name);
  mkdirSync(folder);
  for (const file of files) writeFileSync(join(folder, file), '{}');
  return folder;
};
const [one, two] = [layer('one', 'a.json', 'both.json'), layer('two', 'both.json')];

describe("a function's environment on this machine", () => {
  it("has the paths of its layers' files on this machine", () =>
    expect(
      withLocalLayers({
        environment: { A: '/opt/a.json', BOTH: '/opt/both.json', NONE: '/opt/none.json', TABLE_NAME: 'ledger' },
        layerDirectories: [one, two],
      }),
    ).toEqual({
      A: join(one, 'a.json'),
      // The last layer is unpacked over the others.
      BOTH: join(two, 'both.json'),
      NONE: '/opt/none.json',
      TABLE_NAME: 'ledger',
    }));

  it('is unchanged without layers', () =>
    expect(withLocalLayers({ environment: { A: '/opt/a.json' } })).toEqual({ A: '/opt/a.json' }));
});
