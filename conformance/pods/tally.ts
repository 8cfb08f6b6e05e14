/** Counts what the SDKs did, for the document. */
import { join } from 'node:path';
import { type Sdk, SDK_NAMES, SDKS } from '../../lambdas/domain/verification/credential-variables.ts';
import { writeJson } from '../kept-json.ts';
import { RESULTS } from '../part-results.ts';
import { containerText } from './describe.ts';
import type { Called } from './judge.ts';
import type { KubeContainer } from './kube-pod.ts';
import type { Observation } from './observe.ts';
import type { Outcome } from './outcome.ts';

/** Containers in which the SDKs do not do the same, although their spec shows everything. */
export interface Differing {
  outcomes: string;
  called: Called;
  containers: number;
  /** The shortest of them. */
  example: string;
}

export interface Counted {
  /** Pods by their identity. */
  pods: Record<string, number>;
  /** How often an SDK had an outcome, by what the container is called: once for each world of each container. */
  outcomes: { called: Called; sdk: string; counts: Partial<Record<Outcome, number>> }[];
  differing: Differing[];
}

export class Tally {
  private readonly pods = new Map<string, number>();
  private readonly outcomes = new Map<string, Counted['outcomes'][number]>();
  private readonly differing = new Map<string, Differing>();
  containers = 0;
  worlds = 0;

  addPod(identity: string): void {
    this.pods.set(identity, (this.pods.get(identity) ?? 0) + 1);
  }

  add(called: Called, container: KubeContainer, observations: readonly Observation[]): void {
    this.containers += 1;
    this.worlds += observations.length;
    for (const { outcomes } of observations) for (const sdk of SDKS) this.count(called, sdk, outcomes[sdk]);
    const [only] = observations;
    if (only && observations.length === 1) this.compare(called, container, only);
  }

  private count(called: Called, sdk: Sdk, outcome: Outcome | undefined): void {
    if (outcome === undefined) return;
    const key = `${called} ${sdk}`;
    const entry = this.outcomes.get(key) ?? { called, sdk: SDK_NAMES[sdk], counts: {} };
    entry.counts[outcome] = (entry.counts[outcome] ?? 0) + 1;
    this.outcomes.set(key, entry);
  }

  private compare(called: Called, container: KubeContainer, { outcomes }: Observation): void {
    if (new Set(Object.values(outcomes)).size < 2) return;
    const text = SDKS.map((sdk) => `${SDK_NAMES[sdk]}: ${outcomes[sdk] ?? ''}`).join(', ');
    const example = containerText(container);
    const key = `${text} ${called}`;
    const known = this.differing.get(key) ?? { outcomes: text, called, containers: 0, example };
    known.containers += 1;
    if (example.length < known.example.length) known.example = example;
    this.differing.set(key, known);
  }

  counted(): Counted {
    return {
      pods: Object.fromEntries([...this.pods].toSorted(([a], [b]) => a.localeCompare(b, 'en'))),
      outcomes: [...this.outcomes.values()].toSorted((a, b) =>
        `${a.called} ${a.sdk}`.localeCompare(`${b.called} ${b.sdk}`, 'en'),
      ),
      differing: [...this.differing.values()].toSorted((a, b) => b.containers - a.containers),
    };
  }
}

export const COUNTED_FILE = join(RESULTS, 'pods-sdks.json');

/** Each outcome and each differing container has a line. */
export const keepCounted = (counted: Counted): void => writeJson(COUNTED_FILE, counted, 2);
