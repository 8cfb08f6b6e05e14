/** A sandbox that listens, in a separate process or in this one, and third-party commands that call it. */
import { execFile, spawn, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { z } from 'zod';
import { openSandboxBackend, type SandboxBackend } from '../../cli/backend.ts';
import { kubeconfigOf, servedClusters } from '../../cli/kubeconfig.ts';
import { accessEnvironment, rolesOfSandbox } from '../../cli/service-roles.ts';
import { serviceEnvironment } from '../../cli/service-environment.ts';
import { addPrincipals } from '../../sandbox/sts/principals.ts';
import { keysOf } from '../cli/fixtures.ts';
import type { Scenario } from '../../sandbox/scenario/scenario.ts';
import type { Call } from '../../sandbox/calls/call-log.ts';
import type { ScaledClock } from '../../sandbox/clock/scaled-clock.ts';
import { scenarioWith } from './fixture.ts';

const ROOT = join(import.meta.dirname, '../..');

/** Debian packages that contain the commands. */
const PACKAGES = { aws: 'awscli', kubectl: 'kubernetes-client', python3: 'python3', zsh: 'zsh' } as const;
const ASK_VERSION = {
  aws: ['--version'],
  kubectl: ['version', '--client'],
  python3: ['--version'],
  zsh: ['--version'],
};

/**
 * Why the tests of these commands cannot run on this machine; undefined if they can. In CI they always run, and fail
 * without the commands: nothing is skipped there.
 */
export const reasonToSkip = (...commands: (keyof typeof PACKAGES)[]): string | undefined => {
  if (process.env['CI'] === 'true') return undefined;
  const missing = commands.filter((command) => spawnSync(command, ASK_VERSION[command]).status !== 0);
  if (missing.length === 0) return undefined;
  const reason = `skipped: ${missing.map((command) => `${command} is missing (apt-get install ${PACKAGES[command]})`).join(', ')}`;
  process.stderr.write(`${reason}\n`);
  return reason;
};

const announced = z.strictObject({
  url: z.string(),
  apiUrl: z.string(),
  environment: z.record(z.string(), z.string()),
  unset: z.array(z.string()),
  clusters: z.array(
    z.strictObject({
      context: z.string(),
      account: z.string(),
      region: z.string(),
      name: z.string(),
      endpoint: z.string(),
    }),
  ),
  stateMachineArn: z.string(),
  recoverStateMachineArn: z.string(),
  retireStateMachineArn: z.string(),
  sweepStateMachineArn: z.string().optional(),
  sweepBucketName: z.string().optional(),
  tableName: z.string(),
  kubernetesRoleArns: z.array(z.string()),
  restartRoleArns: z.array(z.string()),
  annotateRoleArns: z.array(z.string()),
});

export interface Result {
  code: number;
  out: string;
  err: string;
}

export interface Served extends z.output<typeof announced> {
  directory: string;
  /** Runs a command in the environment that the sandbox has printed; `more` changes it. */
  run(command: string, args: string[], more?: Record<string, string>): Promise<Result>;
  calls(): Call[];
  /** Asks the sandbox to end, and returns how it did. */
  stop(signal?: NodeJS.Signals): Promise<Result>;
}

/** The machine's environment without any settings of the user: no profile, no cache, no proxy. */
const environmentIn = (
  directory: string,
  announcedVariables: Record<string, string>,
): Record<string, string | undefined> => ({
  ...Object.fromEntries(
    Object.entries(process.env).filter(([name]) => !/^(AWS|POD_IDENTITY)_/.test(name) && name !== 'KUBECONFIG'),
  ),
  AWS_CONFIG_FILE: join(directory, 'none'),
  AWS_SHARED_CREDENTIALS_FILE: join(directory, 'none'),
  AWS_PAGER: '',
  KUBECACHEDIR: join(directory, 'cache'),
  NO_PROXY: '127.0.0.1',
  no_proxy: '127.0.0.1',
  ...announcedVariables,
});

const runIn =
  (environment: Record<string, string | undefined>): Served['run'] =>
  (command, args, more = {}) =>
    new Promise((resolve, reject) => {
      execFile(command, args, { env: { ...environment, ...more }, cwd: ROOT }, (error, stdout, stderr) => {
        if (error && typeof error.code !== 'number')
          reject(new Error(`${command} cannot be run: ${error.message}`, { cause: error }));
        else resolve({ code: typeof error?.code === 'number' ? error.code : 0, out: stdout, err: stderr });
      });
    });

/**
 * The world is so much faster than real time that everything a command starts is over when the next command has loaded.
 */
export const PACE = 1000;

/** Starts the command and waits until it serves. `flags` are added to a scenario, a log and `--json`. */
export const serve = async (flags: string[] = [], change?: Parameters<typeof scenarioWith>[0]): Promise<Served> => {
  const directory = mkdtempSync(join(tmpdir(), 'served-'));
  const scenario = join(directory, 'scenario.json');
  const log = join(directory, 'calls.jsonl');
  writeFileSync(scenario, JSON.stringify(scenarioWith(change)));
  const child = spawn(
    process.execPath,
    [
      'bin/pod-identity.ts',
      'sandbox',
      '--scenario',
      scenario,
      '--log',
      log,
      '--clock',
      `scaled=${PACE}`,
      '--json',
      ...flags,
    ],
    { cwd: ROOT },
  );
  let [out, err] = ['', ''];
  const ended = new Promise<Result>((resolve) => child.on('close', (code) => resolve({ code: code ?? -1, out, err })));
  const serving = new Promise<void>((resolve) => {
    child.stdout.on('data', (chunk: Buffer) => (out += chunk.toString('utf8')));
    child.stderr.on('data', (chunk: Buffer) => {
      err += chunk.toString('utf8');
      if (err.includes('Ctrl-C to stop it.')) resolve();
    });
  });
  const failed = await Promise.race([serving, ended]);
  if (failed) throw new Error(`The sandbox did not start:\n${failed.out}${failed.err}`);
  const document = announced.parse(JSON.parse(out));

  const environment = environmentIn(directory, document.environment);
  return {
    ...document,
    directory,
    run: runIn(environment),
    calls: () =>
      readFileSync(log, 'utf8')
        .trimEnd()
        .split('\n')
        .filter(Boolean)
        .map((line) => JSON.parse(line) as Call),
    stop: async (signal = 'SIGTERM') => {
      child.kill(signal);
      const result = await ended;
      rmSync(directory, { recursive: true, force: true });
      return result;
    },
  };
};

/** Returns the keys of the operator as variables, which take precedence over its profile. */
export const keyVariables = ({ environment }: Pick<Served, 'environment'>): Record<string, string> => {
  const { accessKeyId, secretAccessKey, sessionToken } = keysOf(environment);
  return { AWS_ACCESS_KEY_ID: accessKeyId, AWS_SECRET_ACCESS_KEY: secretAccessKey, AWS_SESSION_TOKEN: sessionToken };
};

export interface ServedHere {
  backend: SandboxBackend;
  /** The environment that points programs at it, by direct calls. */
  variables: Record<string, string>;
  run: Served['run'];
  /**
   * Does the work once the condition holds. Until the work is done, the world is no faster than real time: what takes
   * minutes there then takes longer than a test may, however slow the machine is.
   */
  slowlyFrom<T>(isSo: () => boolean, work: () => Promise<T>): Promise<T>;
  close(): Promise<void>;
}

/** Makes the command line use the API, which it does if it knows the API's URL. */
export const byApi = ({ backend }: ServedHere): Record<string, string> => ({
  POD_IDENTITY_API_URL: backend.sandbox.apiUrl!,
});

/**
 * Serves in this process, so that its test can change the world. In addition to `aws` and `kubectl`, its commands find
 * `pod-identity`, and a `sleep` that runs at the world's pace.
 */
export const serveHere = async (scenario: Scenario, scale: number): Promise<ServedHere> => {
  const directory = mkdtempSync(join(tmpdir(), 'served-here-'));
  const backend = await openSandboxBackend(scenario, { clock: { scaled: scale }, listen: {} });
  const { world, environment, outputs } = backend.sandbox;
  addPrincipals(world);
  const programs = join(directory, 'bin');
  mkdirSync(programs);
  const write = (name: string, text: string): void =>
    writeFileSync(join(programs, name), `#!/bin/sh\n${text}\n`, { mode: 0o755 });
  write('pod-identity', `exec ${process.execPath} ${join(ROOT, 'bin/pod-identity.ts')} "$@"`);
  write('sleep', `exec ${process.execPath} -e 'setTimeout(() => {}, 1000 * Number(process.argv[1]) / ${scale})' "$1"`);
  const clusters = [...world.accounts.values()].flatMap((account) => [...account.clusters.values()]);
  const kubeconfig = join(directory, 'kubeconfig');
  writeFileSync(kubeconfig, kubeconfigOf(servedClusters(clusters), environment!));
  const variables = {
    AWS_CONFIG_FILE: join(directory, 'none'),
    AWS_SHARED_CREDENTIALS_FILE: join(directory, 'none'),
    ...environment!(),
    ...serviceEnvironment(outputs),
    ...accessEnvironment(rolesOfSandbox(backend.sandbox)),
    KUBECONFIG: kubeconfig,
    PATH: `${programs}:${process.env['PATH'] ?? ''}`,
  };
  const clock = backend.sandbox.clock as ScaledClock;
  return {
    backend,
    variables,
    run: runIn(environmentIn(directory, variables)),
    slowlyFrom: async (isSo, work) => {
      await clock.spawn(async () => {
        // Bounded in the world's time: after an earlier failure, the moment may never come.
        for (let seconds = 0; !isSo(); seconds += 1) {
          if (seconds === 3600) throw new Error('The moment did not come within an hour of the sandbox');
          await clock.sleep(1000);
        }
        clock.setScale(1);
      });
      try {
        return await work();
      } finally {
        clock.setScale(scale);
      }
    },
    close: async () => {
      await backend.close();
      rmSync(directory, { recursive: true, force: true });
    },
  };
};
