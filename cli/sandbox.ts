/** Runs `sandbox`: serves AWS as a scenario describes it, on this machine, for third-party programs. */
import { closeSync, openSync, readFileSync, writeSync } from 'node:fs';
import { join, resolve } from 'node:path';
import type { Sandbox } from '../sandbox/sandbox.ts';
import { PortError } from '../sandbox/transports/loopback.ts';
import type { Call, CallLog } from '../sandbox/calls/call-log.ts';
import type { Scenario } from '../sandbox/scenario/scenario.ts';
import { accessEnvironment, rolesOfSandbox } from './service-roles.ts';
import { openSandboxBackend, type SandboxBackend } from './backend.ts';
import { CliError } from './errors.ts';
import { EXIT_CODES, type ExitCode } from './exit-codes.ts';
import type { Io } from './io.ts';
import { KUBECONFIG_MARK, kubeconfigOf, servedClusters, type ServedCluster } from './kubeconfig.ts';
import type { ServeFlags } from './options.ts';
import { sayBuilding } from './open-sandbox.ts';
import { openScenario } from './open-scenario.ts';
import { serviceEnvironment } from './service-environment.ts';
import { jsonText } from '../lambdas/domain/text/text.ts';
import { OWNER_ONLY, writePrivate } from './private-file.ts';
import { shellLines, toUnset } from './served/environment.ts';
import { APPROVER, OPERATOR, openProfiles } from './served/profiles.ts';
import { addPrincipals } from '../sandbox/sts/principals.ts';

const cantWrite = (flag: string, file: string, error: unknown): CliError => {
  const reason = error instanceof Error ? error.message : String(error);
  return new CliError(
    'FileNotWritable',
    `${flag} ${file} cannot be written: ${reason}`,
    'Name a file in an existing directory that you may write to',
    undefined,
    { cause: error },
  );
};

interface LogFile {
  follow: (log: CallLog) => void;
  close: () => void;
}

/** Opens the call log. Each call is written before its caller gets the answer, so nothing must be flushed at the end. */
const openLog = (file: string, io: Io): LogFile => {
  let descriptor: number | undefined;
  try {
    descriptor = openSync(file, 'w');
  } catch (error) {
    throw cantWrite('--log', file, error);
  }
  const close = (): void => {
    if (descriptor !== undefined) closeSync(descriptor);
    descriptor = undefined;
  };
  const write = (call: Call): void => {
    if (descriptor === undefined) return;
    try {
      writeSync(descriptor, `${JSON.stringify(call)}\n`);
    } catch (error) {
      // The sandbox continues without the log: its callers are not concerned by a full disk.
      io.stderr.write(
        `error: ${cantWrite('--log', file, error).message}\nhint:  Later calls are not logged. Stop the sandbox, free disk space, and start it again.\n`,
      );
      close();
    }
  };
  return { follow: (log) => log.onCall(write), close };
};

interface KubeconfigFile {
  path: string;
  write: (text: string) => void;
}

/**
 * Opens the kubeconfig, by default in the folder of temporary files. Never changes a file of the user, which may be the
 * access to all of their clusters.
 */
const openKubeconfig = (named: string | undefined, temporary: string): KubeconfigFile => {
  if (named === undefined) {
    const path = join(temporary, 'kubeconfig');
    return { path, write: (text) => writePrivate(path, text) };
  }
  const path = resolve(named);
  try {
    // Created now, so that an unwritable file is reported before anything starts.
    const descriptor = openSync(path, 'a+', OWNER_ONLY);
    const before = readFileSync(descriptor, 'utf8');
    closeSync(descriptor);
    if (before !== '' && !before.startsWith(KUBECONFIG_MARK)) {
      throw new CliError(
        'FileNotOurs',
        `--kubeconfig ${named} already exists and was not written by this program`,
        'Name another file, or omit the option to use a temporary file',
      );
    }
  } catch (error) {
    throw error instanceof CliError ? error : cantWrite('--kubeconfig', named, error);
  }
  return { path, write: (text) => writePrivate(path, text) };
};

