/** Runs eksctl's migration in a scenario, and measures what it leads to. */
import type { Call } from '../../sandbox/world/call-log.ts';
import type { Scenario } from '../../sandbox/world/scenario.ts';
import { normaliser } from '../kubernetes/scenarios/normal.ts';
import { type Peer, openPeer, type Ran } from './driver.ts';
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

const POLL_SECONDS = 5;
const LONGEST_SECONDS = 3600;
const UNSUPPORTED: ReadonlySet<string> = new Set(['NotImplemented', 'UnknownOperation', 'UnknownOperationException']);

const untilSettled = async (peer: Peer): Promise<number | undefined> => {
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
const ANSI = /\u001B\[[\d;]*m/g;
/** eksctl marks a line of its log that is an error. */
const MARKED = /^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d \[✖\] +/;
const ERROR = /^Error: /;

/** Returns the errors of a run, sorted: what runs at the same time ends in any order. */
export const errorsOf = ({ stdout, stderr }: Pick<Ran, 'stdout' | 'stderr'>): string[] => {
  const normal = normaliser([]);
  const lines = `${stdout}\n${stderr}`.replaceAll(ANSI, '').split('\n');
  const errors = lines
    .filter((line) => MARKED.test(line) || ERROR.test(line))
    .map((line) => line.replace(MARKED, '').replace(ERROR, '').replaceAll(REQUEST_ID, '').replaceAll(ADDRESS, 'HOST'));
  return [...new Set(errors.map((line) => normal(line.trim())))].sort();
};

const changeText = ({ service, operation, input, status, error }: Call): string => {
  const { addonName, roleName, serviceAccount, name } = input as Record<string, unknown>;
  const about = [addonName, roleName, serviceAccount, name].find((one) => typeof one === 'string');
  return `${service}:${operation}${typeof about === 'string' ? ` ${about}` : ''}: ${error ?? status}`;
};

export const runPeer = async (scenario: Scenario): Promise<PeerResult> => {
  const peer = await openPeer(scenario);
  try {
    const { sandbox } = peer.backend;
    const measurement = measure(sandbox.world, clusterOf(sandbox, peer.target));
    const ran = await peer.run(migrationArguments(peer.target));
    const settledSeconds = await untilSettled(peer);
    await peer.pass(lifetimeOf(sandbox.world));
    if (sandbox.failures.length > 0)
      throw new Error(`The sandbox's own services failed: ${JSON.stringify(sandbox.failures)}`);
    return {
      exitCode: ran.exitCode,
      errors: errorsOf(ran),
      changes: ran.calls
        .filter(({ mutating }) => mutating)
        .map(changeText)
        .sort(),
      unsupported: [
        ...new Set(
          ran.calls
            .filter(({ error }) => error !== undefined && UNSUPPORTED.has(error))
            .map(({ service, operation }) => `${service}:${operation}`),
        ),
      ],
      seconds: ran.seconds,
      settledSeconds,
      ...measurement.end(),
    };
  } finally {
    await peer.close();
  }
};
