/** Synthesizes the deployments whose templates are checked. */
import { spawn } from 'node:child_process';
import { basename, dirname, join } from 'node:path';
import { ROOT } from '../build/program.ts';

/** The cloud assembly of a deployment. */
export interface Deployment {
  /** Such as `everything`. */
  name: string;
  directory: string;
  /** Paths of its templates. */
  templates: string[];
}

/** Templates that could not be written: for an unknown name, or by an app that does not synthesize. */
export class TemplateError extends Error {
  override readonly name = 'TemplateError';
  /** Whether the names were unusable. */
  readonly unusable: boolean;
  constructor(message: string, unusable: boolean) {
    super(message);
    this.unusable = unusable;
  }
}

/**
 * Writes the cloud assemblies into a folder, by a process of its own: test/lib/write-templates.ts, from which the grid of
 * the tests comes as well. `names`: those of the deployments, all if empty. Throws a TemplateError.
 */
export const writeAssemblies = async (folder: string, names: readonly string[]): Promise<Deployment[]> => {
  const script = join(ROOT, 'test/lib/write-templates.ts');
  const child = spawn(process.execPath, [script, folder, '--assemblies', ...names], { cwd: ROOT, stdio: 'pipe' });
  let [paths, errors] = ['', ''];
  child.stdout.setEncoding('utf8').on('data', (text: string) => (paths += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (errors += text));
  const code = await new Promise<number>((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (ended) => resolve(ended ?? 1));
  });
  if (code !== 0) throw new TemplateError(errors.trim(), code === 2);
  const directories = Map.groupBy(paths.trim().split('\n'), (path) => dirname(path));
  return [...directories].map(([directory, templates]) => ({ name: basename(directory), directory, templates }));
};
