/**
 * Checks that docs/security/threat-model.md matches the repository: each abuse case has a control and a test, and each
 * named test exists under its title.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';

const ROOT = join(import.meta.dirname, '../..');
const DOCUMENT = 'docs/security/threat-model.md';
const text = readFileSync(join(ROOT, DOCUMENT), 'utf8');

const spansOf = (markdown: string): string[] => [...markdown.matchAll(/`([^`\n]+)`/g)].map(([, span = '']) => span);

interface AbuseCase {
  id: string;
  /** The content of each item of the case's list, by the item's name. */
  items: Map<string, string>;
}

/** A case begins with `### A1. Title` and is a list of `- **Who:** …`; an item continues until the next one. */
const casesOf = (document: string): AbuseCase[] =>
  document.split(/^(?=#{1,3} )/m).flatMap((section) => {
    const id = /^### (A\d+)\. \S/.exec(section)?.[1];
    const items = section
      .split(/^(?=- \*\*)/m)
      .flatMap((item) =>
        [...item.matchAll(/^- \*\*(\w+):\*\* ([^]*)/g)].map(([, name = '', said = '']) => [name, said.trim()] as const),
      );
    return id === undefined ? [] : [{ id, items: new Map(items) }];
  });

interface Reference {
  file: string;
  title: string;
}

/** Parses `path` › `part of a title`, `part of another`: a title belongs to the file before it. */
function referencesOf(item: string): { references: Reference[]; stray: string[] } {
  const [references, stray, silent]: [Reference[], string[], Set<string>] = [[], [], new Set()];
  let file: string | undefined;
  for (const span of spansOf(item)) {
    if (span.endsWith('.test.ts')) {
      file = span;
      silent.add(span);
    } else if (file === undefined) {
      stray.push(span);
    } else {
      references.push({ file, title: span });
      silent.delete(file);
    }
  }
  return { references, stray: [...stray, ...silent] };
}

