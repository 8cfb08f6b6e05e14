/** Carries out runs in the sandbox and on a real control plane, and compares them. */
import { openSandboxBackend, type SandboxBackend } from '../../../cli/backend.ts';
import type { Scenario } from '../../../sandbox/scenario/scenario.ts';
import { type ActFacts, carryOut, scenarioOf } from './carry-out.ts';
import { compareFacts } from './compare.ts';
import { Explainer } from '../../reasons.ts';
import { REASONS } from './reasons.ts';
import type { ActResult, Results, RunResult } from './results.ts';
import type { Run } from './run.ts';

/** Only ends a hang: on an idle machine, the longest run takes two minutes. */
const LONGEST_MINUTES = 15;

/** Sandboxes whose clusters have a real control plane. */
export interface RealWorlds {
  /** Release of Kubernetes, such as v1.35.4. */
  kubernetes: string;
  /** Returns why a scenario cannot be held by a real control plane; undefined if it can. */
  cannotHold(scenario: Scenario): string | undefined;
  /** Opens a scenario on an empty control plane. */
  open(scenario: Scenario): Promise<RealWorld>;
}

export interface RealWorld {
  backend: SandboxBackend;
  /** Returns what the world's time waits for. */
  state(): string;
  /** Returns what went wrong outside of the sandbox's services; each is a failure of the run. */
  problems(): string[];
  close(): Promise<void>;
}

/** Receives what is being done, and each result. */
export interface Reporter {
  /** Called before each act on the real control plane. */
  act(run: Run, title: string): void;
  done(result: RunResult): void;
}

const inOwnSandbox = async (run: Run, scenario: Scenario): Promise<ActFacts[]> => {
  const backend = await openSandboxBackend(scenario, {});
  try {
    return await carryOut(run, scenario, backend);
  } finally {
    await backend.close();
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
        differences: compareFacts(own.facts, other.facts).map((one) =>
          explainer.explain(`${run.name}, ${own.title}`, one),
        ),
      },
    ];
  });

/** Rejects with what a world waits for if the work takes too long. */
const inTime = async (work: Promise<unknown>, world: RealWorld): Promise<void> => {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(
      () => reject(new Error(`It did not end within ${LONGEST_MINUTES} minutes: ${world.state()}`)),
      LONGEST_MINUTES * 60_000,
    );
  });
  // It is rejected once its world is closed.
  work.catch(() => {});
  try {
    await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
};

/** Runs one scenario in both worlds. A failure of either is part of the result. */
const runOne = async (
  run: Run,
  worlds: RealWorlds,
  { explainer, reporter }: { explainer: Explainer; reporter: Reporter },
): Promise<RunResult> => {
  const scenario = await scenarioOf(run);
  const base = { run: run.name, scenario: run.scenario };
  const notHeld = worlds.cannotHold(scenario);
  if (notHeld !== undefined) return { ...base, seconds: 0, notHeld, acts: [] };
  const own = await inOwnSandbox(run, structuredClone(scenario));
  const started = performance.now();
  const real: ActFacts[] = [];
  const result = (text?: string): RunResult => {
    const [failure, ...details] = text?.split('\n') ?? [];
    return {
      ...base,
      seconds: Math.round((performance.now() - started) / 100) / 10,
      ...(failure === undefined ? {} : { failure }),
      ...(details.length === 0 ? {} : { details: details.join('\n') }),
      acts: compareActs(run, own, real, explainer),
    };
  };
  try {
    const world = await worlds.open(scenario);
    try {
      await inTime(
        carryOut(run, scenario, world.backend, {
          before: (title) => reporter.act(run, title),
          after: (facts) => void real.push(facts),
        }),
        world,
      );
    } finally {
      await world.close();
    }
    return result(world.problems()[0]);
  } catch (error) {
    return result(error instanceof Error ? error.message : String(error));
  }
};

/**
 * Carries out runs: as many at a time as there are worlds, each on a control plane of its own. `whole`: these are all
 * runs, so that each reason must have explained something.
 */
export const runAll = async (
  runs: readonly Run[],
  worlds: readonly RealWorlds[],
  reporter: Reporter,
  { whole = false, explainer = new Explainer(REASONS) }: { whole?: boolean; explainer?: Explainer } = {},
): Promise<Results> => {
  const started = performance.now();
  const results = new Map<Run, RunResult>();
  const queue = [...runs];
  await Promise.all(
    worlds.map(async (own) => {
      for (let run = queue.shift(); run; run = queue.shift()) {
        const result = await runOne(run, own, { explainer, reporter });
        results.set(run, result);
        reporter.done(result);
      }
    }),
  );
  return {
    kubernetes: worlds[0]?.kubernetes ?? '',
    seconds: Math.round((performance.now() - started) / 1000),
    runs: runs.flatMap((run) => results.get(run) ?? []),
    unusedReasons: whole ? explainer.unused() : [],
  };
};
