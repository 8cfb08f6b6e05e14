/** The comparison of what eksctl reads with the state of the world, and with what the service reads. */
import type { Print } from '../build/build.ts';
import { Explainer } from '../reasons.ts';
import { REASONS } from './get/reasons.ts';
import { compareScenario, type GetResult } from './get/run.ts';
import type { Comparison, Selection } from './comparison.ts';

const lineOf = ({ scenario, commands, facts }: GetResult, different: number): string =>
  `${different === 0 ? 'equal' : 'DIFFERENT'} ${scenario}: ${facts} facts of ${commands} commands${different === 0 ? '' : `, ${different} different`}`;

/** Compares the reads in the selected scenarios. */
export const compareReads = async ({ scenarios, whole, brief }: Selection, print: Print): Promise<Comparison> => {
  const explainer = new Explainer(REASONS);
  const results: GetResult[] = [];
  const comparison: Comparison = { counts: {}, differences: [], problems: [] };
  for (const [index, name] of scenarios.entries()) {
    print(`reads: ${index + 1} of ${scenarios.length}, ${name}`, true);
    const result = await compareScenario(name);
    results.push(result);
    const differences = result.differences.map((one) => explainer.explain(one.where, one));
    comparison.differences.push(...differences);
    const different = differences.filter(({ reason }) => reason === undefined).length;
    if (!brief || different > 0) console.log(lineOf(result, different));
  }
  if (whole) comparison.problems.push(...explainer.unused().map((reason) => `A reason explains nothing: ${reason}`));
  comparison.counts = {
    'scenarios read by eksctl': results.length,
    'commands that read': results.reduce((sum, { commands }) => sum + commands, 0),
    'facts read': results.reduce((sum, { facts }) => sum + facts, 0),
  };
  return comparison;
};
