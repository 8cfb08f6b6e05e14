/** Properties of patches of realistic code: the order of hand-offs, line ends, and comments between any two lines. */
import * as fc from 'fast-check';
import { expect, it } from 'vitest';
import { applyEdits, patchTerraform } from '../../../../cli/hand-off/terraform/index.ts';
import type { CodeFile } from '../../../../cli/hand-off/terraform/model.ts';
import { parseFiles } from '../../../../cli/hand-off/terraform/parse.ts';
import type { HandOff } from '../../../../lambdas/domain/terms/hand-off.ts';
import { filesOf, FIXTURES, migrated } from './fixtures.ts';
import { forAllAsync } from '../../../for-all.ts';

async function patched(files: readonly CodeFile[], handOff: HandOff): Promise<CodeFile[]> {
  return applyEdits(files, (await patchTerraform(files, handOff)).edits);
}

const edited = FIXTURES.filter((fixture) => fixture.edited);

it.each(['several-addons', 'module-one-line'])('Several hand-offs %s is the same in any order', async (name) => {
  const addons = ['aws-ebs-csi-driver', 'aws-efs-csi-driver'];
  const results = new Set<string>();
  for (const order of [addons, addons.toReversed()]) {
    let files = filesOf(name);
    for (const addon of order) files = await patched(files, migrated(addon));
    for (const addon of order) expect((await patchTerraform(files, migrated(addon))).edits).toEqual([]);
    results.add(JSON.stringify(files));
  }
  expect(results.size).toBe(1);
});

const withLineEnds = (files: readonly CodeFile[], lineEnd: string): CodeFile[] =>
  files.map(({ path, text }) => ({ path, text: text.replaceAll(/\r?\n/g, lineEnd) }));

it.each(edited)('Line ends $name has the same patch with both', async ({ name, handOff }) => {
  const files = filesOf(name);
  const unix = await patched(withLineEnds(files, '\n'), handOff);
  expect(await patched(withLineEnds(files, '\r\n'), handOff)).toEqual(withLineEnds(unix, '\r\n'));
});

const MARK = '# inserted ';

/** Inserts comments and blank lines at the starts of lines. Returns undefined if one is within a text. */
async function commented(files: readonly CodeFile[], places: readonly number[]): Promise<CodeFile[] | undefined> {
  const result = files.map(({ path, text }) => {
    if (!path.endsWith('.tf')) return { path, text };
    const lines = text.split('\n');
    for (const [index, place] of places.entries()) {
      const at = place % Math.max(1, lines.length - 1);
      const indent = /^[ \t]*/.exec(lines[at] ?? '')?.[0] ?? '';
      lines.splice(at, 0, index % 3 === 2 ? '' : `${indent}${MARK}${String(index)}`);
    }
    return { path, text: lines.join('\n') };
  });
  const [before, after] = [await parseFiles(files), await parseFiles(result)];
  const comments = places.filter((_, index) => index % 3 !== 2).length;
  const sound = after.every(
    ({ path, errorLine, comments: found }, index) =>
      errorLine === undefined &&
      (!path.endsWith('.tf') || found.length === (before[index]?.comments.length ?? 0) + comments),
  );
  return sound ? result : undefined;
}

/** The text without what was inserted, and without spacing: comments separate lines that are aligned. */
const bare = (text: string): string[] =>
  text
    .split('\n')
    .filter((line) => line.trim() !== '' && !line.trim().startsWith(MARK))
    .map((line) =>
      line
        .replace(new RegExp(` ${MARK}\\d+`), '')
        .replaceAll(/[ \t]+/g, ' ')
        .trim(),
    );

// Byte order marks and single lines have no line start where a comment could be.
const native = edited.filter(({ name }) =>
  filesOf(name).every(({ path, text }) => path.endsWith('.tf') && !text.includes('\r') && !text.startsWith('\uFEFF')),
);

it('Comments between lines survive, and change nothing else', async () =>
  forAllAsync(
    150,
    fc.constantFrom(...native),
    fc.array(fc.nat(200), { minLength: 1, maxLength: 6 }),
    async ({ name, handOff }, places) => {
      const files = filesOf(name);
      const input = await commented(files, places);
      fc.pre(input !== undefined);
      const patch = await patchTerraform(input, handOff);
      // A value with comments is not replaced.
      fc.pre(patch.edits.length > 0);
      const [output, expected] = [applyEdits(input, patch.edits), await patched(files, handOff)];
      for (const [index, { text }] of output.entries()) {
        for (const [line] of input[index]!.text.matchAll(/# inserted \d+/g)) expect(text).toContain(line);
        expect(bare(text).toSorted()).toEqual(bare(expected[index]!.text).toSorted());
      }
      expect((await patchTerraform(output, handOff)).edits).toEqual([]);
    },
  ));
