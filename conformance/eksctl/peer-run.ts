/** Runs eksctl's migration in a scenario, and measures what it leads to. */
import { stripVTControlCharacters } from 'node:util';
import { WORKLOAD_KINDS } from '../../lambdas/domain/kubernetes/objects.ts';
import { portsOf } from '../../lambdas/runtime/wiring.ts';
import { listObjects } from '../../sandbox/objects/store.ts';
import type { Call } from '../../sandbox/calls/call-log.ts';
import type { Scenario } from '../../sandbox/scenario/scenario.ts';
import { normaliser } from '../kubernetes/scenarios/normal.ts';
import { type Peer, openPeer, type Ran } from './driver.ts';
import type { PodEnds } from './pods.ts';
import { clusterOf, isInProgress, lifetimeOf, measure, type Measured } from './measure.ts';

export interface PeerResult extends Measured {
  /** The exit code of eksctl; undefined if it did not end. */
  exitCode: number | undefined;
  /** The errors that it printed. */
  errors: string[];
  /** The calls of it that change something, with their answers. */
  changes: string[];
  /** Calls that the sandbox does not support; the result counts only if there are none. */
  unsupported: string[];
  /** Seconds of the command. */
  seconds: number;
  /** Seconds of the world's time until EKS worked on no add-on; undefined if it still did after an hour. */
  settledSeconds: number | undefined;
  /** What the same command leads to afterwards; only after an error. */
  again?: { exitCode: number | undefined; ends: PodEnds };
  /** What the pods have after the workloads of the new associations were restarted; only if some still used IRSA. */
  restarted?: PodEnds;
  /**
   * The same in a world in which EKS sees a new trust policy at once; only if EKS refused a trust policy. How long that
   * takes is not published.
   */
  withoutTrustLag?: { exitCode: number | undefined; ends: PodEnds };
}

/** The arguments of the migration that is compared. */
export const migrationArguments = ({ cluster, region }: { cluster: string; region: string }): string[] => [
  'utils',
  'migrate-to-pod-identity',
  '--cluster',
  cluster,
  '--region',
  region,
  '--approve',
];

/** New pods have no session, so that they show what they get once they run. */
const ROLLOUT_SECONDS = 3600;
const POLL_SECONDS = 5;
const LONGEST_SECONDS = 3600;
const UNSUPPORTED: ReadonlySet<string> = new Set(['NotImplemented', 'UnknownOperation', 'UnknownOperationException']);

/** Restarts what a person restarts after `eksctl`: workloads whose service accounts have a new association of their own. */
const restartWorkloads = async (
  { backend: { sandbox }, target }: Peer,
  before: ReadonlySet<string>,
): Promise<boolean> => {
  const { kubernetes } = portsOf(sandbox.clients(undefined, target.region), target);
  const { associations, kube } = clusterOf(sandbox, target);
  const created = [...associations.values()].filter(({ id, ownerArn }) => ownerArn === undefined && !before.has(id));
  const isConcerned = ({ namespace, serviceAccount }: { namespace: string; serviceAccount: string }): boolean =>
    created.some((one) => one.namespace === namespace && one.serviceAccount === serviceAccount);
  let restarted = false;
  for (const kind of WORKLOAD_KINDS)
    for (const { metadata, spec } of listObjects(kube, kind)) {
      const { namespace = '', name } = metadata;
      if (!isConcerned({ namespace, serviceAccount: spec.template.spec.serviceAccountName ?? 'default' })) continue;
      await kubernetes.restartWorkload({ kind, namespace, name }, 'after-eksctl');
      restarted = true;
    }
  return restarted;
};

/** Lets time pass until EKS works on no add-on, and returns the seconds; undefined if it still does after an hour. */
export const untilSettled = async (peer: Peer): Promise<number | undefined> => {
  const cluster = clusterOf(peer.backend.sandbox, peer.target);
  for (let seconds = 0; seconds <= LONGEST_SECONDS; seconds += POLL_SECONDS) {
    if (!isInProgress(cluster)) return seconds;
    await peer.pass(POLL_SECONDS);
  }
  return undefined;
};

