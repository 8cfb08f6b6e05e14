/** Links and names by which code would be read, written or printed as something else than it is. */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { readDirectory } from '../../../cli/hand-off/directory.ts';
import { writeChanges } from '../../../cli/hand-off/write.ts';
import { isPrintable } from '../../../lambdas/domain/text/text.ts';
import { errorOf } from '../fixtures.ts';

let folder = '';
beforeEach(() => void (folder = mkdtempSync(join(tmpdir(), 'hand-off-'))));
afterEach(() => rmSync(folder, { recursive: true }));

const put = (path: string, text: string): void => {
  mkdirSync(join(folder, path, '..'), { recursive: true });
  writeFileSync(join(folder, path), text);
};
const call = (name: string): string => `module "${name}" {\n  source = "./${name}"\n}\n`;

describe('a linked directory', () => {
  it('outside of the named one is read, and not written', () => {
    put('shared/main.tf', 'locals {}\n');
    put('own/main.tf', call('shared'));
    symlinkSync(join(folder, 'shared'), join(folder, 'own/shared'));
    const own = join(folder, 'own');
    const code = readDirectory(own);
    expect(code.map(({ path, isLink }) => [path, isLink])).toEqual([
      ['main.tf', false],
      ['shared/main.tf', true],
    ]);
    const change = { code: code[1]!, text: 'changed\n' };
    expect(errorOf(() => writeChanges(own, code, [change])).message).toContain('symbolic link');
    expect(readFileSync(join(folder, 'shared/main.tf'), 'utf8')).toBe('locals {}\n');
  });

  it('is refused if the code also names it by another path, since an edit would concern both calls', () => {
    put('main.tf', call('a') + call('b'));
    put('a/main.tf', '');
    symlinkSync('a', join(folder, 'b'));
    expect(errorOf(() => readDirectory(folder)).message).toMatch(/b and .*a are the same directory by a symbolic link/);
  });

  it('that contains itself ends', () => {
    put('main.tf', call('a'));
    put('a/main.tf', call('a'));
    symlinkSync('.', join(folder, 'a/a'));
    expect(errorOf(() => readDirectory(folder)).message).toContain('are the same directory');
  });
});

it.each(['x\n--- a/other.tf', 'x\u001B[2K', 'x\u202E'])('a name that would change a diff is refused', (name) => {
  put('main.tf', '');
  writeFileSync(join(folder, `${name.replaceAll('/', '\u2215')}.tf`), '');
  const { message } = errorOf(() => readDirectory(folder));
  expect(message).toContain('has a character in its name that cannot be printed');
  expect(isPrintable(message)).toBe(true);
});
