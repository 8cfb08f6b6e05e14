/**
 * `npm run permissions` writes docs/permissions.md, the list of all rights of the service, from the synthesised
 * template and the reasons of the grants in lib/permissions. Fails with an error that names it if a right has no
 * reason, a reason has no right, an action's access level is unknown, or a right violates what the document rules out
 * for every role.
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
