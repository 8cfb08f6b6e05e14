/**
 * What a real control plane of the newer version showed in each case, kept so that the sandbox is held against it without
 * one: a change of the sandbox that would make a case differ fails in `npm test`.
 */
import { join } from 'node:path';
import { readJson, writeJson } from '../../kept-json.ts';
import { RESULTS } from '../../part-results.ts';
import { type Case, type Trace, traceOf } from './case.ts';
import { openSandboxServer } from './sandbox-server.ts';

/** How deep the facts of each case are in the results: each has a line. */
const RECORDS = 2;
const TRACES = join(RESULTS, 'kubernetes-cases.json');

export const readTraces = (): Record<string, Trace> => readJson(TRACES) as Record<string, Trace>;

/** Writes the traces of a run of all cases, in the order of the names. */
export const writeTraces = (traces: Readonly<Record<string, Trace>>): void =>
  writeJson(TRACES, Object.fromEntries(Object.entries(traces).toSorted(([a], [b]) => (a < b ? -1 : 1))), RECORDS);

/** Returns what the sandbox shows in a case. */
export const sandboxTrace = async (one: Case, version: string): Promise<Trace> => {
  const server = openSandboxServer(one, version);
  await server.settle('the start is at rest');
  return traceOf(one, server);
};
