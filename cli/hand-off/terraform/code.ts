/** What the patchers of `hand-off patch` get, and what they return. */
import type { HandOff } from '../../../lambdas/domain/terms/hand-off.ts';
import { parseJsonVariables } from './json-variables.ts';
import { parseFiles } from './parse.ts';
import { scopesOf, type Scope } from './scope.ts';
import type { CodeFile, Finding, Patch } from './model.ts';
import type { ParsedFile } from './syntax.ts';

/** The code of a directory. */
export interface Code {
  /** All files as they were read, those in JSON syntax included. */
  files: readonly CodeFile[];
  /** Files in Terraform's native syntax (code, variables and the lock file), and variables in JSON. */
  parsed: readonly ParsedFile[];
  /** By folder; '.' is the directory itself. Contains no file with a syntax error. */
  scopes: ReadonlyMap<string, Scope>;
}

/** Returns the edits and findings for one part of a hand-off. */
export type Patcher = (code: Code, handOff: HandOff) => Patch | Promise<Patch>;

export const NOTHING: Patch = { edits: [], findings: [] };

/** The file in which Terraform keeps the selected versions of providers. */
export const LOCK_FILE = '.terraform.lock.hcl';

/** Matches the names of all files that say something about the code, in both syntaxes. */
const READ = /(?:\.(?:tf|tofu|tfvars)(?:\.json)?|(?:^|\/)\.terraform\.lock\.hcl)$/;
const NATIVE = /(?:\.(?:tf|tofu|tfvars)|(?:^|\/)\.terraform\.lock\.hcl)$/;

/** Returns whether `patchTerraform` needs the file with the name or path. */
export const isTerraformFile = (path: string): boolean => READ.test(path);

/** Returns whether the file is in Terraform's native syntax. */
export const isNative = (path: string): boolean => NATIVE.test(path);

/** Parses the files of a directory. What is among `known` is not parsed again. */
export async function readCode(files: readonly CodeFile[], known: readonly ParsedFile[] = []): Promise<Code> {
  const native = await parseFiles(
    files.filter(({ path }) => isNative(path)),
    known,
  );
  const variables = files.filter(({ path }) => path.endsWith('.tfvars.json')).map(parseJsonVariables);
  const parsed = [...native, ...variables];
  return { files, parsed, scopes: scopesOf(parsed.filter(({ path }) => !path.endsWith(LOCK_FILE))) };
}

/** Returns a finding for each file that cannot be parsed. */
export const syntaxFindings = ({ parsed }: Code): Finding[] =>
  parsed.flatMap(({ path, errorLine }) =>
    errorLine === undefined
      ? []
      : [
          {
            result: 'left',
            about: 'syntax',
            path,
            line: errorLine,
            what: 'The file has a syntax error, so it is neither read nor changed.',
            next: 'Run `terraform validate`, correct the file, and run this command again.',
          },
        ],
  );
