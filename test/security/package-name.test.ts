/**
 * The package's name in the npm registry belongs to nobody, so that anyone may publish another package under it (ADR 102):
 * nothing that ships or is documented runs or installs it by its name, or names a repository by a placeholder.
 */
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import manifest from '../../package.json' with { type: 'json' };
import { words } from '../words.ts';

const ROOT = join(import.meta.dirname, '../..');
const SOURCES = words`bin cli lambdas lib sandbox scripts`;
const TEXTS = words`
  README.md CHANGELOG.md CONTRIBUTING.md SECURITY.md action.yml Dockerfile .github .devcontainer docs examples
`;

const filesIn = (paths: readonly string[]): string[] =>
  paths.flatMap((path) =>
    statSync(join(ROOT, path)).isFile()
      ? [path]
      : readdirSync(join(ROOT, path), { recursive: true, withFileTypes: true })
          .filter((entry) => entry.isFile() && !/\.(?:png|svg)$/.test(entry.name))
          .map((entry) => join(entry.parentPath, entry.name).slice(ROOT.length + 1)),
  );
const read = (file: string): string => readFileSync(join(ROOT, file), 'utf8');
/** Returns what a search finds in files, each with its file. */
const foundIn = (paths: readonly string[], search: (text: string) => string[]): string[] =>
  filesIn(paths).flatMap((file) => search(read(file)).map((found) => `${file}: ${found}`));

/** Commands that look a package up in a registry, with their words. A package that is named by a path is looked up nowhere. */
const LOOKS_UP = /\b(?:npx|bunx|pnpx|(?:npm|pnpm|yarn|bun) (?:i|install|add|exec|x|dlx))\b[^\n`|;&<>#]*/g;
const OWN = /^(?:@eks-pod-identity-migrator\/|eks-pod-identity-migrator(?![\w-])|pod-identity(?![\w-]))/;
const lookedUp = (text: string): string[] =>
  [...text.matchAll(LOOKS_UP)]
    .map(([command]) => command)
    .filter((command) => {
      const given = command.split(/[\s'",]+/);
      const packages = given.flatMap((word) => /^(?:--package=|-p=)(.*)$/.exec(word)?.[1] ?? []);
      return (packages.length > 0 ? packages : given).some((word) => OWN.test(word));
    });

const PLACEHOLDERS =
  /(?:git(?:hub|lab)\.com\/|^\* @)(?:[A-Z]{3,}|<)\S*|\buses: ["']?[A-Z<]\S*\/|\buses: \S*@[A-Z]+\b|\bYOUR_\w+/gm;
const placeholders = (text: string): string[] => [...text.matchAll(PLACEHOLDERS)].map(([found]) => found);

describe("the package's name", () => {
  it('is run and installed by nothing that ships or is documented', () =>
    expect(foundIn([...TEXTS, ...SOURCES, 'package.json'], lookedUp)).toEqual([]));

  it('stands for an archive in the dependencies of each example', () => {
    const manifests = filesIn(['examples']).filter((file) => file.endsWith('package.json'));
    const named = manifests.flatMap((file) => {
      const { dependencies = {} } = JSON.parse(read(file)) as { dependencies?: Record<string, string> };
      return Object.entries(dependencies).filter(([name]) => OWN.test(name));
    });
    const archive = `${manifest.name.slice(1).replace('/', '-')}-${manifest.version}.tgz`;
    expect(named).toEqual([[manifest.name, `file:${archive}`]]);
    const archives = foundIn(TEXTS, (text) => text.match(/eks-pod-identity-migrator[\w.-]*-\d[\w.-]*\.tgz/g) ?? []);
    expect(archives.filter((one) => !one.endsWith(` ${archive}`))).toEqual([]);
  });

  it('is written in package.json, and in imports that documents and examples show, alone', () => {
    expect(foundIn(SOURCES, (text) => text.match(new RegExp(`${manifest.name}[^\\n]*`, 'g')) ?? [])).toEqual([]);
    const imported = (text: string): string[] =>
      [...text.matchAll(/\bfrom ['"](@?eks-pod-identity-migrator[^'"]*)['"]/g)].map(([, name = '']) => name);
    const names = [...new Set(filesIn(TEXTS).flatMap((file) => imported(read(file))))];
    expect(names.map((name) => name.startsWith(`${manifest.name}/`))).toEqual([true, true, true]);
  });

  it.each([
    ['npx eks-pod-identity-migrator plan', true],
    ["run: npx --yes '@eks-pod-identity-migrator/pod-identity' plan", true],
    ['npx --yes --package=eks-pod-identity-migrator@0.1.0 pod-identity plan', true],
    ['`npm install --global eks-pod-identity-migrator`', true],
    ['npm install pod-identity', true],
    ["shellCommand(['npx', 'pod-identity'])", true],
    ['npx --yes --package=./eks-pod-identity-migrator-0.1.0.tgz pod-identity plan', false],
    ['npm install -g ./eks-pod-identity-migrator-pod-identity-0.1.0.tgz', false],
    ['npx cdk deploy; pod-identity plan', false],
  ])('is found in %s: %s', (text, isFound) => expect(lookedUp(text).length > 0).toBe(isFound));
});

describe('a placeholder of an account that may exist', () => {
  it('is in nothing that is printed, pasted or run', () =>
    expect(foundIn([...TEXTS, ...SOURCES], placeholders)).toEqual([]));

  it.each([
    'git clone https://github.com/OWNER/x.git',
    '- uses: OWNER/x@v1',
    'uses: a/b@COMMIT',
    '* @OWNER/team',
    'YOUR_ROLE',
  ])('is found in %s', (text) => expect(placeholders(text)).not.toEqual([]));
});
