/** `npm run conformance -- step-functions`: the sandbox's interpreter and moto's run the same executions (docs/conformance.md). */
import { join } from 'node:path';
import { duration } from '../../cli/text/duration.ts';
import { printTo } from '../build/print.ts';
import { type PythonEnvironment, pythonEnvironment } from '../build/python.ts';
import { keepPartResults, kindsOf, type PlacedDifference, unexplained, writeWholeResults } from '../part-results.ts';
import { Explainer } from '../reasons.ts';
import { type Order, readOrder } from './arguments.ts';
import type { Covered } from './coverage.ts';
import { type Input, inputOfSeed } from './inputs.ts';
import { Peer } from './peer.ts';
import { play, type Played } from './play-input.ts';
import { NOT_COMPARED, REASONS } from './reasons.ts';
import { Tally } from './tally.ts';

const PART = 'step-functions';
const LONGEST_VALUE = 300;

const print = printTo(process.stderr);

/** Returns whether an input has executions of the definition that is asked for. */
const isAbout = (input: Input, { definition }: Order): boolean =>
  definition === undefined ||
  (definition === 'Sweep') === (input.kind === 'sweep') ||
  (definition === 'MigrateAddon' && input.kind === 'sweep');

const only = (played: Played, { definition }: Order): Played =>
  definition === undefined
    ? played
    : { ...played, differences: played.differences.filter(({ execution }) => execution.split('/')[0] === definition) };

const cut = (text: string): string => (text.length > LONGEST_VALUE ? `${text.slice(0, LONGEST_VALUE)}…` : text);

const differenceLines = ({ where, what, sandbox, real }: PlacedDifference): string =>
  `  ${where}: ${what}\n    sandbox: ${cut(sandbox)}\n    moto:    ${cut(real)}`;

/** Plays the inputs. Throws what went wrong outside of the language, after the input is named. */
const playAll = async (order: Order, peer: Peer, explainer: Explainer): Promise<Tally> => {
  const tally = new Tally();
  const seeds = Array.from({ length: order.count }, (_, index) => order.seed + index);
  const inputs = seeds.map(inputOfSeed).filter((input) => isAbout(input, order));
  for (const [index, input] of inputs.entries()) {
    print(`${index} of ${inputs.length} inputs, ${tally.counts.executions} executions compared`, true);
    let played: Played;
    try {
      played = only(await play(input, peer), order);
    } catch (error) {
      console.error(`The input of seed ${input.seed} could not be played: ${JSON.stringify(input)}`);
      throw error;
    }
    const open = tally.add(input, played, explainer);
    const { executions, events } = played.counts;
    if (open.length > 0 || !order.brief)
      console.log(
        `${open.length > 0 ? 'DIFFERENT' : 'equal'}: seed ${input.seed}: ${played.title}: ${executions} executions, ${events} events`,
      );
    for (const difference of open.slice(0, 5)) console.log(differenceLines(difference));
  }
  return tally;
};

const sum = (covered: readonly Covered[], of: 'states' | 'transitions' | 'expressions'): [number, number] => [
  covered.reduce((total, one) => total + one[of].visited, 0),
  covered.reduce((total, one) => total + one[of].all, 0),
];

const countsOf = (tally: Tally, order: Order): Record<string, number> => {
  const { covered, counts, inputs } = tally;
  const shares = (['states', 'transitions', 'expressions'] as const).map((of): [string, number] => {
    const [visited, all] = sum(covered, of);
    return [`of ${all} ${of}`, visited];
  });
  return {
    inputs: order.count,
    sweeps: inputs.sweeps,
    executions: counts.executions,
    events: counts.events,
    'failed tasks': counts.failures,
    retries: counts.retries,
    'evaluations of expressions': counts.evaluations,
    ...Object.fromEntries(shares),
  };
};

const coverageLines = (covered: readonly Covered[]): string[] =>
  covered.map(
    ({ name, executions, states, transitions, expressions }) =>
      `${name}: ${executions} executions, ${states.visited} of ${states.all} states, ${transitions.visited} of ${transitions.all} transitions, ${expressions.visited} of ${expressions.all} expressions`,
  );

const keep = (tally: Tally, order: Order, { versionOf }: PythonEnvironment, seconds: number): void => {
  keepPartResults({
    part: PART,
    programs: { moto: versionOf('moto'), 'jsonata-python': versionOf('jsonata-python') },
    counts: countsOf(tally, order),
    differences: tally.differences,
    notRun: [...NOT_COMPARED],
    seconds,
  });
};

/** Prints the result. Returns the exit code. */
const conclude = (order: Order, tally: Tally, explainer: Explainer, seconds: number): number => {
  const open = kindsOf(unexplained(tally.differences));
  for (const line of coverageLines(tally.covered)) console.log(line);
  for (const { example, times } of open) console.log(`DIFFERENT (${times}):\n${differenceLines(example)}`);
  const unused = order.whole ? explainer.unused() : [];
  for (const one of unused) console.log(`A reason explained nothing: ${one}`);
  const counts = Object.entries(countsOf(tally, order)).map(([what, count]) => `${count} ${what}`);
  console.log(`${counts.join(', ')} in ${duration(seconds * 1000)}.`);
  if (open.length === 0 && unused.length === 0) {
    console.log(
      order.whole
        ? 'Everything is equal or has a reason; the results are kept in conformance/results.'
        : 'Everything is equal or has a reason. For results that are kept, run it whole.',
    );
    return 0;
  }
  console.log(
    open.length > 0
      ? `Correct sandbox/states where AWS does as moto, or add a reason to conformance/step-functions/reasons.ts; then: npm run conformance -- ${PART} --seed ${order.seed} --count ${order.count}`
      : 'Remove the reasons that explained nothing from conformance/step-functions/reasons.ts.',
  );
  return 1;
};

const runOrder = async (order: Order): Promise<number> => {
  const environment = await pythonEnvironment(
    { name: PART, requirements: join(import.meta.dirname, 'moto/requirements.txt') },
    print,
  );
  const explainer = new Explainer(REASONS);
  const peer = new Peer(environment.python);
  const started = performance.now();
  try {
    const tally = await playAll(order, peer, explainer);
    const seconds = (performance.now() - started) / 1000;
    writeWholeResults(PART, {
      seconds,
      counts: countsOf(tally, order),
      differences: tally.differences,
      inputs: tally.inputs,
      ends: tally.ends,
      // With the states and transitions of each definition that moto has not reached.
      definitions: tally.covered,
    });
    const code = conclude(order, tally, explainer, seconds);
    if (code === 0 && order.whole) keep(tally, order, environment, seconds);
    return code;
  } finally {
    peer.close();
  }
};

/** Runs the part, and returns the exit code: 0, or 1 for a difference without a reason. */
export const run = (args: readonly string[]): Promise<number> => runOrder(readOrder(args));
