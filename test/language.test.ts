/**
 * Holds texts and names to docs/glossary.md: words that are wrong without any context. `npx vitest run
 * test/language.test.ts` prints, for each word, how often it occurs and the first five places.
 */
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';

const ROOT = join(import.meta.dirname, '..');

/** Where a word is wrong: in names of the code, in comments and strings, or in documents. */
type Kind = 'name' | 'text' | 'document';

interface Rule {
  /** Matched against one name, or within a line of text. A name is given as its words: `wayBack` as `way back`. */
  word: RegExp;
  instead: string;
  kinds: readonly Kind[];
  /** Files that may have the word, each with the reason. */
  except?: readonly { files: RegExp; why: string }[];
}

const PROSE: readonly Kind[] = ['text', 'document'];
const EVERYWHERE: readonly Kind[] = ['name', 'text', 'document'];
const RULES: readonly Rule[] = [
  { word: /\brungs?\b/i, instead: 'attempt', kinds: EVERYWHERE },
  { word: /\bladders?\b/i, instead: 'attempts', kinds: EVERYWHERE },
  { word: /\bclimb(s|ed|ing)?\b/i, instead: 'continues with the next attempt', kinds: EVERYWHERE },
  { word: /\broads?\b/i, instead: 'workflow', kinds: EVERYWHERE },
  { word: /\bdoors?\b/i, instead: 'gateway', kinds: EVERYWHERE },
  { word: /\bways? back\b/i, instead: 'rollback', kinds: EVERYWHERE },
  { word: /\bin (the(ir)?|its) way\b(?! (that|of|in which))/i, instead: 'conflicting', kinds: EVERYWHERE },
  { word: /\bagain later\b/i, instead: 'retry later', kinds: ['name'] },
  { word: /\bfile holds\b/i, instead: 'the name of what the file checks', kinds: ['name'] },
  { word: /\blets? in\b/i, instead: 'allow, trust', kinds: ['name'] },
  { word: /\bin words\b|\bplain words\b/i, instead: 'as text', kinds: EVERYWHERE },
  { word: /\bsomebody( else)?\b/i, instead: 'another principal, a person, another tool', kinds: EVERYWHERE },
  { word: /\bwho(ever|mever)\b/i, instead: 'the caller, a principal that, anyone who', kinds: EVERYWHERE },
  { word: /\banew\b/i, instead: 'again', kinds: EVERYWHERE },
  { word: /\bbeside\b/i, instead: 'next to, in addition to', kinds: EVERYWHERE },
  { word: /\bshall\b/i, instead: 'must, should, will', kinds: EVERYWHERE },
  { word: /\bof others\b/i, instead: 'third-party', kinds: PROSE },
  { word: /\bwhat becomes? of\b/i, instead: 'the result, the end', kinds: PROSE },
  {
    // No level of evidence observes that a pod uses its credentials.
    word: /\bprove[sdn]?\b|\bproving\b|\bproofs?\b/i,
    instead: 'shows, verifies, evidence; verified: injected, ready or api',
    kinds: EVERYWHERE,
    except: [
      { files: /^test\/permissions\//, why: 'it is about rights: each is taken away, and a run then fails' },
      { files: /^docs\/security\/threat-model\.md$/, why: 'it names these tests' },
    ],
  },
];

/** Files that quote the words, or that others wrote. */
const NOT_READ: readonly { files: RegExp; why: string }[] = [
  { files: /^docs\/glossary\.md$/, why: 'it lists the words and what replaces them' },
  { files: /^test\/language\.test\.ts$/, why: 'so does this table' },
  { files: /^budgets\.json$/, why: 'it lists names of files' },
  { files: /^(LICENSE|package-lock\.json)$|\/package-lock\.json$/, why: 'third-party text' },
  {
    files: /^test\/(golden|upgrade\/previous|sandbox\/eksctl)\/.*(?<!\.md)$/,
    why: 'recorded output, which is compared as it is',
  },
  { files: /^sandbox\/.*\.(json|ya?ml)$|^clients\//, why: 'generated, or data of scenarios' },
];

/** Returns the words of a name: `roadOf` and `ROAD_OF` as `road of`. */
const wordsOf = (name: string): string =>
  name
    .replace(/([a-z\d])([A-Z])/g, '$1 $2')
    .replace(/([A-Z]+)([A-Z][a-z])/g, '$1 $2')
    .replace(/[_$]+/g, ' ');

interface Piece {
  kind: Kind;
  text: string;
  line: number;
}

/**
 * The names, comments and strings of TypeScript, by a scanner of one expression: comments, strings, names. Regular
 * expressions in the code are read as names and strings, which is close enough for words.
 */
const TOKEN =
  /\/\*[\s\S]*?\*\/|\/\/[^\n]*|'(?:[^'\\\n]|\\.)*'|"(?:[^"\\\n]|\\.)*"|`(?:[^`\\]|\\[\s\S])*`|[A-Za-z_$][\w$]*|\n/g;
