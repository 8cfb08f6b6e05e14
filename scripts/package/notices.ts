/** Writes the licences of all third-party code in the published package, as most of them require. */
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { shippedPlaces } from '../licences/bundled.ts';
import type { PackageBundle } from './bundle.ts';

const ROOT = join(import.meta.dirname, '../..');
export const NOTICES = 'THIRD-PARTY-NOTICES.txt';
const RULE = '-'.repeat(80);

const person = z.union([
  z.string(),
  z
    .object({ name: z.string(), url: z.string().optional() })
    .transform(({ name, url }) => (url === undefined ? name : `${name} (${url})`)),
]);
const manifest = z.object({
  name: z.string(),
  version: z.string(),
  license: z.union([z.string(), z.object({ type: z.string() }).transform(({ type }) => type)]),
  author: person.optional(),
});
type Manifest = z.infer<typeof manifest>;

/** Texts of the licences of packages without a file that has it. */
const TEXTS = join(import.meta.dirname, 'texts');

/** Returns the texts of the licence files in a folder. */
const filesIn = (folder: string): string[] =>
  readdirSync(folder)
    .filter((name) => /^(licen[cs]e|copying|notice|copyrightnotice)/i.test(name))
    .sort()
    .map((name) =>
      readFileSync(join(folder, name), 'utf8')
        .replaceAll(/[ \t\r]+$/gm, '')
        .trim(),
    );

/** Returns what the licence asks to be repeated. Throws an Error if no file has its text. */
export const noticeOf = ({ name, license, author }: Manifest, files: readonly string[]): string => {
  if (files.length > 0) return files.join('\n\n');
  const file = join(TEXTS, `${license}.txt`);
  if (!existsSync(file))
    throw new Error(
      `${name} has the licence ${license}, whose text is neither in the package nor in ${TEXTS}. Add the text there.`,
    );
  const text = readFileSync(file, 'utf8').trim();
  return author === undefined ? text : `Copyright: ${author}\n\n${text}`;
};

/** Returns the notices of packages, by their folders; packages with the same text share it. */
const noticesOf = (places: Iterable<string>): string => {
  const byText = new Map<string, Set<string>>();
  for (const place of places) {
    const folder = join(ROOT, place);
    const parsed = manifest.parse(JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')));
    const text = noticeOf(parsed, filesIn(folder));
    byText.set(text, (byText.get(text) ?? new Set()).add(`${parsed.name} ${parsed.version} (${parsed.license})`));
  }
  return [...byText]
    .map(([text, names]) => ({ text, names: [...names].sort() }))
    .sort((a, b) => ((a.names[0] ?? '') < (b.names[0] ?? '') ? -1 : 1))
    .map(({ text, names }) => `${RULE}\n${names.join('\n')}\n\n${text}\n`)
    .join('\n');
};

/** Writes the notices into the package's folder. `bundles` are those of its parts. */
export const writeNotices = async (folder: string, bundles: readonly PackageBundle[]): Promise<void> => {
  const text = `This package contains code of the packages below, under their licences.\n\n${noticesOf(await shippedPlaces(bundles))}`;
  writeFileSync(join(folder, NOTICES), text);
};
