/** The application of a deployment that requires an approval of every change, and so of retirements. */
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const HUB_TEMPLATE = 'PodIdentityMigrator.template.json';
const made = new Map<string, string>();

/** Returns the folder of a cloud assembly like the given one, whose functions have that setting. It is made once in a process. */
export function requiringApproval(directory: string): string {
  const known = made.get(directory);
  if (known !== undefined) return known;
  const folder = mkdtempSync(join(tmpdir(), 'pod-identity-held-'));
  process.once('exit', () => rmSync(folder, { recursive: true, force: true }));
  cpSync(directory, folder, { recursive: true });
  const template = join(folder, HUB_TEMPLATE);
  const text = readFileSync(template, 'utf8');
  const required = text.replaceAll(/("APPROVAL_REQUIRED": *)"false"/g, '$1"true"');
  if (required === text) throw new Error(`${HUB_TEMPLATE} has no function that reads whether approvals are required.`);
  writeFileSync(template, required);
  made.set(directory, folder);
  return folder;
}
