/** The paths that documents name exist: in code spans, and as the targets of relative links. */
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join, posix } from 'node:path';
import { describe, expect, it } from 'vitest';

const ROOT = join(import.meta.dirname, '..');
const FILES = execFileSync('git', ['ls-files', '-z', '--cached', '--others', '--exclude-standard'], {
  cwd: ROOT,
  encoding: 'utf8',
})
  .split('\0')
  .filter((file) => file !== '');
const foldersOf = (file: string): string[] =>
  file.split('/').flatMap((_, at, parts) => (at === 0 ? [] : [parts.slice(0, at).join('/')]));
const PATHS = new Set([...FILES, ...FILES.flatMap(foldersOf)]);
const ROOT_FOLDERS = new Set(FILES.flatMap((file) => foldersOf(file).slice(0, 1)));
/** Texts that may name decisions. */
const TEXTS = FILES.filter((file) => /\.(md|ts|py|sh|ya?ml)$|^\.ci\/run$/.test(file));
const DOCUMENTS = FILES.filter((file) => /^(README|CONTRIBUTING|SECURITY)\.md$|^docs\/.*\.md$/.test(file));

/** What a program creates in a folder of the repository, and Git ignores. */
const CREATED = new Set([
  '.ci/venv',
  '.ci/hand-off-venv',
  '.ci/measurements',
  'conformance/.build',
  'conformance/.results',
]);

/** `*` stands for any name, `**` for any folders, and a word in capitals for a name: `lambdas/steps/NAME/schema.ts`. */
const PLACEHOLDER = /(?<![\w.-])[A-Z]{2,}(?![\w-]|\.md)/g;
const patternOf = (glob: string): RegExp =>
  new RegExp(
    `^${glob
      .replaceAll('.', '\\.')
      .replaceAll(/(\*\*\/?)|\*/g, (_, folders?: string) => (folders === undefined ? '[^/]*' : '.*'))}$`,
  );

function exists(path: string): boolean {
  const glob = path.replace(/\/$/, '').replaceAll(PLACEHOLDER, '*');
  if (!glob.includes('*')) return PATHS.has(glob) || CREATED.has(glob);
  const pattern = patternOf(glob);
  return [...PATHS].some((one) => pattern.test(one));
}

/** `keys.ts` and `plan/check.ts` are in a folder that the sentence names, or that readers know. */
const existsSomewhere = (name: string): boolean => FILES.some((file) => `/${file}`.endsWith(`/${name}`));

/** Returns what a document names as a path and does not exist, each with its line. */
const missingIn = (document: string, text: string): string[] =>
  text.split('\n').flatMap((line, at) => {
    const words = [...line.matchAll(/`([^`]+)`/g)].flatMap(([, span = '']) => span.split(/\s+/));
    const named = words.map((word) => word.replace(/[:,;.]+$/, ''));
    const isFromRoot = (word: string): boolean => ROOT_FOLDERS.has(word.split('/')[0]!) && word.includes('/');
    const paths = named.filter((word) => /^[\w.-]+\/[\w.*/-]*$/.test(word) && isFromRoot(word));
    const parts = named.filter((word) => /^[\w-][\w./-]*\.ts$/.test(word) && !isFromRoot(word));
    const links = [...line.matchAll(/\]\(([^)#\s]+)(?:#[^)]*)?\)/g)]
      .map(([, target = '']) => target)
      .filter((target) => !/^[a-z]+:/.test(target))
      .map((target) => posix.join(posix.dirname(document), target));
    const missing = [
      ...[...paths, ...links].filter((path) => !exists(path)),
      ...parts.filter((name) => !existsSomewhere(name)),
    ];
    return missing.map((path) => `${document}:${at + 1}: ${path}`);
  });

describe('documents', () => {
  it('are read', () => {
    expect(DOCUMENTS.length).toBeGreaterThan(80);
    expect(DOCUMENTS).toEqual(expect.arrayContaining(['README.md', 'CONTRIBUTING.md', 'docs/architecture.md']));
  });

  it('name paths that exist', () =>
    expect(DOCUMENTS.flatMap((file) => missingIn(file, readFileSync(join(ROOT, file), 'utf8')))).toEqual([]));

  it('and code name decisions that exist', () => {
    const numbers = new Set(FILES.flatMap((file) => /^docs\/adr\/0*(\d+)-/.exec(file)?.[1] ?? []));
    const named = TEXTS.flatMap((file) => {
      const text = readFileSync(join(ROOT, file), 'utf8');
      const names = [...text.matchAll(/\bADRs? (\d+)(?: and (\d+))?|docs\/adr\/0*(\d+)/g)];
      return names.flatMap(([, ...found]) => found.flatMap((number) => (number === undefined ? [] : { file, number })));
    });
    expect(named.length).toBeGreaterThan(200);
    expect(named.filter(({ number }) => !numbers.has(number))).toEqual([]);
  });
});

it.each([
  ['`lambdas/domain/plan/plan.ts`, `lambdas/domain` and `lambdas/domain/`', []],
  ['`npx vitest run test/language.test.ts`', []],
  ['`lambdas/steps/NAME/schema.ts`, `test/**/*.grid.test.ts`, `sandbox/world`', []],
  ['[the API](api.md), [a part](api.md#lists), [the root](../README.md), [elsewhere](https://example.com/no.md)', []],
  ['`.ci/venv`, `role/NAME`, `sweeps/id/report.json`, `plan.ts`, `plan/plan.ts`', []],
  ['`lambdas/domain/no-such.ts`', ['lambdas/domain/no-such.ts']],
  ['`npx vitest run test/no-such.test.ts`', ['test/no-such.test.ts']],
  [
    '`lambdas/no-steps/NAME/schema.ts`, `test/**/*.no-such.ts`',
    ['lambdas/no-steps/NAME/schema.ts', 'test/**/*.no-such.ts'],
  ],
  ['[gone](no-such.md) and [out](../no-such/x.ts#L1)', ['docs/no-such.md', 'no-such/x.ts']],
  ['`no-such.ts`, `domain/no-such.ts`', ['no-such.ts', 'domain/no-such.ts']],
])('a document with %j names what does not exist: %j', (text, expected) =>
  expect(missingIn('docs/a.md', text)).toEqual(expected.map((path) => `docs/a.md:1: ${path}`)),
);
