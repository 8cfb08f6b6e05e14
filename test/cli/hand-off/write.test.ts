import {
  chmodSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { applyPatch } from 'diff';
import * as fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { diffOf } from '../../../cli/hand-off/diff.ts';
import { type CodeOnDisk, readDirectory } from '../../../cli/hand-off/directory.ts';
import { type Change, writeChanges } from '../../../cli/hand-off/write.ts';
import { errorOf } from '../fixtures.ts';
import { forAll } from '../../for-all.ts';

let folder = '';
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'hand-off-'));
  writeFileSync(join(folder, 'a.tf'), 'a\r\nb', { mode: 0o640 });
  writeFileSync(join(folder, 'b.tf'), 'b\n');
});
afterEach(() => {
  chmodSync(folder, 0o755);
  rmSync(folder, { recursive: true });
});

const changed = (files: readonly CodeOnDisk[], path: string, text: string): Change => ({
  code: files.find((one) => one.path === path)!,
  text,
});
const textOf = (name: string): string => readFileSync(join(folder, name), 'utf8');

describe('changed files', () => {
  it('are written with their permissions, and leave nothing else behind', () => {
    const files = readDirectory(folder);
    writeChanges(folder, files, [changed(files, 'a.tf', 'c\r\nd')]);
    expect([textOf('a.tf'), textOf('b.tf')]).toEqual(['c\r\nd', 'b\n']);
    expect(statSync(join(folder, 'a.tf')).mode & 0o7777).toBe(0o640);
    expect(readdirSync(folder).toSorted()).toEqual(['a.tf', 'b.tf']);
  });

  it.each([
    ['changed', () => writeFileSync(join(folder, 'b.tf'), 'other'), /b\.tf was changed by another program/],
    ['added', () => writeFileSync(join(folder, 'c.tf'), ''), /c\.tf was changed by another program/],
    ['removed', () => rmSync(join(folder, 'b.tf')), /b\.tf was changed by another program/],
  ])('are not written if any file was %s meanwhile', (_what, meanwhile, message) => {
    const files = readDirectory(folder);
    meanwhile();
    const before = readdirSync(folder).toSorted();
    const error = errorOf(() => writeChanges(folder, files, [changed(files, 'a.tf', 'c')]));
    expect(error).toMatchObject({ name: 'CodeChanged', exitCode: 3 });
    expect(error.message).toMatch(message);
    expect([textOf('a.tf'), readdirSync(folder).toSorted()]).toEqual(['a\r\nb', before]);
  });

  it('are not written if one of them is a symbolic link', () => {
    symlinkSync('a.tf', join(folder, 'link.tf'));
    const files = readDirectory(folder);
    const changes = [changed(files, 'b.tf', 'c'), changed(files, 'link.tf', 'c')];
    expect(errorOf(() => writeChanges(folder, files, changes))).toMatchObject({ name: 'LinkedCode', exitCode: 2 });
    expect([textOf('a.tf'), textOf('b.tf')]).toEqual(['a\r\nb', 'b\n']);
  });

  it('are not written in a directory that is not writable', () => {
    const files = readDirectory(folder);
    const [first] = files;
    // A directory that does not exist fails for every user; the permissions of one do not stop root.
    const gone = { ...first!, file: join(folder, 'gone', 'a.tf') };
    const error = errorOf(() => writeChanges(folder, files, [changed(files, 'b.tf', 'c'), { code: gone, text: 'c' }]));
    expect(error).toMatchObject({ name: 'CodeNotWritten', exitCode: 1 });
    expect(error.message).toMatch(/gone\/a\.tf cannot be written: ENOENT.*; nothing was written$/);
    expect([textOf('b.tf'), readdirSync(folder).toSorted()]).toEqual(['b\n', ['a.tf', 'b.tf']]);
  });
});

describe('the diff', () => {
  const code = (path: string, text: string): CodeOnDisk => ({
    path,
    text,
    file: path,
    bytes: Buffer.from(text),
    mode: 0o644,
    isLink: false,
  });

  it('has the names that patch -p1 and git apply expect, and marks a missing final newline', () =>
    expect(diffOf({ code: code('modules/a/main.tf', 'a\r\nb'), text: 'a\r\nc' })).toBe(
      [
        '--- a/modules/a/main.tf',
        '+++ b/modules/a/main.tf',
        '@@ -1,2 +1,2 @@',
        ' a\r',
        '-b',
        String.raw`\ No newline at end of file`,
        '+c',
        String.raw`\ No newline at end of file`,
        '',
      ].join('\n'),
    ));

  it('is empty without a change, and otherwise gives the changed text', () => {
    const text = fc
      .array(fc.constantFrom('a', 'b', 'ü', '', '}', '\r'), { maxLength: 30 })
      .map((lines) => lines.join('\n'));
    forAll(text, text, (before, after) => {
      const diff = diffOf({ code: code('main.tf', before), text: after });
      expect(diff === '').toBe(before === after);
      // An empty diff has no header to apply.
      expect(diff === '' ? before : applyPatch(before, diff, { autoConvertLineEndings: false })).toBe(after);
    });
  });
});
