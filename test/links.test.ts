/** The README is short, and every page of the documentation can be found from it: links, anchors and the index. */
import { readdirSync, readFileSync } from 'node:fs';
import { join, posix } from 'node:path';
import { describe, expect, it } from 'vitest';

const ROOT = join(import.meta.dirname, '..');
const pagesIn = (folder: string): string[] =>
  readdirSync(join(ROOT, folder), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.md'))
    .map((name) => posix.join(folder, name));
const PAGES = new Map(
  ['README.md', 'CONTRIBUTING.md', 'SECURITY.md', 'CHANGELOG.md', 'bench/README.md', ...pagesIn('docs')].map((name) => [
    name,
    readFileSync(join(ROOT, name), 'utf8'),
  ]),
);
const page = (name: string): string => PAGES.get(name) ?? '';

/** Returns the lines outside of fenced code. */
const proseOf = (text: string): string => text.replaceAll(/^( *)```.*\n[^]*?\n\1```$/gm, '');

/** Returns the anchors that GitHub gives to the headings of a page. */
function anchorsOf(text: string): Set<string> {
  const seen = new Map<string, number>();
  const headings = [...proseOf(text).matchAll(/^#{1,6} (.+)$/gm)].map(([, heading = '']) => heading);
  return new Set(
    headings.map((heading) => {
      const shown = heading.replaceAll(/\[([^\]]*)\]\([^)]*\)/g, '$1');
      const anchor = shown
        .toLowerCase()
        .replaceAll(/[^\p{L}\p{N}\s_-]/gu, '')
        .trim()
        .replaceAll(' ', '-');
      const before = seen.get(anchor) ?? 0;
      seen.set(anchor, before + 1);
      return before === 0 ? anchor : `${anchor}-${before}`;
    }),
  );
}

interface Link {
  /** The page or file, from the root of the repository. */
  file: string;
  anchor: string | undefined;
  text: string;
}

const linksOf = (name: string, text: string): Link[] =>
  [...proseOf(text).matchAll(/\]\(([^)\s]+)\)/g)]
    .map(([, target = '']) => target)
    .filter((target) => !/^[a-z]+:/.test(target))
    .map((target) => {
      const [path = '', anchor] = target.split('#');
      return {
        file: path === '' ? name : posix.normalize(posix.join(posix.dirname(name), path)),
        anchor,
        text: `${name}: ${target}`,
      };
    });

/** Returns the links whose anchor no heading of the linked page has. Files are checked by docs-paths.test.ts. */
const brokenIn = (name: string, text: string): string[] =>
  linksOf(name, text)
    .filter(({ file, anchor }) => anchor !== undefined && file.endsWith('.md'))
    .filter(({ file, anchor = '' }) => !anchorsOf(file === name ? text : page(file)).has(anchor))
    .map((link) => link.text);

describe('the README', () => {
  it('has at most 150 lines', () => expect(page('README.md').trimEnd().split('\n').length).toBeLessThanOrEqual(150));

  it('has at most three steps to the first plan, and the commands that CI runs', () => {
    const start = page('README.md').split('\n## ')[1] ?? '';
    const steps = [...start.split(/^### /m)[0]!.matchAll(/^\d\. /gm)];
    expect(start.startsWith('Quick start')).toBe(true);
    expect(steps.length).toBeGreaterThan(0);
    expect(steps.length).toBeLessThanOrEqual(3);
    expect(start.indexOf('pod-identity plan --cluster NAME')).toBeGreaterThan(start.indexOf('3. '));
    expect(page('README.md')).toContain('\n    npm ci && npm run demo\n');
    expect(page('README.md')).toContain('\n    npm ci && npm test\n');
  });

  it('shows pictures that exist, each with a text', () => {
    const pictures = [...page('README.md').matchAll(/!\[([^\]]*)\]\(([^)]+)\)/g)];
    expect(pictures.map(([, , file]) => file)).toEqual(['docs/images/flow.svg', 'docs/images/terminal.svg']);
    for (const [, text = '', file = ''] of pictures) {
      expect(text.length).toBeGreaterThan(30);
      expect(readFileSync(join(ROOT, file), 'utf8')).toMatch(/^<svg [^]*<title [^]*<\/svg>\n$/);
    }
  });
});

describe('links', () => {
  it('lead to headings that exist', () =>
    expect([...PAGES].flatMap(([name, text]) => brokenIn(name, text))).toEqual([]));

  it('lead from the index to every page of docs, and from the README to the index', () => {
    expect(linksOf('README.md', page('README.md')).map(({ file }) => file)).toContain('docs/README.md');
    const linked = new Set(linksOf('docs/README.md', page('docs/README.md')).map(({ file }) => file));
    const missing = pagesIn('docs').filter(
      (name) => name !== 'docs/README.md' && !name.startsWith('docs/adr/') && !linked.has(name),
    );
    expect(missing).toEqual([]);
  });
});

describe('an anchor', () => {
  it.each([
    ['## The API', ['the-api']],
    ['# A\n## B\n## B', ['a', 'b', 'b-1']],
    ['## `deploy.api`, and more: x/y', ['deployapi-and-more-xy']],
    ["## The owner's code [here](a.md)", ['the-owners-code-here']],
    ['```sh\n# no heading\n```\n## One', ['one']],
  ])('of %j is %j', (text, expected) => expect([...anchorsOf(text)]).toEqual(expected));

  it('that does not exist is found', () =>
    expect(brokenIn('docs/a.md', '# A\n[x](#a) [y](#b) [z](hand-off.md#check-in-ci) [w](hand-off.md#gone)')).toEqual([
      'docs/a.md: #b',
      'docs/a.md: hand-off.md#gone',
    ]));
});
