/**
 * What a real control plane showed in each case, kept so that the sandbox is held against it without one: a change of the
 * sandbox that would make a case differ fails in `npm test`.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Case, type Trace, traceOf } from './case.ts';
import { openSandboxServer } from './sandbox-server.ts';

/** Returns the file of a version's traces. */
export const tracesFile = (version: string): string =>
  join(import.meta.dirname, `../../results/kubernetes-cases-${version}.json`);

export const readTraces = (version: string): Record<string, Trace> =>
  JSON.parse(readFileSync(tracesFile(version), 'utf8')) as Record<string, Trace>;

/** Writes the traces of a run of all cases: one fact a line, in the order of the names. */
export const writeTraces = (version: string, traces: Readonly<Record<string, Trace>>): void => {
  const cases = Object.keys(traces)
    .toSorted()
    .map((name) => {
      const facts = Object.entries(traces[name] ?? {});
      const lines = facts.map(([fact, value]) => `    ${JSON.stringify(fact)}: ${JSON.stringify(value)}`);
      return `  ${JSON.stringify(name)}: {\n${lines.join(',\n')}\n  }`;
    });
  writeFileSync(tracesFile(version), `{\n${cases.join(',\n')}\n}\n`);
};

/** Returns what the sandbox shows in a case. */
export const sandboxTrace = async (one: Case, version: string): Promise<Trace> => {
  const server = openSandboxServer(one, version);
  await server.settle('the start is at rest');
  return traceOf(one, server);
};
