/** Runs the credential chains of all SDKs in the containers of pods, in each of their worlds. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { type Sdk, SDKS } from '../../lambdas/domain/verification/credential-variables.ts';
import { absolute, withRoot, WORKING_DIRECTORY } from './container.ts';
import type { KubeContainer, KubePod } from './kube-pod.ts';
import { type Outcome, outcomeOf } from './outcome.ts';
import type { Question } from './sdks/protocol.ts';
import type { Answer } from './workers.ts';
import { type World, worldsOf } from './worlds.ts';

/** What the SDKs did in a world. */
export interface Observation {
  settled: readonly string[];
  outcomes: Readonly<Partial<Record<Sdk, Outcome>>>;
}

export type Ask = (sdk: Sdk, question: Question) => Promise<Pick<Answer, 'reply'>>;

export interface Observer {
  observe: (pod: KubePod, container: KubeContainer) => Promise<Observation[]>;
  /** How many different questions an SDK was asked. */
  asked: () => number;
  close: () => void;
}

/** Writes the files of a world below a new directory. Returns the question about it. */
function place({ variables, files }: World, root: string): Question {
  const directory = join(root, WORKING_DIRECTORY);
  mkdirSync(directory, { recursive: true });
  const write = (path: string, content: string): void => {
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, content);
  };
  for (const [path, content] of files) {
    const inRoot = absolute(path);
    write(inRoot === undefined ? join(directory, path) : join(root, inRoot), content);
  }
  // Where the software gets its region is of no interest; without one, some SDKs refuse to call STS.
  return { env: { AWS_REGION: 'eu-west-1', ...withRoot(variables, root) }, directory };
}

const keyOf = ({ variables, files }: World): string =>
  JSON.stringify([variables, files].map((map) => [...map].toSorted(([a], [b]) => a.localeCompare(b, 'en'))));

/** Opens an observer for these SDKs. A question that was asked before is not asked again. */
export function openObserver(ask: Ask, sdks: readonly Sdk[] = SDKS): Observer {
  const base = mkdtempSync(join(tmpdir(), 'pods-'));
  const known = new Map<string, Promise<Observation['outcomes']>>();
  const ran = async (world: World): Promise<Observation['outcomes']> => {
    const root = join(base, String(known.size));
    const question = place(world, root);
    try {
      const entries = await Promise.all(
        sdks.map(async (sdk) => [sdk, outcomeOf((await ask(sdk, question)).reply)] as const),
      );
      return Object.fromEntries(entries);
    } finally {
      rmSync(root, { recursive: true });
    }
  };
  const observe: Observer['observe'] = async (pod, container) => {
    const observations: Observation[] = [];
    for (const world of worldsOf(pod, container)) {
      const key = keyOf(world);
      const outcomes = known.get(key) ?? ran(world);
      known.set(key, outcomes);
      observations.push({ settled: world.settled, outcomes: await outcomes });
    }
    return observations;
  };
  return { observe, asked: () => known.size, close: () => rmSync(base, { recursive: true, force: true }) };
}
