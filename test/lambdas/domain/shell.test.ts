import { execFileSync } from 'node:child_process';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { comment, mayFail, option, shellCommand, shellWord } from '../../../lambdas/domain/shell.ts';
import { parseLine } from '../aws-commands.ts';
import { ROLE, VERSION } from '../fixtures.ts';

const sh = (script: string): string =>
  execFileSync('/bin/sh', ['-c', script], { encoding: 'utf8', env: { HOME: '/somewhere', LC_ALL: 'C.UTF-8' } });
const hostile = [
  "'",
  "''",
  '~',
  '$HOME',
  '`id`',
  '$(id)',
  '\\',
  '\n',
  'a b',
  '*',
  '-n',
  '#x',
  '!',
  '{a,b}',
  '"',
  ';',
  '&',
  '',
  '\t',
  '=x',
  "'; rm -rf /; '",
];
const text = fc.string({
  unit: fc.oneof(
    fc.constantFrom(...`'"\\$\`!*?~#&|;<>(){}[] \n\t=-`.split('')),
    fc.string({ unit: 'grapheme', minLength: 1, maxLength: 1 }),
  ),
});
const words = [...hostile, ...fc.sample(text, { numRuns: 500, seed: 7 }).map((word) => word.replaceAll('\0', ''))];

describe('shellWord', () => {
  it('leaves plain words as they are', () => {
    for (const word of ['aws', '--region', ROLE, VERSION, 'a=b,c']) expect(shellWord(word)).toBe(word);
  });
  it('quotes the rest', () => {
    expect(shellWord('')).toBe("''");
    expect(shellWord("it's")).toBe("'it'\\''s'");
    expect(shellWord('$HOME `id` *')).toBe("'$HOME `id` *'");
  });
  it('comes through a shell unchanged', () => {
    expect(
      sh(`printf '%s\\0' ${words.map(shellWord).join(' ')}`)
        .split('\0')
        .slice(0, -1),
    ).toEqual(words);
  });
  it("comes through the tests' own reader as through a shell", async () => {
    const line = await parseLine(`aws ${words.map(shellWord).join(' ')}`, () =>
      Promise.reject(new Error('nothing to substitute')),
    );
    expect(line?.words.slice(1)).toEqual(words);
  });
});

describe('shellCommand', () => {
  it("joins words, leaves out what is not there, and keeps what is the shell's own", () => {
    expect(shellCommand(['aws', 'a b'], undefined, ['--id', { raw: '"$(x)"' }])).toBe(`aws 'a b' --id "$(x)"`);
  });
  it('keeps an option and a value that looks like one together', () => {
    expect(option('--configuration-values', '---\na: 1')).toEqual(['--configuration-values=---\na: 1']);
    expect(option('--policy', '{}')).toEqual(['--policy', '{}']);
  });
  it('keeps a comment on one line', () => {
    expect(comment('Conflicts:\nConfigMap a\n  Deployment b')).toBe('# Conflicts: ConfigMap a Deployment b');
  });
  it('lets a line fail where it says so', () => {
    expect(sh(`set -e; ${mayFail('false')}; echo on`)).toBe('on\n');
  });
});
