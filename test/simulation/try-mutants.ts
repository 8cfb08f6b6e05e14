/** Tries planted defects, and reports which were caught. */
import type { Assembly } from '../../cli/assembly.ts';
import type { Mutant } from './mutants.ts';
import type { Output } from './output.ts';
import type { MutantResult, TaskOf } from './tasks.ts';
import type { TaskOptions } from './workers.ts';

/** A part of the domain that the templates contain as well: the errors that each state waits for. */
const OF_TEMPLATES = 'lambdas/domain/waiting/paused-errors.ts';
const isInTemplates = ({ file }: Mutant): boolean => file.startsWith('lib/') || file === OF_TEMPLATES;

const report = ({ name, about, promise }: Mutant, result: MutantResult): string => {
  if ('caught' in result) return `caught ${name}: ${about}\n  ${promise}: ${result.caught}\n`;
  const problem = 'failed' in result ? result.failed : `broken instead: ${result.instead.join(', ') || 'nothing'}`;
  return `NOT CAUGHT ${name}: ${about}\n  ${problem}\n`;
};

/** Tries mutants, and prints for each whether it was caught. Returns false if one was not. */
export const tryMutants = async (
  mutants: readonly Mutant[],
  application: Assembly,
  work: (task: TaskOf<'try'>, options: TaskOptions) => Promise<MutantResult>,
  { out }: Output,
): Promise<boolean> => {
  let caught = 0;
  const attempt = async (mutant: Mutant): Promise<void> => {
    const inTemplates = isInTemplates(mutant);
    // The CDK, which must be loaded for those in the templates, takes seconds to load.
    const task = { does: 'try' as const, mutant, isInTemplates: inTemplates, application };
    const result = await work(task, { isForFirst: inTemplates });
    if ('caught' in result) caught += 1;
    out(report(mutant, result));
  };
  await Promise.all([...mutants.filter(isInTemplates), ...mutants.filter((one) => !isInTemplates(one))].map(attempt));
  out(`${mutants.length} mutants: ${caught} caught, ${mutants.length - caught} not caught\n`);
  return caught === mutants.length;
};