/** Times, ids and addresses of this machine differ in each run. */
const REQUEST_ID = /RequestID: [^,]*, /g;
const ADDRESS = /127\.0\.0\.1:\d+/g;
/** eksctl marks a line of its log that is an error. */
const MARKED = /^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d \[✖\] +/;
const ERROR = /^Error: /;

/** Returns the errors of a run, sorted: what runs at the same time ends in any order. */
export const errorsOf = ({ stdout, stderr }: Pick<Ran, 'stdout' | 'stderr'>): string[] => {
  const normal = normaliser([]);
  const lines = stripVTControlCharacters(`${stdout}\n${stderr}`).split('\n');
  const errors = lines
    .filter((line) => MARKED.test(line) || ERROR.test(line))
    .map((line) => line.replace(MARKED, '').replace(ERROR, '').replaceAll(REQUEST_ID, '').replaceAll(ADDRESS, 'HOST'));
  return [...new Set(errors.map((line) => normal(line.trim())))].sort();
};

const changeText = ({ service, operation, input, status, error }: Call): string => {
  const { addonName, RoleName, serviceAccount, name } = input as Record<string, unknown>;
  const about = [addonName, RoleName, serviceAccount, name].find((one) => typeof one === 'string');
  return `${service}:${operation}${typeof about === 'string' ? ` ${about}` : ''}: ${error ?? status}`;
};

const changesOf = (calls: readonly Call[]): string[] =>
  calls
    .filter(({ mutating }) => mutating)
    .map(changeText)
    .sort();

const unsupportedOf = (calls: readonly Call[]): string[] => [
  ...new Set(
    calls
      .filter(({ error }) => error !== undefined && UNSUPPORTED.has(error))
      .map(({ service, operation }) => `${service}:${operation}`),
  ),
];

const runOnce = async (scenario: Scenario): Promise<PeerResult> => {
  const peer = await openPeer(scenario);
  try {
    const { sandbox } = peer.backend;
    const lifetime = lifetimeOf(sandbox.world);
    const before = new Set(clusterOf(sandbox, peer.target).associations.keys());
    const measurement = measure(sandbox.world, clusterOf(sandbox, peer.target));
    const ran = await peer.run(migrationArguments(peer.target));
    const settledSeconds = await untilSettled(peer);
    await peer.pass(lifetime);
    const result: PeerResult = {
      exitCode: ran.exitCode,
      errors: errorsOf(ran),
      changes: changesOf(ran.calls),
      unsupported: unsupportedOf(ran.calls),
      seconds: ran.seconds,
      settledSeconds,
      ...measurement.end(),
    };
    if (ran.exitCode !== 0) {
      const { exitCode } = await peer.run(migrationArguments(peer.target));
      await peer.pass(lifetime);
      result.again = { exitCode, ends: measurement.pods() };
    }
    const { irsa = 0 } = (result.again?.ends ?? result.ends).counts;
    if (irsa > 0 && (await restartWorkloads(peer, before))) {
      await peer.pass(ROLLOUT_SECONDS);
      result.restarted = measurement.pods();
    }
    if (sandbox.failures.length > 0)
      throw new Error(`The sandbox's own services failed: ${JSON.stringify(sandbox.failures)}`);
    return result;
  } finally {
    await peer.close();
  }
};

const TRUST_REFUSED = /Trust policy of the role provided is invalid/;

/** Runs eksctl's migration of the scenario's cluster. */
export const runPeer = async (scenario: Scenario): Promise<PeerResult> => {
  const result = await runOnce(structuredClone(scenario));
  if (!result.errors.some((error) => TRUST_REFUSED.test(error)) || scenario.knobs.trustLagSeconds === 0) return result;
  const knobs = { ...scenario.knobs, trustLagSeconds: 0 };
  const { exitCode, ends } = await runOnce({ ...structuredClone(scenario), knobs });
  return { ...result, withoutTrustLag: { exitCode, ends } };
};
