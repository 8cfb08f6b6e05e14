/** Compares the SDKs with the service and the sandbox, one pod after the other. */
import { type Sdk, SDK_NAMES, SDKS } from '../../lambdas/domain/verification/credential-variables.ts';
import type { PlacedDifference } from '../part-results.ts';
import type { Explainer } from '../reasons.ts';
import { containerText } from './describe.ts';
import { type Called, type Certain, differencesOf, identityDifferences, onlyOutcome } from './judge.ts';
import type { KubeContainer, KubePod } from './kube-pod.ts';
import type { Observation, Observer } from './observe.ts';
import type { Outcome } from './outcome.ts';
import { calledIn, classified, countedIn, expectedBySandbox, readInSandbox } from './read.ts';
import type { Tally } from './tally.ts';

/** A container that counts, with what happened in it. */
interface Seen {
  container: KubeContainer;
  called: Called;
  observations: Observation[];
}

/** What the comparison writes to. */
export interface Notes {
  explainer: Explainer;
  tally: Tally;
}

/**
 * Returns the differences of a container from what the service calls it, and what is certain of it. Where a difference is
 * accepted, the service's word counts.
 */
function judged({ container, called, observations }: Seen, where: string, { explainer }: Notes) {
  const place = `${where}: ${containerText(container)}`;
  const differences = differencesOf(called, observations).map((one) => ({
    where: place,
    ...explainer.explain(place, one),
  }));
  const only = onlyOutcome(observations);
  const isAccepted = differences.length > 0 && differences.every(({ reason }) => reason !== undefined);
  const certain: Certain =
    isAccepted || only === undefined || only === called ? (called === 'unknown' ? undefined : called) : asCalled(only);
  return { differences, certain };
}

const SOURCES: readonly Called[] = ['agent', 'irsa', 'node-role', 'static-keys'];
const asCalled = (outcome: Outcome): Certain => SOURCES.find((one) => one === outcome);

/** The worlds that the sandbox plays: without files, optional objects, and what envFrom could add. */
const PLAYED = /^(?:files: none|.*: no object|.*: not defined|envFrom: other keys)$/;
export const isPlayed = ({ settled }: Pick<Observation, 'settled'>): boolean =>
  settled.every((one) => PLAYED.test(one));

/** Returns where the sandbox reads a container otherwise than an SDK does. */
function sandboxDifferences(pod: KubePod, { container, observations }: Seen, where: string, { explainer }: Notes) {
  const played = observations.filter(isPlayed);
  const place = `${where}: ${containerText(container)}`;
  return played.flatMap(({ outcomes }) =>
    SDKS.flatMap((sdk: Sdk): PlacedDifference[] => {
      const outcome = outcomes[sdk];
      const source = readInSandbox(pod, sdk).get(container.name);
      if (outcome === undefined || source === undefined) return [];
      const expected = expectedBySandbox(source, outcome);
      if (expected === outcome) return [];
      const difference = { what: `sandbox, ${SDK_NAMES[sdk]}`, sandbox: expected, real: outcome };
      return [{ where: place, ...explainer.explain(place, difference) }];
    }),
  );
}

/** Returns whether every mount is of a volume of the pod, without which Kubernetes refuses the pod. */
export const isPossible = (pod: KubePod): boolean => {
  const names = new Set((pod.spec.volumes ?? []).map(({ name }) => name));
  return countedIn(pod).every(({ volumeMounts = [] }) => volumeMounts.every(({ name }) => names.has(name)));
};

/** Runs the SDKs in the containers of a pod that count, and returns the differences. */
export async function comparePod(
  pod: KubePod,
  where: string,
  observer: Observer,
  notes: Notes,
): Promise<PlacedDifference[]> {
  const calledBy = calledIn(pod);
  const differences: PlacedDifference[] = [];
  const certain: Certain[] = [];
  for (const container of countedIn(pod)) {
    const observations = await observer.observe(pod, container);
    // The service does not count it: what the pod is called then shows whether that is right.
    const called = calledBy.get(container.name) ?? 'elsewhere';
    const seen = { container, called, observations };
    const found = judged(seen, where, notes);
    differences.push(...found.differences, ...sandboxDifferences(pod, seen, where, notes));
    certain.push(found.certain);
    notes.tally.add(called, container, observations);
  }
  const { identity } = classified(pod);
  const place = `${where}: ${countedIn(pod).map(containerText).join(' | ')}`;
  for (const one of identityDifferences(identity, certain))
    differences.push({ where: place, ...notes.explainer.explain(place, one) });
  notes.tally.addPod(identity);
  return differences;
}
