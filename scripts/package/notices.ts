/** Writes the licences of all third-party code in the published package, as most of them require. */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { shippedPlaces } from '../licences/bundled.ts';

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

const MIT_PERMISSION = `Permission is hereby granted, free of charge, to any person obtaining a copy of this software and associated
documentation files (the "Software"), to deal in the Software without restriction, including without limitation the
rights to use, copy, modify, merge, publish, distribute, sublicense, and/or sell copies of the Software, and to permit
persons to whom the Software is furnished to do so`;
const MIT_CONDITION = `, subject to the following conditions:

The above copyright notice and this permission notice shall be included in all copies or substantial portions of the
Software.`;
const MIT_DISCLAIMER = `THE SOFTWARE IS PROVIDED "AS IS", WITHOUT WARRANTY OF ANY KIND, EXPRESS OR IMPLIED, INCLUDING BUT NOT LIMITED TO THE
WARRANTIES OF MERCHANTABILITY, FITNESS FOR A PARTICULAR PURPOSE AND NONINFRINGEMENT. IN NO EVENT SHALL THE AUTHORS OR
COPYRIGHT HOLDERS BE LIABLE FOR ANY CLAIM, DAMAGES OR OTHER LIABILITY, WHETHER IN AN ACTION OF CONTRACT, TORT OR
OTHERWISE, ARISING FROM, OUT OF OR IN CONNECTION WITH THE SOFTWARE OR THE USE OR OTHER DEALINGS IN THE SOFTWARE.`;

/** Texts of the licences of packages without a file that has it. The package's own licence is Apache-2.0, in LICENSE. */
const STANDARD_TEXTS: Record<string, string> = {
  'Apache-2.0': 'The text of the Apache License 2.0 is in the file LICENSE of this package.',
  MIT: `${MIT_PERMISSION}${MIT_CONDITION}\n\n${MIT_DISCLAIMER}`,
  'MIT-0': `${MIT_PERMISSION}.\n\n${MIT_DISCLAIMER}`,
};

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

/** Returns what the licence asks to be repeated. Throws an Error if neither a file nor its name tells. */
export const noticeOf = ({ name, license, author }: Manifest, files: readonly string[]): string => {
  if (files.length > 0) return files.join('\n\n');
  const text = STANDARD_TEXTS[license];
  if (text === undefined)
    throw new Error(
      `${name} has the licence ${license} and no file with its text: add the text to scripts/package/notices.ts.`,
    );
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

/** Writes the notices into the package's folder. */
export const writeNotices = async (folder: string): Promise<void> => {
  const text = `This package contains code of the packages below, under their licences.\n\n${noticesOf(await shippedPlaces())}`;
  writeFileSync(join(folder, NOTICES), text);
};
