/** Archives keep every byte of their files. */
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { CodeFile } from '../../../../cli/hand-off/terraform/model.ts';
import { archiveText, filesIn } from './txtar.ts';
import { forAllIn } from '../../../for-all.ts';

describe('an archive', () => {
  const files = [
    { path: 'main.tf', text: 'a = 1\n\n' },
    { path: 'windows.tf', text: '\uFEFFa = 1\r\nb = 2\n' },
    { path: 'empty.tf', text: '' },
    { path: 'unended.tf', text: 'a = 1' },
  ];

  it('is text with one kind of line end, and the files after a comment', () => {
    const text = archiveText(files, 'Line ends.\n');
    expect(text).toBe(
      'Line ends.\n-- main.tf --\na = 1\n\n-- windows.tf --\n␂a = 1␍\nb = 2\n-- empty.tf --\n-- unended.tf --\na = 1␃\n',
    );
    expect(filesIn(text)).toEqual(files);
  });

  it('is read as it was written, or not written', () => {
    const part = fc.constantFrom('a', ' ', '\n', '\r', '\uFEFF', '\r\n', '-- a --', '-- b --\n', '␍', '␂', '␃', '💾');
    const text = fc.array(part, { maxLength: 8 }).map((parts) => parts.join(''));
    const archiveOf = (written: readonly CodeFile[]): string | undefined => {
      try {
        return archiveText(written);
      } catch {
        return undefined;
      }
    };
    const kinds = new Set<boolean>();
    forAllIn(500, text, text, (one, other) => {
      const both = [
        { path: 'one', text: one },
        { path: 'other', text: other },
      ];
      const archive = archiveOf(both);
      kinds.add(archive === undefined);
      // Only what looks like a sign or a header is refused.
      const isAmbiguous = /[␍␂␃]|^-- [ab] --$/m.test(`${one}\n${other}`);
      expect(archive === undefined ? isAmbiguous : filesIn(archive)).toEqual(archive === undefined ? true : both);
      expect(archive ?? '').not.toMatch(/[\r\uFEFF]/);
    });
    expect(kinds.size).toBe(2);
  });

  it.each([
    ['Windows line ends', '-- a --\r\n', 'no carriage returns'],
    ['a byte order mark', '\uFEFF-- a --\n', 'no byte order mark'],
    ['no line end at its end', '-- a --\nb', 'ends with a line end'],
    ['a file twice', '-- a --\n-- a --\n', 'two files named a'],
    ['a file that goes on after its end', '-- a --\nb␃\nc\n', 'a has ␃ before its end'],
  ])('is refused with %s', (_, archive, message) => expect(() => filesIn(archive)).toThrow(message));
});