const piecesOfCode = (code: string): Piece[] => {
  const pieces: Piece[] = [];
  let line = 1;
  for (const [token] of code.matchAll(TOKEN)) {
    if (token === '\n') line += 1;
    else if (/^[A-Za-z_$]/.test(token)) pieces.push({ kind: 'name', text: wordsOf(token), line });
    else for (const [at, text] of token.split('\n').entries()) pieces.push({ kind: 'text', text, line: line + at });
    if (token !== '\n') line += token.split('\n').length - 1;
  }
  return pieces;
};

const piecesOf = (file: string, text: string): Piece[] => {
  if (/\.(ts|mjs|js)$/.test(file)) return piecesOfCode(text);
  const kind = file.endsWith('.md') ? 'document' : 'text';
  return text.split('\n').map((one, at) => ({ kind, text: one, line: at + 1 }));
};

/** The name of a file or folder is a name too. */
const ofPath = (file: string): Piece => ({ kind: 'name', text: file.replace(/[-_./]+/g, ' '), line: 0 });

const findings = (rule: Rule, file: string, pieces: readonly Piece[]): string[] =>
  rule.except?.some(({ files }) => files.test(file))
    ? []
    : pieces
        .filter(({ kind, text }) => rule.kinds.includes(kind) && rule.word.test(text))
        .map(({ line, text }) => `${file}:${line}: ${text.trim().slice(0, 120)}`);

const FILES = execFileSync('git', ['ls-files', '-z'], { cwd: ROOT, encoding: 'utf8' })
  .split('\0')
  .filter((file) => /\.(ts|mjs|js|md|sh|py|ya?ml|json|html)$|^\.ci\/run$/.test(file))
  .filter((file) => NOT_READ.every(({ files }) => !files.test(file)));

describe('the words of docs/glossary.md', () => {
  const tree = FILES.map((file) => {
    const pieces = piecesOf(file, readFileSync(join(ROOT, file), 'utf8'));
    return { file, pieces: [ofPath(file), ...pieces] };
  });

  it('are looked for in the whole tree', () => expect(tree.length).toBeGreaterThan(1000));

  it.each(RULES)('$word is not used: $instead', (rule) => {
    const found = tree.flatMap(({ file, pieces }) => findings(rule, file, pieces));
    expect(found.length === 0 ? '' : `${found.length} times:\n  ${found.slice(0, 5).join('\n  ')}`).toBe('');
  });

  it('have no exception that nothing needs', () => {
    const needless = RULES.flatMap(({ except = [], ...rule }) =>
      except.filter(({ files }) =>
        tree.every(({ file, pieces }) => !files.test(file) || findings(rule, file, pieces).length === 0),
      ),
    );
    expect(needless).toEqual([]);
  });
});

describe('a text', () => {
  const wrong = (text: string, file = 'a.ts'): string[] =>
    RULES.filter((rule) => findings(rule, file, piecesOf(file, text)).length > 0).map(({ instead }) => instead);

  it.each([
    ['const wayBack = 1;', ['rollback']],
    ['const roadOf = broad;', ['workflow']],
    ['const KEY_OF_DOOR = 1;', ['gateway']],
    ['// It is read anew.\nconst a = 1;', ['again']],
    ["const text = 'Nothing shall change.';", ['must, should, will']],
    ['const text = `first\n  second, beside it`;', ['next to, in addition to']],
    ["const text = 'a broad, overall rule';", []],
    ['const letIn = 1;', ['allow, trust']],
    ["const text = 'let in';", []],
    ["const text = 'proven on the pods';", ['shows, verifies, evidence; verified: injected, ready or api']],
    ["const text = 'improved by a prover';", []],
  ])('of code, %j, is wrong for %j', (text, expected) => expect(wrong(text)).toEqual(expected));

  it('of a document is read whole', () =>
    expect(wrong('The ladder of `rung`s.', 'docs/a.md')).toEqual(['attempt', 'attempts']));

  it('is found on its line', () =>
    expect(findings(RULES[0]!, 'a.ts', piecesOf('a.ts', '/*\n one\n*/\nconst rung = 1;'))).toEqual(['a.ts:4: rung']));
});
