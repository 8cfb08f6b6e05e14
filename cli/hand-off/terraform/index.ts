/**
 * Edits Terraform code so that it matches a hand-off. Patchers find the code for each part; what they return is applied
 * and checked before it is handed on, so that no edit breaks the code.
 */
import type { HandOff } from '../../../lambdas/domain/terms/hand-off.ts';
import { patchAddons } from './addons.ts';
import { patchAnnotations } from './annotations.ts';
import { patchAssociations } from './associations.ts';
import { type Code, type Patcher, readCode, syntaxFindings } from './code.ts';
import { asNative } from './json.ts';
import type { CodeFile, Edit, Finding, Patch } from './model.ts';
import { patchTrust } from './trust.ts';
import { checkVersions } from './versions.ts';

export { isTerraformFile } from './code.ts';

const PATCHERS: readonly Patcher[] = [patchAddons, patchAssociations, patchTrust, patchAnnotations, checkVersions];

const inOrder = (a: Edit, b: Edit): number => a.start - b.start || a.end - b.end;

const applied = ({ path, text }: CodeFile, edits: readonly Edit[]): string => {
  const parts: string[] = [];
  let at = 0;
  for (const edit of edits.filter((one) => one.path === path).toSorted(inOrder)) {
    if (edit.start < at || edit.end < edit.start || edit.end > text.length)
      throw new Error(`${path}: The edit of ${edit.start} to ${edit.end} overlaps another, or is outside of the file.`);
    parts.push(text.slice(at, edit.start), edit.text);
    at = edit.end;
  }
  return [...parts, text.slice(at)].join('');
};

/** Returns the files with the edits. Throws an `Error` if two edits overlap, or if one is not of these files. */
export function applyEdits(files: readonly CodeFile[], edits: readonly Edit[]): CodeFile[] {
  const stray = edits.find(({ path }) => !files.some((file) => file.path === path));
  if (stray !== undefined) throw new Error(`${stray.path}: An edit is of a file that was not read.`);
  return files.map((file) => ({ ...file, text: applied(file, edits) }));
}

/** Returns what the patchers propose. */
async function proposed(code: Code, handOff: HandOff): Promise<Patch> {
  const patches: Patch[] = [];
  for (const patcher of PATCHERS) patches.push(await patcher(code, handOff));
  return {
    edits: patches.flatMap(({ edits }) => edits),
    findings: [...syntaxFindings(code), ...patches.flatMap(({ findings }) => findings)],
  };
}

/** Returns what is wrong with the code after the edits; undefined if nothing is. */
async function problemOf(
  { files, parsed }: Code,
  handOff: HandOff,
  edits: readonly Edit[],
): Promise<string | undefined> {
  let after: CodeFile[];
  try {
    after = applyEdits(files, edits);
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
  const edited = new Set(edits.map(({ path }) => path));
  const code = await readCode(after, parsed);
  const broken = code.parsed.find(({ path, errorLine }) => edited.has(path) && errorLine !== undefined);
  if (broken !== undefined) return `${broken.path} would have a syntax error in line ${broken.errorLine}.`;
  const again = await proposed(code, handOff);
  return again.edits.length === 0 ? undefined : `${again.edits[0]?.path} would have to be changed once more.`;
}

/** Returns the finding for an add-on for which the directory has no code. */
const nowhere = ({ target, addon }: HandOff, files: readonly CodeFile[]): Finding => ({
  result: 'left',
  about: 'addon',
  what: `No code for ${addon?.name} of ${target.cluster} was found in ${files.length} ${files.length === 1 ? 'file' : 'files'}.`,
  why: 'Searched were resources aws_eks_addon and module blocks by the names of cluster and add-on. The code may be in another directory, or the add-on is not managed by Terraform.',
  next: 'Run this command again with the directory that defines the add-on. To find it, run `terraform state list | grep aws_eks_addon` there.',
});

/**
 * Returns the edits that make the code match the hand-off, and what was found. There are no edits at all if they would
 * not give code that parses and needs no further edit. `files` are all files of the directory, and of the local modules
 * that it calls, for which `isTerraformFile` is true.
 */
export async function patchTerraform(files: readonly CodeFile[], handOff: HandOff): Promise<Patch> {
  const native = asNative(files);
  const patch = await patchNative(native.files, handOff);
  const result = await native.back(patch, applyEdits(native.files, patch.edits));
  return { edits: result.edits, findings: [...native.findings, ...result.findings] };
}

/** Does so for files in Terraform's native syntax. */
async function patchNative(files: readonly CodeFile[], handOff: HandOff): Promise<Patch> {
  const code = await readCode(files);
  const { edits, findings } = await proposed(code, handOff);
  const missing = handOff.addon !== undefined && !findings.some(({ about }) => about === 'addon');
  const all = missing ? [...findings, nowhere(handOff, files)] : findings;
  if (edits.length === 0) return { edits, findings: all };
  const problem = await problemOf(code, handOff, edits);
  if (problem === undefined) return { edits, findings: all };
  const failed: Finding = {
    result: 'left',
    about: 'addon',
    what: 'The code cannot be edited, because the result would not be right. No file is changed.',
    why: problem,
    next: 'Edit the code by hand: `pod-identity hand-off` prints what it must contain. Report the problem with the file.',
  };
  return { edits: [], findings: [...all.filter(({ result }) => result !== 'changed'), failed] };
}
