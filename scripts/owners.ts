/**
 * `node scripts/owners.ts` writes the tables of docs/owners.md from the rules of `lambdas/domain/owners`. A test fails if
 * they are stale.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { FoundOwner } from '../lambdas/domain/owners/detect.ts';
import { OWNER_TOOLS, type OwnerTool } from '../lambdas/domain/owners/model.ts';
import { OWNER_RULES, type SignKind } from '../lambdas/domain/owners/rules.ts';
import { suspendCommands } from '../lambdas/domain/owners/suspend.ts';
import { TOOLS } from '../lambdas/domain/owners/tools.ts';
import { code, table, withPositions } from './schema-tables.ts';

export const OWNERS_FILE = join(import.meta.dirname, '..', 'docs', 'owners.md');

const KINDS: Record<SignKind, string> = {
  tag: 'tag of add-on, association or role',
  'role-name': 'name of the role',
  label: 'label of the service account',
  annotation: 'annotation of the service account',
  'field-manager': 'field manager of the service account',
};

/** Returns the command that suspends a tool, with placeholders for the names. */
const suspended = (tool: OwnerTool): string => {
  const owns = tool === 'argo-cd' || tool === 'flux' || tool === 'kro' ? 'annotation' : 'add-on';
  const found: FoundOwner = {
    owner: { owns, name: '', tool, sure: 'certain', reverts: TOOLS[tool].reverts, evidence: '' },
    marks: {},
  };
  return suspendCommands([found]).map(code).join('<br>');
};

const ofTool = (tool: OwnerTool): string[] => {
  const { title, reverts, capability } = TOOLS[tool];
  return [
    title,
    code(tool),
    reverts === 'by-itself' ? '**blocks**' : 'warns',
    capability === undefined ? '' : code(capability),
    suspended(tool),
  ];
};

/** Returns the text with its tables replaced. Throws an `Error` if it has no marks for a table. */
export const withOwners = (text: string): string =>
  withPositions(
    text,
    {
      tools: table(
        ['tool', 'name in options', 'effect', 'EKS capability', 'command that suspends it'],
        OWNER_TOOLS.map(ofTool),
      ),
      signs: table(
        ['tool', 'where', 'sign', 'certainty', 'source'],
        OWNER_RULES.map(({ tool, kind, sign, sure, source }) => [TOOLS[tool].title, KINDS[kind], sign, sure, source]),
      ),
    },
    { script: 'scripts/owners.ts', file: OWNERS_FILE },
  );

if (import.meta.main) {
  writeFileSync(OWNERS_FILE, withOwners(readFileSync(OWNERS_FILE, 'utf8')));
  console.log('Wrote the tables of docs/owners.md.');
}
