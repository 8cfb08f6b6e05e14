/** A served sandbox that plays AWS for commands with the caller's own credentials, which reach it through AWS_ENDPOINT_URL. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { vi } from 'vitest';
import { openSandboxBackend, type SandboxBackend } from '../../cli/backend.ts';
import type { Io } from '../../cli/io.ts';
import type { Call } from '../../sandbox/calls/call-log.ts';
import type { Scenario } from '../../sandbox/scenario/scenario.ts';
import { scenarioWith } from '../end-to-end/fixture.ts';
import { onlyLocal } from '../only-local.ts';
import { stubEnvironment } from './fixtures.ts';
import { type Ran as RanProgram, runWith as runProgramWith } from './run-program.ts';

export interface Ran extends RanProgram {
  /** The calls that reached the sandbox during this command. */
  calls: Call[];
}

export interface AwsWorld {
  backend: SandboxBackend;
  /** The variables that point the SDK at the sandbox. */
  variables: Record<string, string>;
  /** A directory for files of the test. */
  directory: string;
  /** Runs the program in this process. Throws if it connects to anything but this machine. */
  run(...argv: string[]): Promise<Ran>;
  /** Does the same with other variables, or another terminal. */
  runWith(more: { variables?: Record<string, string | undefined>; io?: Partial<Io> }, ...argv: string[]): Promise<Ran>;
  close(): Promise<void>;
}

/** Serves a scenario. Its world runs so fast that no test waits for it. */
export const openAwsWorld = async (scenario: Scenario = scenarioWith()): Promise<AwsWorld> => {
  const directory = mkdtempSync(join(tmpdir(), 'aws-world-'));
  const backend = await openSandboxBackend(scenario, { clock: { scaled: 1000 }, listen: {} });
  const announced = backend.sandbox.environment!();
  const variables = {
    AWS_ENDPOINT_URL: backend.sandbox.url!,
    AWS_CONFIG_FILE: join(directory, 'config'),
    AWS_SHARED_CREDENTIALS_FILE: join(directory, 'credentials'),
    // The last source of credentials that the SDK tries is not on this machine.
    AWS_EC2_METADATA_DISABLED: 'true',
    ...Object.fromEntries(
      ['AWS_ACCESS_KEY_ID', 'AWS_SECRET_ACCESS_KEY', 'AWS_SESSION_TOKEN', 'AWS_REGION'].map((name) => [
        name,
        announced[name]!,
      ]),
    ),
  };
  writeFileSync(variables.AWS_CONFIG_FILE, '');
  const runWith: AwsWorld['runWith'] = async ({ variables: more = {}, io: terminal = {} }, ...argv) => {
    const given = Object.fromEntries(
      Object.entries({ ...variables, ...more }).filter(([, value]) => value !== undefined),
    );
    stubEnvironment(given);
    const guard = onlyLocal();
    const before = backend.sandbox.world.log.calls.length;
    try {
      const ran = await runProgramWith({ sleep: () => Promise.resolve(), ...terminal }, ...argv);
      if (guard.elsewhere.length > 0) throw new Error(`The program called ${guard.elsewhere.join(', ')}`);
      return { ...ran, calls: backend.sandbox.world.log.calls.slice(before) };
    } finally {
      guard.end();
      vi.unstubAllEnvs();
    }
  };
  return {
    backend,
    variables,
    directory,
    run: (...argv) => runWith({}, ...argv),
    runWith,
    close: async () => {
      await backend.close();
      rmSync(directory, { recursive: true, force: true });
    },
  };
};
