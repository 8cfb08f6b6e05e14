/** Runs eksctl against the served sandbox of a scenario. */
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openSandboxBackend, type SandboxBackend } from '../../cli/backend.ts';
import type { Target } from '../../lambdas/domain/terms/subject.ts';
import { operatorRoleArn } from '../../sandbox/authorization/access-keys.ts';
import { addPrincipals } from '../../sandbox/sts/principals.ts';
import type { Call } from '../../sandbox/calls/call-log.ts';
import { ScaledClock } from '../../sandbox/clock/scaled-clock.ts';
import type { Scenario } from '../../sandbox/scenario/scenario.ts';
import { targetOf } from '../kubernetes/scenarios/carry-out.ts';
import { EKSCTL } from './program.ts';

/** What one run of eksctl led to. */
export interface Ran {
  /** Its exit code; undefined if it was ended because it took too long. */
  exitCode: number | undefined;
  stdout: string;
  stderr: string;
  /** The calls that it made, in the order in which the sandbox got them. */
  calls: Call[];
  /** Seconds that it took, which are also seconds of the world's time. */
  seconds: number;
}

/** A served sandbox in which eksctl can be run as the operator, the administrator of the scenario's first account. */
export interface Peer {
  backend: SandboxBackend;
  /** The cluster of the scenario: the first one. */
  target: Target;
  /** Runs eksctl with these arguments, while the world's time passes as fast as real time. */
  run(args: readonly string[]): Promise<Ran>;
  /** Has time pass in the world, thousands of times as fast as real time. */
  pass(seconds: number): Promise<void>;
  close(): Promise<void>;
}

/** Only ends a hang: eksctl waits for nothing as long as that. */
const LONGEST_MILLISECONDS = 5 * 60_000;
/** A day of the world's time takes as long as what happens in it. */
const FAST = 1_000_000;

/** What eksctl may see of this machine's environment: nothing that leads to AWS. */
const OWN_VARIABLES = ['PATH', 'TMPDIR', 'LANG'] as const;

const ownEnvironment = (): Record<string, string> =>
  Object.fromEntries(
    OWN_VARIABLES.flatMap((name) => {
      const value = process.env[name];
      return value === undefined ? [] : [[name, value]];
    }),
  );

const execute = (
  args: readonly string[],
  environment: Record<string, string>,
): Promise<Pick<Ran, 'exitCode' | 'stdout' | 'stderr'>> =>
  new Promise((resolve, reject) => {
    const child = spawn(EKSCTL.path, args, {
      env: { ...ownEnvironment(), ...environment },
      stdio: ['ignore', 'pipe', 'pipe'],
      timeout: LONGEST_MILLISECONDS,
      killSignal: 'SIGKILL',
    });
    const [stdout, stderr]: [Buffer[], Buffer[]] = [[], []];
    child.stdout.on('data', (chunk: Buffer) => stdout.push(chunk));
    child.stderr.on('data', (chunk: Buffer) => stderr.push(chunk));
    child.on('error', reject);
    child.on('close', (code) =>
      resolve({
        exitCode: code ?? undefined,
        stdout: Buffer.concat(stdout).toString('utf8'),
        stderr: Buffer.concat(stderr).toString('utf8'),
      }),
    );
  });

/** Opens the sandbox of a scenario, served in real time. The program must have been built. */
export const openPeer = async (scenario: Scenario): Promise<Peer> => {
  const target = targetOf(scenario);
  const backend = await openSandboxBackend(scenario, { clock: 'real', listen: {} });
  const { sandbox } = backend;
  const { clock, world, environment } = sandbox;
  if (!environment || !(clock instanceof ScaledClock))
    throw new Error('A sandbox that listens has an environment, and a clock that follows the time of this machine.');
  // Its configuration and caches must not be those of the user.
  const home = mkdtempSync(join(tmpdir(), 'conformance-eksctl-'));
  const variables = {
    ...environment(addPrincipals(world).operator, target.region),
    HOME: home,
    KUBECONFIG: join(home, 'kubeconfig'),
    AWS_CONFIG_FILE: join(home, 'config'),
    AWS_SHARED_CREDENTIALS_FILE: join(home, 'credentials'),
  };
  const operator = operatorRoleArn(world);
  const isOwn = ({ caller }: Call): boolean => caller === operator || caller.startsWith(`${operator}/`);
  return {
    backend,
    target,
    run: async (args) => {
      const since = world.log.calls.at(-1)?.n ?? 0;
      const started = performance.now();
      const ended = await execute(args, variables);
      const seconds = Math.round((performance.now() - started) / 100) / 10;
      return { ...ended, seconds, calls: world.log.calls.filter((call) => call.n > since && isOwn(call)) };
    },
    pass: async (seconds) => {
      clock.setScale(FAST);
      try {
        await clock.spawn(() => clock.sleep(seconds * 1000));
      } finally {
        clock.setScale(1);
      }
      // What is due by now happens in the sandbox only at the next call.
      world.schedule.advanceTo(clock.now());
    },
    close: async () => {
      await backend.close();
      rmSync(home, { recursive: true, force: true });
    },
  };
};
