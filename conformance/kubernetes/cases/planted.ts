/** Runs the cases with a defect planted in a copy of the sandbox: the cases must find it. */
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { copySources, plant, type Planted, readPlanted } from '../../planted.ts';
import type { Address } from './real-server.ts';
import type * as run from './run.ts';

const DEFECTS = join(import.meta.dirname, 'planted.txt');
/** What the cases import. */
const COPIED = [
  'conformance/kubernetes/cases',
  'conformance/kubernetes/plane',
  'conformance/planted.ts',
  'lambdas',
  'sandbox',
  'package.json',
  'tsconfig.json',
];

/** A defect, and the cases that must find it. */
export interface PlantedDefect extends Planted {
  about: string;
  cases: string[];
}

/** Returns all defects that can be planted. */
export const plantedDefects = (): PlantedDefect[] =>
  readPlanted(DEFECTS).map(({ values, ...defect }) => ({
    ...defect,
    about: values('about').join(' '),
    cases: values('case'),
  }));

/**
 * Runs the cases that must find a defect, with a sandbox that has it. The report has not passed if they do. Throws an
 * Error if there is no defect of that name, or if it does not fit the sources any more.
 */
export const runPlanted = async (
  address: Address,
  name: string,
  options: Omit<run.RunOptions, 'only'>,
): Promise<run.CasesReport> => {
  const defects = plantedDefects();
  const defect = defects.find((one) => one.name === name);
  if (!defect)
    throw new Error(`There is no defect ${name} to plant. There are: ${defects.map((one) => one.name).join(', ')}.`);
  const directory = copySources(COPIED);
  try {
    plant(defect, directory);
    const url = pathToFileURL(join(directory, 'conformance/kubernetes/cases/run.ts')).href;
    const { runCases } = (await import(url)) as typeof run;
    return await runCases(address, { ...options, only: defect.cases });
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
};
