/**
 * Loads modules of the project again with a defect in one of them, in the same process: the defective module and all
 * modules that import it, however indirectly, under the same URLs with `?defect=NAME`. All other modules, and the
 * packages, are shared. A process of its own for each defect would load a thousand modules each time.
 */
import { readFileSync } from 'node:fs';
import { registerHooks } from 'node:module';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { type Planted, withDefect } from '../../conformance/planted.ts';

const ROOT = pathToFileURL(join(import.meta.dirname, '../..')).href;

const isSource = (url: string) => url.startsWith(`${ROOT}/`) && url.endsWith('.ts') && !url.includes('/node_modules/');

/** Returns a URL without its query, and the name of the defect in it. */
const partsOf = (url: string): { module: string; defect: string | undefined } => {
  const [module = '', query] = url.split('?');
  return { module, defect: query === undefined ? undefined : new URLSearchParams(query).get('defect')?.toString() };
};

export interface DefectiveModules {
  /** Imports modules of the project without a defect: only imports that have been seen are known. */
  learn: (paths: readonly string[]) => Promise<void>;
  /**
   * Imports a module of the project with the defect, after `learn`. Throws an Error if the defect does not fit its file,
   * or if nothing has imported that file.
   */
  load: (defect: Planted, path: string) => Promise<unknown>;
}

/** Starts to note which module imports which. Must be called once, before the modules of the project are imported. */
export const defectiveModules = (): DefectiveModules => {
  const importers = new Map<string, Set<string>>();
  const planted = new Map<string, { defect: Planted; affected: ReadonlySet<string> }>();

  const noteImport = (module: string, importer: string): void => {
    const known = importers.get(module);
    if (known) known.add(importer);
    else importers.set(module, new Set([importer]));
  };
  const affectedBy = (module: string): Set<string> => {
    const affected = new Set([module]);
    for (const each of affected) for (const importer of importers.get(each) ?? []) affected.add(importer);
    return affected;
  };

  registerHooks({
    resolve: (specifier, context, next) => {
      const resolved = next(specifier, context);
      const { module, defect: own } = partsOf(resolved.url);
      if (!isSource(module)) return resolved;
      const importer = partsOf(context.parentURL ?? '');
      if (isSource(importer.module)) noteImport(module, importer.module);
      const name = own ?? importer.defect;
      const isAffected = name !== undefined && planted.get(name)?.affected.has(module) === true;
      return { ...resolved, url: isAffected ? `${module}?defect=${name}` : module };
    },
    load: (url, context, next) => {
      const { module, defect: name } = partsOf(url);
      const defect = name === undefined ? undefined : planted.get(name)?.defect;
      if (defect === undefined || module !== `${ROOT}/${defect.file}`) return next(url, context);
      const source = withDefect(defect, readFileSync(fileURLToPath(module), 'utf8'));
      return { format: 'module-typescript', source, shortCircuit: true };
    },
  });

  return {
    learn: async (paths) => {
      for (const path of paths) await import(`${ROOT}/${path}`);
    },
    load: async (defect, path) => {
      const module = `${ROOT}/${defect.file}`;
      if (!importers.has(module)) throw new Error(`Nothing has imported ${defect.file}, which has the defect.`);
      if (!planted.has(defect.name)) planted.set(defect.name, { defect, affected: affectedBy(module) });
      return import(`${ROOT}/${path}?defect=${defect.name}`);
    },
  };
};
