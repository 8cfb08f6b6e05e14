/** A case: requests and observations that are written once, and must give the same facts on both API servers. */
import type { z } from 'zod';
import type { nodeGroup, workload } from '../../../sandbox/scenario/scenario-cluster.ts';
import type { Json } from '../../../sandbox/json.ts';
import type { Server } from './server.ts';

/** A workload of the case, as scenarios have them. `spec`: further fields of its spec, which scenarios cannot set. */
export type CaseWorkload = Omit<z.input<typeof workload>, 'namespace'> & { spec?: Json };

/** What exists before the case begins. */
export interface Start {
  workloads?: CaseWorkload[];
  /** Nodes of the case, with the label `pool: NAME` of the case's name; default: none of its own. */
  nodes?: Omit<z.input<typeof nodeGroup>, 'labels' | 'nodeGroup'>[];
}

/** Adds a fact to the trace. A name occurs once in a case. */
export type Note = (fact: string, value: unknown) => void;

export interface Case {
  /** Kebab case; also names its namespace in the real cluster. */
  name: string;
  /** What the case shows: a sentence. */
  shows: string;
  start?: Start;
  run(server: Server, note: Note): Promise<void>;
}

/** The facts of one run, in order. */
export type Trace = Record<string, unknown>;

/** Runs a case. An error of the case's own is a fact too, so that the others can go on. */
export const traceOf = async <S extends Server>(
  { run }: { run: (server: S, note: Note) => Promise<void> },
  server: S,
): Promise<Trace> => {
  const trace: Trace = {};
  const note: Note = (fact, value) => {
    if (fact in trace) throw new Error(`The case has two facts of the name "${fact}".`);
    trace[fact] = JSON.parse(JSON.stringify(value ?? null)) as unknown;
  };
  try {
    await run(server, note);
  } catch (error) {
    trace['failed'] = error instanceof Error ? error.message : String(error);
  }
  return trace;
};
