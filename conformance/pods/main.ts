/** `npm run conformance -- pods`: holds the reading of pods against the AWS SDKs for Go, Python and JavaScript. */
import * as fc from 'fast-check';
import { duration } from '../../cli/text/duration.ts';
import { printTo } from '../build/print.ts';
import { keepPartResults, kindsOf, type PlacedDifference, unexplained, writeWholeResults } from '../part-results.ts';
import { Explainer } from '../reasons.ts';
import { admitted, BY } from './admitted.ts';
import { type Order, readOrder } from './arguments.ts';
import { comparePod, isPossible, type Notes } from './compare.ts';
import { podsWith } from './generate.ts';
import { type Observer, openObserver } from './observe.ts';
import { preparePrograms } from './programs.ts';
import { REASONS } from './reasons.ts';
import { keepCounted, Tally } from './tally.ts';
import { recordedPods, webhookDifferences } from './webhook.ts';
import { openWorker } from './workers.ts';

const print = printTo(process.stderr);

interface Found {
  counts: Record<string, number>;
  differences: PlacedDifference[];
}

function compareWebhook({ explainer }: Notes): Found {
  const recorded = recordedPods();
  const differences = recorded.flatMap((one) =>
    webhookDifferences(one).map((each) => ({ where: one.name, ...explainer.explain(one.name, each) })),
  );
  return { counts: { 'pods of the webhook': recorded.length }, differences };
}

async function compareRecorded(observer: Observer, notes: Notes): Promise<Found> {
  const differences: PlacedDifference[] = [];
  const recorded = recordedPods();
  for (const { name, mutated } of recorded)
    differences.push(...(await comparePod(mutated, `recorded, ${name}`, observer, notes)));
  return { counts: { 'recorded pods': recorded.length }, differences };
}

/** Returns the generated pods, as the webhook changes them; those that Kubernetes would refuse are left out. */
const generated = ({ seed, count }: Order) =>
  fc
    .sample(fc.tuple(podsWith(false), fc.constantFrom(BY[0], ...BY)), { seed, numRuns: count })
    .map(([pod, by]) => ({ by, pod: admitted(pod, by) }))
    .filter(({ pod }) => isPossible(pod));

async function compareGenerated(order: Order, observer: Observer, notes: Notes): Promise<Found> {
  print(`Generated pods: --seed ${order.seed} --count ${order.count}`);
  const pods = generated(order);
  const differences: PlacedDifference[] = [];
  for (const [index, { by, pod }] of pods.entries()) {
    print(`${index} of ${pods.length} generated pods, ${unexplained(differences).length} differences`, true);
    differences.push(...(await comparePod(pod, `generated, by ${by}`, observer, notes)));
  }
  return { counts: { 'generated pods': pods.length }, differences };
}

const show = (differences: readonly PlacedDifference[], brief: boolean): void => {
  for (const { times, example: one } of kindsOf(brief ? unexplained(differences) : differences))
    console.log(
      [
        `${one.reason === undefined ? 'DIFFERENT' : 'accepted'} (${times}): ${one.what}`,
        `  smallest: ${one.where}`,
        `  project: ${one.sandbox}; real: ${one.real}`,
        ...(one.reason === undefined ? [] : [`  ${one.reason}`]),
      ].join('\n'),
    );
};

const again = ({ seed, count, selected }: Order): string =>
  `npm run conformance -- pods ${selected.map((one) => `--only ${one}`).join(' ')} --seed ${seed} --count ${count}`;

/** Prints the result. Returns the exit code. */
function conclude(order: Order, found: Found, notes: Notes, seconds: number): number {
  show(found.differences, order.brief);
  const open = unexplained(found.differences).length;
  const unused = order.whole ? notes.explainer.unused() : [];
  for (const one of unused) console.log(`A reason explained nothing: ${one}`);
  const counts = Object.entries(found.counts).map(([what, count]) => `${count} ${what}`);
  console.log(
    `${counts.join(', ')} in ${duration(seconds * 1000)}; ${found.differences.length - open} differences accepted, ${open} without a reason (seed ${order.seed}).`,
  );
  if (open === 0 && unused.length === 0) {
    console.log(
      order.whole ? 'The results are kept in conformance/results.' : 'For results that are kept, run it whole.',
    );
    return 0;
  }
  console.log(
    open > 0
      ? `Correct what reads the pod (lambdas/domain/verification, sandbox/credentials), or add a reason to conformance/pods/reasons.ts; then: ${again(order)}`
      : 'Remove the reasons that explained nothing from conformance/pods/reasons.ts.',
  );
  return 1;
}

const add = (total: Found, { counts, differences }: Found): void => {
  Object.assign(total.counts, counts);
  total.differences.push(...differences);
};

async function compareAll(order: Order): Promise<number> {
  const notes: Notes = { explainer: new Explainer(REASONS), tally: new Tally() };
  const total: Found = { counts: {}, differences: [] };
  const { commands, versions } = await preparePrograms(print);
  const started = Date.now();
  if (order.selected.includes('webhook')) add(total, compareWebhook(notes));
  const workers = {
    go: openWorker(commands.go),
    botocore: openWorker(commands.botocore),
    javascript: openWorker(commands.javascript),
  };
  const observer = openObserver((sdk, question) => workers[sdk].ask(question));
  try {
    if (order.selected.includes('recorded')) add(total, await compareRecorded(observer, notes));
    if (order.selected.includes('generated')) add(total, await compareGenerated(order, observer, notes));
  } finally {
    await Promise.all(Object.values(workers).map((worker) => worker.close()));
    observer.close();
  }
  const { tally } = notes;
  Object.assign(total.counts, {
    containers: tally.containers,
    'ways to start them': tally.worlds,
    'questions to each SDK': observer.asked(),
  });
  const seconds = (Date.now() - started) / 1000;
  writeWholeResults('pods', { programs: versions, seconds, ...total, sdks: tally.counted() });
  const code = conclude(order, total, notes, seconds);
  if (order.whole && code === 0) {
    keepPartResults({ part: 'pods', programs: versions, seconds, ...total, notRun: NOT_RUN });
    keepCounted(tally.counted());
  }
  return code;
}

const NOT_RUN = [
  {
    what: "EKS's webhook on generated pods",
    why: 'The Go module proxy does not have amazon-eks-pod-identity-webhook; 70 pods that it changed are recorded instead.',
  },
  { what: 'other SDKs', why: 'Those for Java, C++, .NET, PHP, Ruby and Rust are not run.' },
];

/** Returns the exit code: 1 for a difference without a reason, or a reason without a difference. */
export const run = (args: readonly string[]): Promise<number> => compareAll(readOrder(args));
