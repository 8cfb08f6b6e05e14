/** What `hand-off patch` does with Terraform directories as real ones are shaped. */
import { createTwoFilesPatch } from 'diff';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { applyEdits, patchTerraform } from '../../../../cli/hand-off/terraform/index.ts';
import type { CodeFile, Finding, Patch } from '../../../../cli/hand-off/terraform/model.ts';
import { parseFiles } from '../../../../cli/hand-off/terraform/parse.ts';
import { filesOf, FIXTURES, FOLDER, FOLDERS } from './fixtures.ts';

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

const lineEndsOf = (text: string): { crlf: number; lf: number } => ({
  crlf: text.split('\r\n').length - 1,
  lf: text.split('\n').length - 1,
});

describe('Fixtures of Terraform code', () => {
  it('has a hand-off for each directory, and each directory for a hand-off', () => {
    expect(FIXTURES.length).toBeGreaterThan(80);
    const names = FIXTURES.map(({ name }) => name).filter((name) => name !== 'empty-directory');
    expect(names.toSorted()).toEqual(FOLDERS.toSorted());
  });

  it.each(FIXTURES)('$name', async ({ name, handOff, edited, left }) => {
    const files = filesOf(name);
    const patch = await patchTerraform(files, handOff);
    const after = applyEdits(files, patch.edits);

    const text = described(patch, files, after);
    const expected = join(FOLDER, name, 'expected.txt');
    if (process.env['WRITE_FIXTURES'] !== undefined && name !== 'empty-directory') writeFileSync(expected, text);
    if (existsSync(expected)) expect(text).toBe(readFileSync(expected, 'utf8'));

    expect({ edited: patch.edits.length > 0, left: patch.findings.some(({ result }) => result === 'left') }).toEqual({
      edited,
      left,
    });

    const again = await patchTerraform(after, handOff);
    expect(again.edits).toEqual([]);
    expect(again.findings.filter(({ result }) => result === 'changed')).toEqual([]);
    expect(again.findings.some(({ result }) => result === 'left')).toBe(left);
  });

  it.each(FIXTURES.filter(({ edited }) => edited))(
    '$name keeps comments, line ends and other lines',
    async (fixture) => {
      const files = filesOf(fixture.name);
      const after = applyEdits(files, (await patchTerraform(files, fixture.handOff)).edits);
      const [parsedBefore, parsedAfter] = [await parseFiles(files), await parseFiles(after)];
      for (const [index, { path, text }] of after.entries()) {
        const former = files[index]!.text;
        expect(text.startsWith('\uFEFF'), path).toBe(former.startsWith('\uFEFF'));
        expect(text.endsWith('\n'), path).toBe(former.endsWith('\n') || (text !== former && text.endsWith('\n')));
        const [ends, formerEnds] = [lineEndsOf(text), lineEndsOf(former)];
        if (formerEnds.lf > 0) expect(ends.crlf === ends.lf, path).toBe(formerEnds.crlf === formerEnds.lf);
        if (path.endsWith('.json')) continue;
        expect(parsedAfter[index]!.errorLine, path).toBe(parsedBefore[index]!.errorLine);
        const comments = parsedAfter[index]!.comments.map((comment) => comment.text);
        for (const { text: comment } of parsedBefore[index]!.comments) expect(comments, path).toContain(comment);
      }
    },
  );
});
