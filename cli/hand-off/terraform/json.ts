/** Patches files in JSON syntax by the native code that they mean. */
import { rewritten } from './json-edit.ts';
import { nativeOf, type NativeText } from './json-native.ts';
import type { CodeFile, Edit, Finding, Patch } from './model.ts';
import { parseFiles } from './parse.ts';

interface Translated {
  /** The file in JSON syntax. */
  file: CodeFile;
  native: CodeFile;
  code: NativeText;
}

/** Returns the name of the native file that stands for one in JSON syntax. */
const nativePath = (path: string): string => path.replace(/\.(tf|tofu)\.json$/, '.json.$1');

const isJson = ({ path }: CodeFile): boolean => /\.(?:tf|tofu)\.json$/.test(path);

const BOM = '\uFEFF';

function translated(file: CodeFile, files: readonly CodeFile[]): Translated {
  const code = nativeOf(file.text.startsWith(BOM) ? file.text.slice(1) : file.text);
  // A file of the directory may have this name.
  let path = nativePath(file.path);
  while (files.some((other) => other.path === path)) path = path.replace(/\.(?=tf$|tofu$)/, '_.');
  return { file, native: { path, text: code.text }, code };
}

const lineOf = (error: unknown): number =>
  typeof error === 'object' && error !== null && 'line' in error && typeof error.line === 'number' ? error.line : 1;

/** Returns the region in which two texts differ, as an edit. */
function difference(path: string, before: string, after: string): Edit {
  let start = 0;
  while (start < before.length && start < after.length && before[start] === after[start]) start += 1;
  let same = 0;
  while (
    same < Math.min(before.length, after.length) - start &&
    before[before.length - 1 - same] === after[after.length - 1 - same]
  )
    same += 1;
  return { path, start, end: before.length - same, text: after.slice(start, after.length - same) };
}

/** The files of a directory as native code, and how patches become those of JSON. */
export interface NativeFiles {
  files: CodeFile[];
  /** For files that are no JSON. */
  findings: Finding[];
  /** Returns a patch of the native code as one of the files. */
  back(patch: Patch, applied: readonly CodeFile[]): Promise<Patch>;
}

/** Returns the text of a file after a patch of its native code; undefined if JSON can't take the form. */
async function patchedText({ file, native, code }: Translated, text: string): Promise<string | undefined> {
  const [was, is] = await parseFiles([native, { ...native, text }]);
  if (was === undefined || is === undefined || is.errorLine !== undefined) return undefined;
  const bom = file.text.startsWith(BOM) ? BOM : '';
  const result = rewritten(file.text.slice(bom.length), code, was, is);
  return result === undefined ? undefined : bom + result;
}

/** Returns the files with those in JSON syntax as native code. */
export function asNative(files: readonly CodeFile[]): NativeFiles {
  const all: Translated[] = [];
  const findings: Finding[] = [];
  for (const file of files.filter(isJson)) {
    try {
      all.push(translated(file, files));
    } catch (error) {
      findings.push({
        result: 'left',
        about: 'syntax',
        path: file.path,
        line: lineOf(error),
        what: 'The file has a syntax error, so it is neither read nor changed.',
        next: 'Run `terraform validate`, correct the file, and run this command again.',
      });
    }
  }
  const of = (path: string | undefined): Translated | undefined => all.find(({ native }) => native.path === path);
  const shown = (finding: Finding): Finding => {
    const origin = of(finding.path);
    if (origin === undefined) return finding;
    const line = origin.code.lines[(finding.line ?? 1) - 1];
    return { ...finding, path: origin.file.path, ...(line !== undefined && { line }) };
  };
  return {
    files: [...files.filter((file) => !isJson(file)), ...all.map(({ native }) => native)],
    findings,
    back: async ({ edits, findings: found }, applied) => {
      const results: Edit[] = edits.filter(({ path }) => of(path) === undefined);
      const problems = new Map<string, Finding>();
      for (const origin of all.filter(({ native }) => edits.some(({ path }) => path === native.path))) {
        const text = applied.find(({ path }) => path === origin.native.path)?.text ?? origin.native.text;
        const result = await patchedText(origin, text);
        if (result === undefined) problems.set(origin.file.path, unwritten(origin));
        else results.push(difference(origin.file.path, origin.file.text, result));
      }
      const kept = found.map(shown).filter(({ result, path = '' }) => result !== 'changed' || !problems.has(path));
      return { edits: results, findings: [...kept, ...problems.values()] };
    },
  };
}

const unwritten = ({ file: { path } }: Translated): Finding => ({
  result: 'left',
  about: 'syntax',
  path,
  line: 1,
  what: 'The file was not changed.',
  why: 'The change cannot be written in the form of JSON that the file has.',
  next: 'Edit the file by hand: `pod-identity hand-off` prints what it must contain.',
});
