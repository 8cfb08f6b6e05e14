/** The published package as npm would install it into a project. */
import { cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { packageCdk } from '../scripts/package-cdk.ts';
import { ensureAssembly } from '../cli/assembly.ts';

const ROOT = join(import.meta.dirname, '..');
const NAME = 'eks-pod-identity-migrator';
/** Folder in the package with everything that is built. */
export const PARTS = 'dist/package';

let packed: Promise<string> | undefined;

/** Builds the package once in a process. Returns its folder, which is removed as the process ends. */
async function buildOnce(): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), 'packed-'));
  process.once('exit', () => rmSync(folder, { recursive: true, force: true }));
  const { lambdaDirectory } = await ensureAssembly();
  await packageCdk(join(folder, PARTS, 'cdk'), '../lambda');
  cpSync(lambdaDirectory, join(folder, PARTS, 'lambda'), { recursive: true });
  const manifest = {
    name: NAME,
    version: '0.0.0',
    type: 'module',
    exports: { './cdk': { types: `./${PARTS}/cdk/index.d.ts`, default: `./${PARTS}/cdk/index.mjs` } },
  };
  writeFileSync(join(folder, 'package.json'), JSON.stringify(manifest));
  return folder;
}

/**
 * Installs the package into the project in a folder, and this project's own packages that its code needs: no registry is
 * asked.
 */
export async function installInto(project: string, packages: readonly string[]): Promise<void> {
  packed ??= buildOnce();
  const folder = await packed;
  const modules = join(project, 'node_modules');
  mkdirSync(modules, { recursive: true });
  cpSync(folder, join(modules, NAME), { recursive: true });
  for (const name of packages) {
    const [scope = '', inScope] = name.split('/');
    if (inScope !== undefined) mkdirSync(join(modules, scope), { recursive: true });
    symlinkSync(join(ROOT, 'node_modules', name), join(modules, name));
  }
}
