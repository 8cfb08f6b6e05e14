/** What `hand-off patch` does with Terraform directories as real ones are shaped. */
import { createTwoFilesPatch } from 'diff';
import { describe, expect, it } from 'vitest';
import { applyEdits, patchTerraform } from '../../../../cli/hand-off/terraform/index.ts';
import type { CodeFile, Finding, Patch } from '../../../../cli/hand-off/terraform/model.ts';
import { parseFiles } from '../../../../cli/hand-off/terraform/parse.ts';
import { ARCHIVES, expectedOf, filesOf, FIXTURES, writeExpected } from './fixtures.ts';

const findingText = ({ result, about, path, line, what, why, next }: Finding): string =>
  [
    `${result} ${about}${path === undefined ? '' : ` ${path}:${String(line)}`}`,
    `  ${what}`,
    ...(why === undefined ? [] : [`  ${why}`]),
    ...(next === undefined ? [] : [`  > ${next}`]),
  ].join('\n');

const diffOf = (before: readonly CodeFile[], after: readonly CodeFile[]): string =>
  after
    .flatMap(({ path, text }, index) => {
      const former = before[index]?.text ?? '';
      return former === text ? [] : [createTwoFilesPatch(path, path, former, text, '', '', { context: 2 })];
    })
    .join('');

const described = ({ findings }: Patch, before: readonly CodeFile[], after: readonly CodeFile[]): string =>
  `${findings.map(findingText).join('\n')}\n\n${diffOf(before, after)}`;

/** Returns what an edit must not change of a file as a whole. */
const formOf = (text: string): { mark: boolean; ended: boolean; lineEnds: string[] } => ({
  mark: text.startsWith('\uFEFF'),
  ended: text.endsWith('\n'),
  lineEnds: [...new Set([...text.matchAll(/\r?\n/g)].map(([end]) => end))],
});

describe('Fixtures of Terraform code', () => {
  it('has a hand-off for each archive, and each archive for a hand-off', () => {
    expect(FIXTURES.length).toBeGreaterThan(80);
    expect(FIXTURES.map(({ name }) => name).toSorted()).toEqual(ARCHIVES.toSorted());
  });

  it.each(FIXTURES)('$name', async ({ name, handOff, edited, left }) => {
    const files = filesOf(name);
    const patch = await patchTerraform(files, handOff);
    const after = applyEdits(files, patch.edits);

    const text = described(patch, files, after);
    if (process.env['WRITE_FIXTURES'] !== undefined) writeExpected(name, text);
    expect(text).toBe(expectedOf(name));

    expect({ edited: patch.edits.length > 0, left: patch.findings.some(({ result }) => result === 'left') }).toEqual({
      edited,
      left,
    });

    const again = await patchTerraform(after, handOff);
    expect([again.edits, again.findings.filter(({ result }) => result === 'changed')]).toEqual([[], []]);
    expect(again.findings.some(({ result }) => result === 'left')).toBe(left);
  });

  it.each(FIXTURES.filter(({ edited }) => edited))('$name keeps comments and other lines', async (fixture) => {
    const all = filesOf(fixture.name);
    const { edits } = await patchTerraform(all, fixture.handOff);
    const isNative = ({ path }: CodeFile): boolean => !path.endsWith('.json');
    const [files, after] = [all.filter(isNative), applyEdits(all, edits).filter(isNative)];
    const [before, parsedAfter] = [await parseFiles(files), await parseFiles(after)];

    expect(after.map(({ text }) => formOf(text))).toEqual(before.map(({ text }) => formOf(text)));
    expect(parsedAfter.map(({ errorLine }) => errorLine)).toEqual(before.map(({ errorLine }) => errorLine));
    const texts = parsedAfter.map(({ comments }) => comments.map(({ text }) => text));
    const lost = before.flatMap(({ comments }, index) => comments.filter(({ text }) => !texts[index]!.includes(text)));
    expect(lost).toEqual([]);
  });
});
