/**
 * Emits the declarations of a module of the published package with TypeScript's own compiler: only those that its
 * exports need, so that a reader finds them, and a consumer needs no other package than the module itself does.
 */
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { basename, dirname, join, relative } from 'node:path';

const ROOT = join(import.meta.dirname, '../..');
const TSC = join(ROOT, 'node_modules/typescript/bin/tsc');

/** Finds the specifiers of imports and re-exports, of which some have `from`, and others are types in a declaration. */
const SPECIFIERS = /\b(from\s+|import\(\s*|import\s+)(['"])([^'"\n]+)\2/g;

/** Returns the specifiers that a declaration file imports, without those in its comments. */
const specifiersIn = (text: string): string[] =>
  [...text.replaceAll(/\/\*[\s\S]*?\*\//g, '').matchAll(SPECIFIERS)].map(([, , , specifier = '']) => specifier);

const isRelative = (specifier: string): boolean => specifier.startsWith('.');

/** Declarations name sources with the ending `.ts`, which only a compiler with a certain option accepts. */
const withJsEndings = (text: string): string =>
  text.replaceAll(SPECIFIERS, (whole, before: string, quote: string, specifier: string) =>
    isRelative(specifier) ? `${before}${quote}${specifier.replace(/\.ts$/, '.js')}${quote}` : whole,
  );

/** Runs the compiler. Throws an `Error` with its output if it refuses. */
function compile(entry: string, work: string): void {
  const project = join(work, 'tsconfig.json');
  writeFileSync(
    project,
    JSON.stringify({
      extends: join(ROOT, 'tsconfig.json'),
      compilerOptions: {
        noEmit: false,
        declaration: true,
        emitDeclarationOnly: true,
        stripInternal: true,
        // Of the oldest supported Node: a function that it lacks is an error.
        lib: ['es2023'],
        outDir: 'out',
        rootDir: ROOT,
      },
      files: [join(ROOT, entry)],
      include: [],
    }),
  );
  // Several threads check the same types again, which takes twice the processor time.
  const { status, stdout, stderr, error } = spawnSync(process.execPath, [TSC, '-p', project, '--singleThreaded'], {
    encoding: 'utf8',
  });
  if (status !== 0)
    throw new Error(`The declarations of ${entry} cannot be emitted: ${error?.message ?? stdout + stderr}`);
}

/**
 * Writes `index.d.ts` for a source file of the project, such as `lib/index.ts`, and the declarations that it needs below
 * `types/`. `packages` are those that they may import; `written` has the text of declarations, by their file in the project, that
 * take the place of the compiler's. Throws an `Error` for another package, or if the compiler refuses.
 */
export function emitDeclarations(
  entry: string,
  outdir: string,
  packages: readonly string[] = [],
  written: Readonly<Record<string, string>> = {},
): void {
  mkdirSync(join(ROOT, 'dist'), { recursive: true });
  // Inside the project, so that the compiler finds the types of packages.
  const work = mkdtempSync(join(ROOT, 'dist/.declarations-'));
  try {
    compile(entry, work);
    const out = join(work, 'out');
    const emitted = new Set<string>();
    const emit = (file: string): void => {
      if (emitted.has(file)) return;
      emitted.add(file);
      const text = written[relative(out, file)] ?? readFileSync(file, 'utf8');
      for (const specifier of specifiersIn(text)) {
        if (isRelative(specifier)) emit(join(dirname(file), specifier.replace(/\.ts$/, '.d.ts')));
        else if (!packages.some((one) => specifier === one || specifier.startsWith(`${one}/`)))
          throw new Error(
            `The declarations of ${entry} import ${specifier} in ${relative(out, file)}. Declare the exported type without it, or allow the package.`,
          );
      }
      const to = join(outdir, 'types', relative(out, file));
      mkdirSync(dirname(to), { recursive: true });
      writeFileSync(to, withJsEndings(text));
    };
    emit(join(out, dirname(entry), `${basename(entry, '.ts')}.d.ts`));
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
  const module = join('types', dirname(entry), `${basename(entry, '.ts')}.js`);
  writeFileSync(join(outdir, 'index.d.ts'), `export * from './${module}';\n`);
}
