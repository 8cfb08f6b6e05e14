/** Starts a real control plane on this machine: etcd, the API server, the controllers, the scheduler, and KWOK as nodes. */
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { BuildError } from '../../build/go.ts';
import { programsOf } from '../build/tools.ts';
import type { KubernetesVersion } from '../build/tools.ts';
import { createClient } from './client.ts';
import type { KubeClient } from './client.ts';
import { createSecrets, writeFiles } from './files.ts';
import type { Secrets } from './files.ts';
import { HOST, apiServerFlags, controllerManagerFlags, etcdFlags, kwokFlags, schedulerFlags } from './flags.ts';
import type { Ports } from './flags.ts';
import { addNodes } from './nodes.ts';
import type { ControlPlane, ControlPlaneOptions } from './options.ts';
import { freePorts } from './ports.ts';
import { createProgramGroup } from './programs.ts';
import type { ProgramGroup, RunningProgram } from './programs.ts';

/** A start takes a few seconds on an idle machine; this only ends a hang. */
const LONGEST_START_MS = 180_000;
const POLL_MS = 50;

/** Waits until a request is answered with one of these statuses, or a program has ended. */
const until = async (
  what: string,
  client: KubeClient,
  path: string,
  programs: RunningProgram[],
  statuses: number[] = [200],
): Promise<void> => {
  const deadline = Date.now() + LONGEST_START_MS;
  const failed = Promise.race(programs.map((program) => program.failed));
  failed.catch(() => {});
  for (;;) {
    // Connections are refused until the server listens.
    const status = await Promise.race([
      client.request('GET', path).then(
        (answer) => answer.status,
        () => 0,
      ),
      failed,
    ]);
    if (statuses.includes(status)) return;
    if (Date.now() > deadline)
      throw new Error(
        `${what} within ${LONGEST_START_MS / 1000} seconds: GET ${path} was answered with ${status === 0 ? 'nothing' : status}.\n${programs.map(({ name, lastLines }) => `${name}:\n${lastLines(10)}`).join('\n')}`,
      );
    await Promise.race([wait(POLL_MS), failed]);
  }
};

/** Throws a `BuildError` if a program has not been built. */
const requirePrograms = (version: KubernetesVersion): void => {
  const missing = Object.values(programsOf(version)).filter(({ path }) => !existsSync(path));
  if (missing.length > 0)
    throw new BuildError(
      `${missing.map(({ name }) => name).join(', ')} of the control plane ${version} ${missing.length === 1 ? 'has' : 'have'} not been built.\nRun: node conformance/kubernetes/build/main.ts ${version}`,
    );
};

/** How long after a lost connection the end of a program is noticed at the latest. */
const EXIT_NOTICED_MS = 500;

/** Rejects with the error of a request, after a lost connection only if no program has ended. */
const afterExits = async (error: unknown): Promise<never> => {
  if (error instanceof Error && 'code' in error && String(error.code).startsWith('ECONN')) await wait(EXIT_NOTICED_MS);
  throw error;
};

interface Running {
  group: ProgramGroup;
  programs: RunningProgram[];
  kubeconfig: string;
}

const launch = async (
  directory: string,
  options: ControlPlaneOptions,
  secrets: Secrets,
  ports: Ports,
  client: KubeClient,
): Promise<Running> => {
  const files = writeFiles(directory, options, secrets, ports);
  const { etcd, apiServer, controllerManager, scheduler, kwok } = programsOf(options.version);
  const group = createProgramGroup(directory);
  try {
    const programs = [
      group.start(etcd.name, etcd.path, etcdFlags(ports, files)),
      group.start(apiServer.name, apiServer.path, apiServerFlags(options, ports, files)),
    ];
    await until('The API server did not get ready', client, '/readyz', programs);
    programs.push(
      group.start(controllerManager.name, controllerManager.path, controllerManagerFlags(options, files)),
      group.start(scheduler.name, scheduler.path, schedulerFlags(files)),
      // The field manager of its writes is the name it is called by: with nodes, the kubelet's.
      group.start(kwok.name, kwok.path, kwokFlags(files), 'kubelet'),
    );
    const defaultAccount = '/api/v1/namespaces/default/serviceaccounts/default';
    await until('The controllers did not create the default service account', client, defaultAccount, programs);
    return { group, programs, kubeconfig: files.administrator };
  } catch (error) {
    await group.stop();
    throw error;
  }
};

/**
 * Starts a control plane with free ports and an empty temporary directory, and returns when pods can be created.
 *
 * The programs must have been built (`../build`). They end with this process, in whatever way it ends.
 */
export const startControlPlane = async (given: ControlPlaneOptions): Promise<ControlPlane> => {
  let options = given;
  requirePrograms(options.version);
  const root = mkdtempSync(join(tmpdir(), 'conformance-'));
  const secrets = await createSecrets();
  const [etcd = 0, etcdPeer = 0, apiServer = 0] = await freePorts(3);
  const ports: Ports = { etcd, etcdPeer, apiServer };
  const url = `https://${HOST}:${apiServer}`;
  let client = createClient(url, secrets.ca, secrets.tokens.administrator);
  let running: Running | undefined;
  const start = async (): Promise<Running> => {
    options.onProgress?.(`Starting Kubernetes ${options.version}`);
    return launch(root, options, secrets, ports, client);
  };
  const end = async (): Promise<void> => {
    client.close();
    await running?.group.stop();
    running = undefined;
    rmSync(root, { recursive: true, force: true });
  };
  try {
    running = await start();
  } catch (error) {
    await end();
    throw error;
  }
  const kubeconfig = running.kubeconfig;
  const whileRunning = <T>(work: Promise<T>): Promise<T> =>
    Promise.race([work.catch(afterExits), ...(running?.programs ?? []).map((program) => program.failed)]);
  return {
    version: options.version,
    url,
    ca: secrets.ca,
    token: secrets.tokens.administrator,
    kubeconfig,
    request: (method, path, request) => whileRunning(client.request(method, path, request)),
    open: (method, path, request) => whileRunning(client.open(method, path, request)),
    addNodes: (nodes) => whileRunning(addNodes(client, nodes)),
    whileRunning,
    logs: (lines = 20) =>
      (running?.programs ?? []).map(({ name, lastLines }) => `${name}:\n${lastLines(lines)}`).join('\n\n'),
    reset: async (changes = {}) => {
      options = { ...options, ...changes };
      await end();
      client = createClient(url, secrets.ca, secrets.tokens.administrator);
      running = await start();
    },
    stop: end,
  };
};
