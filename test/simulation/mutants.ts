/**
 * Planted defects: each row of `mutants/*.txt` (`conformance/planted.ts`) names, besides the defect, the promise that
 * must catch it and the runs in which it does. Those runs, with the defect, must break that promise.
 */
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { type Planted, readPlanted } from '../../conformance/planted.ts';
import type { RunSpec } from './spec.ts';

const MUTANTS = join(import.meta.dirname, 'mutants');

export interface Mutant extends Planted {
  /** A description of the defect. */
  about: string;
  promise: string;
  specs: RunSpec[];
}

/**
 * Returns the specs of a run. Instead of a number of a call, `afterCall` may name several, as `"90-146/4"`: from 90 to
 * 146, every fourth. The call that shows the defect changes with the number of calls that precede it.
 */
const specsOf = (json: string): RunSpec[] => {
  const several = /"afterCall":"(\d+)-(\d+)(?:\/(\d+))?"/.exec(json);
  if (!several) return [JSON.parse(json) as RunSpec];
  const [text, from, to, by = '1'] = several;
  const count = Math.floor((Number(to) - Number(from)) / Number(by)) + 1;
  return Array.from(
    { length: count },
    (_, index) => JSON.parse(json.replace(text, `"afterCall":${Number(from) + index * Number(by)}`)) as RunSpec,
  );
};

export const readMutants = (): Mutant[] =>
  readdirSync(MUTANTS)
    .flatMap((file) => readPlanted(join(MUTANTS, file)))
    .map(({ values, ...defect }) => {
      const specs = values('run').flatMap(specsOf);
      if (specs.length === 0) throw new Error(`The mutant ${defect.name} names no run.`);
      return { ...defect, about: values('about').join(' '), promise: values('promise').join(), specs };
    })
    .toSorted((one, other) => (one.name < other.name ? -1 : 1));

/** Returns all mutants, or those with these names. Throws an Error if there is no mutant of a name. */
export const mutantsNamed = (names: readonly string[] | undefined): Mutant[] => {
  const all = readMutants();
  const missing = names?.filter((name) => !all.some((mutant) => mutant.name === name)) ?? [];
  if (missing.length > 0) throw new Error(`There is no mutant ${missing.join(', ')}.`);
  return names ? all.filter(({ name }) => names.includes(name)) : all;
};
