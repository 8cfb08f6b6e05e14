/**
 * Lines pasted into an interactive bash or zsh, with or without bracketed paste, run what the service meant and nothing
 * else, whichever third-party texts they repeat.
 */
import { describe, expect, it } from 'vitest';
import { note, shellCommand } from '../../lambdas/domain/text/shell.ts';
import { parseLine } from '../lambdas/aws-commands.ts';
import { restoreCommandsWith } from './pasted-restore-commands.ts';
import { paste, reason, SHELLS } from './paste.ts';
import { matching } from '../lambdas/matchers.ts';

const ATTACK = 'aws eks delete-cluster --name prod';
/** Each contains characters that a shell, its line editor or the terminal could act on. */
const HOSTILE = [
  `x\r${ATTACK}\r`,
  `'\r${ATTACK}\r'`,
  `\u001b[201~\r${ATTACK}\r\u001b[200~`,
  `x\n${ATTACK}\n`,
  `'; ${ATTACK}; '`,
  `$(${ATTACK})`,
  `\`${ATTACK}\``,
  `"; ${ATTACK}; "`,
  `|| ${ATTACK} #`,
  '=ls',
  'a==ls',
  'b:=ls',
  '~',
  'x=~',
  '~+',
  '!!',
  `it's !aws "!:0"`,
  '^a^b',
  '%1',
  '+1',
  '@(a|b)',
  '{a,b}',
  '*',
  '[a-z]',
  '#x',
  '<x',
  '>made',
  '>(touch made)',
  '\\',
  '\t\t',
  '\u0003',
  '\u0004',
  '\u001a',
  '\u0016',
  '\u001b.',
  '\u202ex\u2066',
  '\u200b',
  '\u00e9\u0627\u{1f600}',
  '\u009b31m',
  '-x',
  '',
  `---\na: "it's"\n`,
];

/** `: …` runs nothing; any other line runs its words, parsed by the tests' own reader, after its substitutions. */
async function meantBy(lines: readonly string[]): Promise<string[][]> {
  const calls: string[][] = [];
  const wordsOf = async (line: string): Promise<string[]> => {
    const parsed = await parseLine(line, async (inner) => {
      calls.push(await wordsOf(inner));
      return 'a-found';
    });
    return parsed?.words ?? [];
  };
  for (const line of lines) {
    const words = await wordsOf(line);
    if (words[0] !== ':') calls.push(words);
  }
  return calls;
}

const ways = SHELLS.flatMap((shell) => [
  { shell, bracketed: false, how: 'without bracketed paste' },
  { shell, bracketed: true, how: 'with bracketed paste' },
]);

describe.skipIf(reason !== undefined)(`what is pasted${reason === undefined ? '' : ` (${reason})`}`, () => {
  describe.each(ways)('into an interactive $shell, $how,', ({ shell, bracketed }) => {
    it('runs all restore commands with hostile texts at each position, and nothing else', async () => {
      // Each text reaches each kind of position: names, values, and both at once.
      const lines = [...HOSTILE.keys()]
        .filter((turn) => turn % 7 === 0)
        .flatMap((turn) => restoreCommandsWith((location) => HOSTILE[(location + turn) % HOSTILE.length] ?? ''))
        .flat();
      const { calls, made } = paste(shell, lines, bracketed);
      expect([calls, made]).toEqual([await meantBy(lines), []]);
    });

    it('passes on each hostile text as one unchanged word', () => {
      const { calls, made } = paste(
        shell,
        HOSTILE.flatMap((text) => [
          shellCommand(['aws', 'x', text]),
          shellCommand(['aws', 'x', `--tags=${text}`]),
          `aws x "$(${shellCommand(['aws', 'list', text])})"`,
          note`A note of ${text}, with "|| true"; it's one.`,
        ]),
        bracketed,
      );
      expect(calls).toEqual(
        HOSTILE.flatMap((text) => [
          ['aws', 'x', text],
          ['aws', 'x', `--tags=${text}`],
          ['aws', 'list', text],
          ['aws', 'x', ''],
        ]),
      );
      expect(made).toEqual([]);
    });
  });

  it.each([
    ['a carriage return in a comment', 'bash', `# Conflicts: x\r${ATTACK}`],
    ['a carriage return in a comment', 'zsh', `# Conflicts: x\r${ATTACK}`],
    ['a carriage return in quotes that end', 'bash', `aws x 'y'\r${ATTACK}\r''`],
    ['a comment', 'zsh', `# $(${ATTACK})`],
    ['a substitution in double quotes', 'bash', `aws x "$(${ATTACK})"`],
  ] as const)('would detect %s in %s that runs a command', (_, shell, line) =>
    expect(paste(shell, [line], false).calls).toContainEqual(ATTACK.split(' ')),
  );

  it('would detect a word that zsh expands', () => {
    expect(paste('zsh', ['aws x =ls'], false).calls).toEqual([['aws', 'x', matching(/\/ls$/)]]);
    expect(paste('bash', ['aws x ~'], false).calls).not.toEqual([['aws', 'x', '~']]);
  });
});