const QUOTED = /(?<quote>['"`])(?<title>(?:\\.|(?!\k<quote>)[^\\])*?)\k<quote>/s.source;
/**
 * Matches `it('…'`, `test.each<Row>(rows)('…'` on one line, and the end of a table over several lines, `])('…'`; not in
 * a comment, and not if switched off.
 */
const DIRECT = new RegExp(`^[ \\t]*(?:it|test|describe)(?:\\.(?!skip|todo)\\w+)*\\(\\s*${QUOTED}`, 'gm');
const OF_TABLE = new RegExp(
  `^(?![ \\t]*(?://|\\*))(?![^\\n]*\\.(?:skip|todo)\\b)[^\\n]*\\)\\(\\s*${QUOTED}\\s*,`,
  'gm',
);

/** Returns the titles of the tests and groups in a source, with templates unexpanded. */
const titlesOf = (source: string): string[] =>
  [...source.matchAll(DIRECT), ...source.matchAll(OF_TABLE)].map(({ groups }) =>
    (groups?.['title'] ?? '').replaceAll(/\\(.)/gs, '$1'),
  );

const isTitled = ({ title }: Pick<Reference, 'title'>, source: string): boolean =>
  titlesOf(source).some((one) => one.includes(title));
const sourceOf = (file: string): string => readFileSync(join(ROOT, file), 'utf8');

const cases = casesOf(text);
const references = cases.flatMap(({ id, items }) =>
  referencesOf(items.get('Test') ?? '').references.map((reference) => ({ id, ...reference })),
);

describe('the threat model', () => {
  it('numbers its abuse cases in ascending order and its residual risks consecutively', () => {
    const risks = [...text.matchAll(/^- \*\*(R\d+)\. \S/gm)].map(([, id]) => id);
    // The numbers of removed cases are not reused, so there may be gaps.
    const numbers = cases.map(({ id }) => Number(id.slice(1)));
    expect(numbers).toEqual([...new Set(numbers)].toSorted((a, b) => a - b));
    expect(risks).toEqual(risks.map((_, index) => `R${index + 1}`));
    expect([cases.length > 30, risks.length > 8]).toEqual([true, true]);
    // Every case or risk that the text mentions exists.
    const known = new Set([...cases.map(({ id }) => id), ...risks]);
    expect([...text.matchAll(/\b[AR]\d+\b/g)].map(([id]) => id).filter((id) => !known.has(id))).toEqual([]);
  });

  it('mentions every abuse case at an entry point, or with a risk', () => {
    const introduction = text.slice(0, text.indexOf('\n## Abuse cases'));
    const entered = [...introduction.matchAll(/\bA(\d+)(?:–A(\d+))?\b/g)].flatMap(([, from, to = from]) =>
      Array.from({ length: Number(to) - Number(from) + 1 }, (_, index) => Number(from) + index),
    );
    const elsewhere = cases.filter(({ id }) => !entered.includes(Number(id.slice(1))));
    expect(elsewhere.filter(({ items }) => !/\bR\d+\b/.test(items.get('Control') ?? '')).map(({ id }) => id)).toEqual(
      [],
    );
  });

  it.each(cases)('lists for $id the attacker, the attempt, the control and the test', ({ items }) => {
    expect([...items.keys()]).toEqual(['Who', 'Tries', 'Control', 'Test']);
    expect([...items.values()].filter((said) => !/\w{2,}/.test(said))).toEqual([]);
    const [control = '', test = ''] = [items.get('Control'), items.get('Test')];
    const isToCome = /\bto come\b/i.test(control);
    expect(
      isToCome || spansOf(control).some((span) => /^(bin|cli|lib|lambdas|sandbox|scripts)\//.test(span)),
      'a control must name a file of the code',
    ).toBe(true);
    const { references: named, stray } = referencesOf(test);
    expect(stray, 'a test is a file and a part of its title').toEqual([]);
    // An existing control has a test, or the document says that it has none. A control to come may say that its test is
    // to come.
    expect(
      named.length > 0 || /\bno test\b/i.test(test) || (isToCome && /\bto come\b/i.test(test)),
      'a test, or the statement that there is none',
    ).toBe(true);
  });

  it.each(references)('$id: $file has "$title"', ({ file, title }) => {
    expect(title.length, 'long enough to mean one test').toBeGreaterThan(4);
    expect(existsSync(join(ROOT, file)), `${file} is not there`).toBe(true);
    expect(isTitled({ title }, sourceOf(file)), `no test or group of ${file} has the title "${title}"`).toBe(true);
  });

  it('names every file of abuse tests', () => {
    const files = readdirSync(join(ROOT, 'test/security')).filter(
      (name) => name.endsWith('.test.ts') && name !== 'threat-model.test.ts',
    );
    const named = new Set(references.map(({ file }) => file));
    expect(files.length).toBeGreaterThan(4);
    expect(files.map((name) => `test/security/${name}`).filter((file) => !named.has(file))).toEqual([]);
  });

  it('names existing files and pages', () => {
    const paths = spansOf(text).filter((span) => span.includes('/'));
    const links = [...text.matchAll(/\]\((?!https?:|#)([^)#\s]+)/g)].map(([, link = '']) =>
      join(dirname(DOCUMENT), link),
    );
    expect(paths.length).toBeGreaterThan(100);
    expect(links.length).toBeGreaterThan(2);
    // Titles of tests may contain a slash too.
    const titles = new Set(references.map(({ title }) => title));
    expect(
      [...paths.filter((path) => !titles.has(path)), ...links].filter((path) => !existsSync(join(ROOT, path))),
    ).toEqual([]);
  });
});

describe('a reference', () => {
  const source = [
    "describe('a role outside', () => {",
    "  it('does not take it, \\'whole\\'', async () => {});",
    '  it.each<[string, (one: Row) => void]>([',
    "    ['of a row', /don't/],",
    "  ])('%s is refused', async (_, arn) => {});",
    '  it.each(roles.slice(0, 4))("%s is refused as the add-on\'s own", () => {});',
    '  test.each(rows)(',
    "    'on a line of its own', () => {});",
    '  it(`is for ${name} alone`, () => {});',
    "  // it('was there once', () => {});",
    "  // it.each(rows)('was there for each', () => {});",
    "  it.skip('is switched off', () => {});",
    "  it.skip.each(rows)('is switched off for each', () => {});",
    "  expect(titleOf('a call')).toBe('a value');",
    '});',
  ].join('\n');

  it('is found by a part of a title', () => {
    const there = [
      'role outside',
      "take it, 'whole'",
      'is refused',
      "as the add-on's own",
      'on a line of its own',
      'is for ',
    ];
    expect(there.filter((title) => !isTitled({ title }, source))).toEqual([]);
  });

  it('is not found if the title has changed, or if the test is commented out, switched off, or not a test', () => {
    const gone = [
      'a role inside',
      'of a row',
      'was there once',
      'was there for each',
      'is switched off',
      'a call',
      'a value',
    ];
    expect(gone.filter((title) => isTitled({ title }, source))).toEqual([]);
    expect(isTitled({ title: 'role outside' }, source.replace('a role outside', 'a role beyond'))).toBe(false);
  });

  it('is not found for any title of this document after the title changes', () => {
    const renamed = (file: string, title: string): string =>
      sourceOf(file).replaceAll("\\'", "'").replaceAll(title, '');
    expect(references.filter(({ file, title }) => isTitled({ title }, renamed(file, title)))).toEqual([]);
  });

  it('needs a title, and a title needs a file', () => {
    expect(referencesOf('`test/a.test.ts` › `one`, `two`; `test/b.test.ts` › `three`')).toEqual({
      references: [
        { file: 'test/a.test.ts', title: 'one' },
        { file: 'test/a.test.ts', title: 'two' },
        { file: 'test/b.test.ts', title: 'three' },
      ],
      stray: [],
    });
    expect(referencesOf('`test/a.test.ts`; `test/b.test.ts` › `three`').stray).toEqual(['test/a.test.ts']);
    expect(referencesOf('`one`, in `test/a.test.ts` › `two`').stray).toEqual(['one']);
  });

  it('belongs to the case whose item contains it', () => {
    const [first, second] = casesOf(
      '## Group\n\n### A1. One\n\n- **Who:** x\n- **Control:** y\n\n  | a | b |\n\n- **Test:** `test/a.test.ts` › `one`\n\n### A2. Two\n\n- **Test:** to come\n\n## Other\n\n- **Test:** z\n',
    );
    expect([...first!.items]).toEqual([
      ['Who', 'x'],
      ['Control', 'y\n\n  | a | b |'],
      ['Test', '`test/a.test.ts` › `one`'],
    ]);
    expect([...second!.items]).toEqual([['Test', 'to come']]);
  });
});
