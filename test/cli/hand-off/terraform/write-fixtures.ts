/**
 * Writes the fixtures before and after their patch, for `scripts/check-hand-off.sh`: `node
 * test/cli/hand-off/terraform/write-fixtures.ts FOLDER`. Each is a folder with the hand-off, and `before` and `after`.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { applyEdits, patchTerraform } from '../../../../cli/hand-off/terraform/index.ts';
import type { CodeFile } from '../../../../cli/hand-off/terraform/model.ts';
import { filesOf, FIXTURES } from './fixtures.ts';

const [folder] = process.argv.slice(2);
if (folder === undefined)
  throw new Error('Name the folder to write to: node test/cli/hand-off/terraform/write-fixtures.ts FOLDER.');

const write = (directory: string, files: readonly CodeFile[]): void => {
  mkdirSync(directory, { recursive: true });
  for (const { path, text } of files) writeFileSync(join(directory, path), text);
};

const edited = FIXTURES.filter((fixture) => fixture.edited);
for (const { name, handOff } of edited) {
  const before = filesOf(name);
  const { edits } = await patchTerraform(before, handOff);
  write(join(folder, name, 'before'), before);
  write(join(folder, name, 'after'), applyEdits(before, edits));
  writeFileSync(join(folder, name, 'hand-off.json'), JSON.stringify(handOff));
}
process.stdout.write(`Wrote ${edited.length} fixtures before and after their patch.\n`);
