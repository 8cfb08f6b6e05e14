/** Emits the declarations of a module of the published package with TypeScript's own compiler. */
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { basename, dirname, join, relative } from 'node:path';

const ROOT = join(import.meta.dirname, '../..');
const TSC = join(ROOT, 'node_modules/.bin/tsc');

/** Declarations name sources with the ending `.ts`, which only a compiler with a certain option accepts. */
const withJsEndings = (text: string): string =>
  text.replaceAll(/((?:from|import)\s*\(?\s*['"]\.[^'"]*)\.ts(['"])/g, '$1.js$2');

/**
 * Writes `index.d.ts` for a source file, such as `scripts/package/trust.ts`, and the declarations that it needs below
 * `types/`. Throws an Error with the compiler's output if it refuses.
 */
export function emitDeclarations(entry: string, outdir: string): void {
  mkdirSync(outdir, { recursive: true });
  // Inside the project, so that the compiler finds the types of packages.
  const work = mkdtempSync(join(ROOT, 'dist/.declarations-'));
  try {
    const project = join(work, 'tsconfig.json');
    const compilerOptions = {
      noEmit: false,
      declaration: true,
      emitDeclarationOnly: true,
      outDir: 'out',
      rootDir: ROOT,
    };
    writeFileSync(
      project,
      JSON.stringify({
        extends: join(ROOT, 'tsconfig.json'),
        compilerOptions,
        files: [join(ROOT, entry)],
        include: [],
      }),
    );
    const { status, stdout, stderr, error } = spawnSync(process.execPath, [TSC, '-p', project], { encoding: 'utf8' });
    if (status !== 0)
      throw new Error(`The declarations of ${entry} can't be emitted: ${error?.message ?? stdout + stderr}`);
    const out = join(work, 'out');
    for (const file of readdirSync(out, { recursive: true, withFileTypes: true }).filter((one) => one.isFile())) {
      const path = join(file.parentPath, file.name);
      const to = join(outdir, 'types', relative(out, path));
      mkdirSync(dirname(to), { recursive: true });
      writeFileSync(to, withJsEndings(readFileSync(path, 'utf8')));
    }
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
  const module = join('types', dirname(entry), `${basename(entry, '.ts')}.js`);
  writeFileSync(join(outdir, 'index.d.ts'), `export * from './${module}';\n`);
}
