/** Carries out runs in the sandbox and on a real control plane, and compares them. */
import { ensureAssembly } from '../../../cli/assembly.ts';
import { openSandbox, type Sandbox } from '../../../sandbox/sandbox.ts';
import type { Scenario } from '../../../sandbox/world/scenario.ts';
import { type ActFacts, carryOut, scenarioOf } from './carry-out.ts';
import { compareFacts } from './compare.ts';
import { Explainer } from './reasons.ts';
import type { ActResult, Results, RunResult } from './results.ts';
import type { Run } from './run.ts';

/** Sandboxes whose clusters have a real control plane. */
export interface RealWorlds {
  /** Release of Kubernetes, such as v1.35.4. */
  kubernetes: string;
  /** Returns why a scenario cannot be held by a real control plane; undefined if it can. */
  cannotHold(scenario: Scenario): string | undefined;
  /** Opens the sandbox of a scenario; `close` of the sandbox ends it. */
  open(scenario: Scenario, assemblyDirectory: string): Promise<Sandbox>;
}

/** Receives what is being done, and each result. */
export interface Reporter {
  /** Called before each act on the real control plane. */
  act(run: Run, title: string): void;
  done(result: RunResult): void;
}

const inOwnSandbox = async (run: Run, scenario: Scenario, assemblyDirectory: string): Promise<ActFacts[]> => {
  const sandbox = await openSandbox({ scenario, seed: scenario.seed, assemblyDirectory });
  try {
    return await carryOut(run, scenario, sandbox);
  } finally {
    await sandbox.close();
  }
};

const compareActs = (
  run: Run,
  sandbox: readonly ActFacts[],
  real: readonly ActFacts[],
  explainer: Explainer,
): ActResult[] =>
  sandbox.flatMap((own, index): ActResult[] => {
    const other = real[index];
    if (!other) return [];
    return [
      {
        title: own.title,
        outcome: own.outcome,
        worldSeconds: { sandbox: own.worldSeconds, real: other.worldSeconds },
        facts: own.facts.size,
        differences: compareFacts(own.facts, other.facts).map((one) => explainer.explain(run.name, own.title, one)),
      },
    ];
  });

/** Runs one scenario in both worlds. A failure of either is part of the result. */
const runOne = async (
  run: Run,
  worlds: RealWorlds,
  { explainer, reporter, assembly }: { explainer: Explainer; reporter: Reporter; assembly: string },
): Promise<RunResult> => {
  const scenario = await scenarioOf(run);
  const base = { run: run.name, scenario: run.scenario };
  const notHeld = worlds.cannotHold(scenario);
  if (notHeld !== undefined) return { ...base, seconds: 0, notHeld, acts: [] };
  const own = await inOwnSandbox(run, structuredClone(scenario), assembly);
  const started = performance.now();
  const seconds = (): number => Math.round((performance.now() - started) / 100) / 10;
  const real: ActFacts[] = [];
  try {
    const sandbox = await worlds.open(scenario, assembly);
    try {
      await carryOut(run, scenario, sandbox, {
        before: (title) => reporter.act(run, title),
        after: (facts) => void real.push(facts),
      });
    } finally {
      await sandbox.close();
    }
  } catch (error) {
    const failure = error instanceof Error ? error.message : String(error);
    return { ...base, seconds: seconds(), failure, acts: compareActs(run, own, real, explainer) };
  }
  return { ...base, seconds: seconds(), acts: compareActs(run, own, real, explainer) };
};

/** Carries out runs one after the other. `whole`: these are all runs, so that each reason must have explained something. */
export const runAll = async (
  runs: readonly Run[],
  worlds: RealWorlds,
  reporter: Reporter,
  { whole = false, explainer = new Explainer() }: { whole?: boolean; explainer?: Explainer } = {},
): Promise<Results> => {
  const { directory: assembly } = await ensureAssembly();
  const started = performance.now();
  const results: RunResult[] = [];
  for (const run of runs) {
    const result = await runOne(run, worlds, { explainer, reporter, assembly });
    results.push(result);
    reporter.done(result);
  }
  return {
    kubernetes: worlds.kubernetes,
    seconds: Math.round((performance.now() - started) / 1000),
    runs: results,
    unusedReasons: whole ? explainer.unused() : [],
  };
};
