import { execFileSync } from 'node:child_process';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  ifWanted,
  mayFail,
  note,
  option,
  pasteable,
  shellCommand,
  shellWord,
} from '../../../../lambdas/domain/text/shell.ts';
import { parseLine } from '../../aws-commands.ts';
import { ROLE, VERSION } from '../../fixtures.ts';
import { matching } from '../../matchers.ts';

const bash = (script: string): string =>
  execFileSync('/bin/bash', ['-c', script], { encoding: 'utf8', env: { HOME: '/somewhere', LC_ALL: 'C.UTF-8' } });
const hostile = [
  ["'", "''", '~', '$HOME', '`id`', '$(id)', '\\', '\n', 'a b', '*', '-n', '#x', '!', '{a,b}', '"', ';', '&', ''],
  ['\t', '=x', "'; rm -rf /; '"],
].flat();
const text = fc.string({
  unit: fc.oneof(
    fc.constantFrom(...`'"\\$\`!*?~#&|;<>(){}[] \n\t=-`.split('')),
    fc.string({ unit: 'grapheme', minLength: 1, maxLength: 1 }),
  ),
});
const words = [...hostile, ...fc.sample(text, { numRuns: 500, seed: 7 }).map((word) => word.replaceAll('\0', ''))];

describe('shellWord', () => {
  it('does not quote words without special characters', () => {
    for (const word of ['aws', '--region', ROLE, VERSION, 'a=b,c']) expect(shellWord(word)).toBe(word);
  });
  it('quotes the rest', () => {
    expect([shellWord(''), shellWord("it's")]).toEqual(["''", "'it'\\''s'"]);
    for (const word of ['=ls', '~', '@(x)', '%1', '+x', '^x', '#x', '{a,b}', 'a==ls', 'b:=ls', 'a=~', 'x='])
      expect(shellWord(word)).toBe(`'${word}'`);
  });
  it('escapes what a terminal acts on, and what bash expands in single quotes within double quotes', () => {
    expect(shellWord("a\r\t\u001b!\u202eé'\\")).toBe(String.raw`$'a\015\011\033\041\342\200\256\303\251\047\134'`);
    for (const word of words) expect(shellWord(word)).toMatch(/^[ -~]+$/);
    expect(shellWord('$HOME `id` *')).toBe("'$HOME `id` *'");
  });
  it('passes through a shell unchanged', () =>
    expect(
      bash(`printf '%s\\0' ${words.map(shellWord).join(' ')}`)
        .split('\0')
        .slice(0, -1),
    ).toEqual(words));
  it("passes through the tests' own parser as through a shell", async () => {
    const line = await parseLine(`aws ${words.map(shellWord).join(' ')}`, () =>
      Promise.reject(new Error('nothing to substitute')),
    );
    expect(line?.words.slice(1)).toEqual(words);
  });
});

describe('shellCommand', () => {
  it('joins words, omits undefined groups, and keeps shell syntax', () =>
    expect(shellCommand(['aws', 'a b'], undefined, ['--id', { raw: '"$(x)"' }])).toBe(`aws 'a b' --id "$(x)"`));
  it('keeps an option and a value that looks like one together', () => {
    expect(option('--configuration-values', '---\na: 1')).toEqual(['--configuration-values=---\na: 1']);
    expect(option('--policy', '{}')).toEqual(['--policy', '{}']);
  });
  it('builds notes only from its own words and names', () => {
    const [arn, said] = ['arn:aws:iam::111122223333:role/a@b', "$(id) it's\r"];
    expect(note`Role ${arn} has ${said}.`).toBe(": 'Role arn:aws:iam::111122223333:role/a@b has (not shown).'");
    expect(bash(`set -e\n${note`It's $HOME, "so"`}\n${ifWanted('aws x')}\necho on`)).toBe('on\n');
  });
  it('makes lines that an earlier release has stored safe to paste, with the same words', () => {
    expect(pasteable('# Conflicts: x\raws eks delete-addon')).toMatch(/^: '[\w .]+'$/);
    const word = "it's\r\t\n\u202eé";
    const line = `printf %s '${word.replaceAll("'", String.raw`'\''`)}'`;
    expect([pasteable(line), bash(pasteable(line))]).toEqual([matching(/^[ -~]+$/), word]);
    for (const made of [note`x`, shellCommand(['a', word])]) expect(pasteable(made)).toBe(made);
  });
  it('allows a line to fail if requested', () => expect(bash(`set -e; ${mayFail('false')}; echo on`)).toBe('on\n'));
});
