/** Runs a part in a copy of the project that has a planted defect. */
import { existsSync, readdirSync, rmSync, symlinkSync } from 'node:fs';
import { basename, join } from 'node:path';
import { ROOT } from './build/program.ts';
import { runInProcess } from './part-process.ts';
import { copySources, plant, type PlantedRow, readPlanted } from './planted.ts';

/** Folders that are not copied. Those of the second list, and the packages, are shared with the copy. */
const NOT_COPIED = new Set(['.git', 'node_modules', 'dist', 'coverage', '.build', '.results', '.ci']);
const SHARED = ['tools/openapi/node_modules', 'conformance/.build', '.ci'];

const isCopied = (path: string): boolean => !NOT_COPIED.has(basename(path));

/** Copies the project to a temporary directory, and returns it. */
const copyProject = (): string => {
  const directory = copySources(readdirSync(ROOT).filter(isCopied), isCopied);
  for (const folder of SHARED)
    if (existsSync(join(ROOT, folder))) symlinkSync(join(ROOT, folder), join(directory, folder), 'dir');
  return directory;
};

/** Returns the defects that can be planted for a part. */
export const plantedOf = (part: string): PlantedRow[] => {
  const file = join(import.meta.dirname, part, 'planted.txt');
  return existsSync(file) ? readPlanted(file) : [];
};

/**
 * Runs a part with a defect. `args`: flags of the part; without any, those of the defect's row. Returns 1 if the part has found the defect, as it must, 0 if it has not, and 2 if there is no such defect.
 */
export const runPlantedPart = async (part: string, name: string, args: readonly string[]): Promise<number> => {
  const defects = plantedOf(part);
  const defect = defects.find((one) => one.name === name);
  if (!defect) {
    console.error(
      `There is no defect ${JSON.stringify(name)} to plant for ${part}.\nUse one of: ${defects.map((one) => one.name).join(', ')}.`,
    );
    return 2;
  }
  const directory = copyProject();
  try {
    plant(defect, directory);
    console.log(`Planted in ${defect.file}: ${defect.values('about').join(' ')}`);
    const [own = ''] = defect.values('run');
    const words = args.length > 0 ? args : own.split(' ').filter((word) => word !== '');
    const code = await runInProcess(directory, [part, ...words]);
    console.log(
      code === 1
        ? `${part} found the defect ${name}. Nothing to do.`
        : `${part} did not find the defect ${name}: it ended with ${code}. Add what shows it, or correct the defect.`,
    );
    return code === 1 ? 1 : 0;
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
};
