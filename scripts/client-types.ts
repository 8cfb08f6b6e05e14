/**
 * `node scripts/client-types.ts [FILE]` writes the TypeScript types of docs/openapi.json. Without a file, it writes
 * dist/clients/api.d.ts, which a test of the API imports: `npm run types` and `npm run lint` begin with it. The published
 * package has the same text as its export `./api`.
 */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { typesText, type TypedDocument } from './openapi/types.ts';

const ROOT = join(import.meta.dirname, '..');
const CLIENT_TYPES = join(ROOT, 'dist/clients/api.d.ts');

/** Writes the types of the committed document to a file. */
export function writeClientTypes(file: string = CLIENT_TYPES): void {
  const document = JSON.parse(readFileSync(join(ROOT, 'docs/openapi.json'), 'utf8')) as TypedDocument;
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, typesText(document));
}

if (import.meta.main) {
  const [file = CLIENT_TYPES] = process.argv.slice(2);
  writeClientTypes(file);
  console.log(`Wrote ${relative(process.cwd(), file)}.`);
}
