/** Runs the cases on the sandbox and on a real control plane, and compares what they show. */
import { traceOf, type Case } from './case.ts';
import { CASES } from './cases.ts';
import { judge, unusedOf, type Result } from './compare.ts';
import { addSharedNodes, type Address, connect, copyStart } from './real-server.ts';
import { ACCEPTED, type AcceptedFact } from './reasons.ts';
import { openSandboxServer } from './sandbox-server.ts';

export interface RunOptions {
  /** The control plane's version, such as `1.35`. */
  version: string;
  /** Names of the cases to run; default: all. */
  only?: readonly string[];
  /** How many cases run at the same time, each in a namespace of its own. */
  atOnce?: number;
  /** Called with each result, as soon as it is there. */
  onResult?: (result: Result) => void;
}

export interface CasesReport {
  results: Result[];
  /** Accepted differences that no longer occur. */
  unused: AcceptedFact[];
  /** True if every difference is accepted and every accepted difference occurs. */
  passed: boolean;
}

const runCase = async (address: Address, one: Case, version: string): Promise<Result> => {
  const began = Date.now();
  const real = connect(address, one.name);
  try {
    const sandbox = openSandboxServer(one, version);
    await copyStart(real, sandbox);
    await sandbox.settle('the start is at rest');
    await real.settle('the start is at rest');
    const traces = { sandbox: await traceOf(one, sandbox), real: await traceOf(one, real) };
    const seconds = Math.round((Date.now() - began) / 100) / 10;
    return judge({ name: one.name, shows: one.shows, seconds, version }, traces, ACCEPTED);
  } finally {
    await real.close();
  }
};

/** Runs the cases. Throws an Error if one is named that does not exist. */
export const runCases = async (
  address: Address,
  { version, only, atOnce = 4, onResult }: RunOptions,
): Promise<CasesReport> => {
  const missing = only?.filter((name) => !CASES.some((one) => one.name === name)) ?? [];
  if (missing.length > 0)
    throw new Error(
      `There is no case ${missing.join(', ')}. The cases are: ${CASES.map(({ name }) => name).join(', ')}.`,
    );
  const wanted = only ? CASES.filter(({ name }) => only.includes(name)) : CASES;
  await addSharedNodes(address);
  const results: Result[] = [];
  const queue = [...wanted];
  const work = async (): Promise<void> => {
    for (let one = queue.shift(); one; one = queue.shift()) {
      const result = await runCase(address, one, version);
      results.push(result);
      onResult?.(result);
    }
  };
  await Promise.all(Array.from({ length: Math.min(atOnce, wanted.length) }, work));
  const order = new Map(wanted.map(({ name }, index) => [name, index]));
  results.sort((a, b) => (order.get(a.name) ?? 0) - (order.get(b.name) ?? 0));
  const unused = unusedOf(results, ACCEPTED, version);
  return { results, unused, passed: unused.length === 0 && results.every(({ verdict }) => verdict !== 'different') };
};
