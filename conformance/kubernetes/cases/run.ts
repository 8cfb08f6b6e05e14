/** Runs the cases on the sandbox and on a real control plane, and compares what they show. */
import { type Case, type Note, type Trace, traceOf } from './case.ts';
import { CASES } from './cases.ts';
import { judge, unusedOf, type Result } from './compare.ts';
import { addSharedNodes, type Address, connect, copyStart, type RealServer } from './real-server.ts';
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
  /** What the real control plane showed, by case: see `recorded.ts`. */
  traces: Record<string, Trace>;
  /** Accepted differences that no longer occur. */
  unused: AcceptedFact[];
  /** True if every difference is accepted and every accepted difference occurs. */
  passed: boolean;
}

/** Returns the case for a real server: it copies the start of its sandbox first, so that a failure of that is a fact. */
const startedOn = (one: Case, version: string): { run: (server: RealServer, note: Note) => Promise<void> } => ({
  run: async (server, note) => {
    await copyStart(server, openSandboxServer(one, version));
    await server.settle('the start is at rest');
    await one.run(server, note);
  },
});

const runCase = async (address: Address, one: Case, version: string): Promise<{ result: Result; real: Trace }> => {
  const began = Date.now();
  const real = connect(address, one.name);
  try {
    const sandbox = openSandboxServer(one, version);
    await sandbox.settle('the start is at rest');
    const traces = { sandbox: await traceOf(one, sandbox), real: await traceOf(startedOn(one, version), real) };
    const seconds = Math.round((Date.now() - began) / 100) / 10;
    const of = { name: one.name, shows: one.shows, seconds, version };
    return { result: judge(of, traces, ACCEPTED), real: traces.real };
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
  const traces: Record<string, Trace> = {};
  const queue = [...wanted];
  const work = async (): Promise<void> => {
    for (let one = queue.shift(); one; one = queue.shift()) {
      const { result, real } = await runCase(address, one, version);
      results.push(result);
      traces[one.name] = real;
      onResult?.(result);
    }
  };
  await Promise.all(Array.from({ length: Math.min(atOnce, wanted.length) }, work));
  const order = new Map(wanted.map(({ name }, index) => [name, index]));
  results.sort((a, b) => (order.get(a.name) ?? 0) - (order.get(b.name) ?? 0));
  const unused = unusedOf(results, ACCEPTED, version);
  const passed = unused.length === 0 && results.every(({ verdict }) => verdict !== 'different');
  return { results, traces, unused, passed };
};
