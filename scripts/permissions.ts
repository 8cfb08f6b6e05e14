/**
 * `npm run permissions`: writes docs/permissions.md, all that the service may do, from the synthesised template and the
 * reasons that the grants in lib/permissions carry. Ends with an error that names it where a right has no reason, a
 * reason has no right, an action's access level is not known, or a right breaks what the document says that nobody may
 * do.
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { documentOf } from './permissions/document.ts';
import { factsOf } from './permissions/facts.ts';
import { synthesisedTemplate } from './permissions/template.ts';

export const PERMISSIONS_FILE = join(import.meta.dirname, '..', 'docs', 'permissions.md');

if (import.meta.main) {
  writeFileSync(PERMISSIONS_FILE, documentOf(factsOf(synthesisedTemplate())));
  console.log('Wrote docs/permissions.md.');
}