const openServed = async (scenario: Scenario, flags: ServeFlags, io: Io): Promise<SandboxBackend> => {
  const { seed, clock, port } = flags;
  try {
    return await openSandboxBackend(scenario, { seed, clock, listen: { port }, onBuild: sayBuilding(io) });
  } catch (error) {
    if (!(error instanceof PortError)) throw error;
    throw new CliError(
      'PortNotFree',
      `--port ${port}: ${error.message}`,
      'Omit the option to use a free port',
      undefined,
      { cause: error },
    );
  }
};

const tell = (
  sandbox: Sandbox,
  served: readonly ServedCluster[],
  environment: Record<string, string>,
  flags: ServeFlags,
  io: Io,
): void => {
  const unset = toUnset(process.env);
  if (flags.json) {
    const clusters = served.map(({ context, cluster: { account, region, name, endpoint } }) => ({
      context,
      account,
      region,
      name,
      endpoint,
    }));
    io.stdout.write(
      `${jsonText({ url: sandbox.url, apiUrl: sandbox.apiUrl, environment, unset, clusters, ...sandbox.outputs }, 2)}\n`,
    );
  } else {
    io.stdout.write(shellLines(environment, unset));
  }
  const pace = typeof flags.clock === 'object' ? `${flags.clock.scaled} times as fast as real time` : 'in real time';
  const names = served.map(({ context }) => context).join(', ') || 'none';
  io.stderr.write(
    `Profiles: ${OPERATOR} (the default), and ${APPROVER} to approve as another role: --profile ${APPROVER}\n`,
  );
  io.stderr.write(
    `The sandbox is serving AWS at ${sandbox.url ?? ''}, ${pace}. Clusters: ${names}. Press Ctrl-C to stop it.\n`,
  );
};

/** Serves until the program is asked to stop. Throws a CliError for an unusable scenario, port or file. */
export const serve = async (flags: ServeFlags, io: Io): Promise<ExitCode> => {
  const { promise: stopped, resolve: stop } = Promise.withResolvers<void>();
  io.onStop?.(stop);
  const scenario = await openScenario(flags.scenario);
  const closing: (() => void | Promise<void>)[] = [];
  try {
    const log = flags.log === undefined ? undefined : openLog(flags.log, io);
    if (log) closing.push(log.close);
    const profiles = openProfiles();
    closing.push(profiles.close);
    const kubeconfig = openKubeconfig(flags.kubeconfig, profiles.directory);
    const backend = await openServed(scenario, flags, io);
    closing.push(() => backend.close());
    const { sandbox } = backend;
    log?.follow(sandbox.world.log);

    const { environment } = sandbox;
    if (!environment) throw new Error('A sandbox that listens has an environment.');
    const { world } = sandbox;
    profiles.write(world.home.region, addPrincipals(world));
    const clusters = [...world.accounts.values()].flatMap((account) => [...account.clusters.values()]);
    const served = servedClusters(clusters);
    // Its users name the profile and have the keys, so that they work in a shell with other settings.
    kubeconfig.write(
      kubeconfigOf(served, (...given) => ({
        ...environment(...given),
        ...profiles.environment,
        AWS_PROFILE: OPERATOR,
      })),
    );
    const {
      AWS_ACCESS_KEY_ID: _id,
      AWS_SECRET_ACCESS_KEY: _secret,
      AWS_SESSION_TOKEN: _token,
      ...withoutKeys
    } = environment();
    tell(
      sandbox,
      served,
      {
        ...withoutKeys,
        ...profiles.environment,
        ...serviceEnvironment(sandbox.outputs, sandbox.apiUrl),
        ...accessEnvironment(rolesOfSandbox(sandbox)),
        KUBECONFIG: kubeconfig.path,
      },
      flags,
      io,
    );
    await stopped;
  } finally {
    for (const end of closing.toReversed()) await end();
  }
  return EXIT_CODES.ok;
};
