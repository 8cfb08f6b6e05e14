/** Compares the sandbox's webhook with pods that the real one changed. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT } from '../build/program.ts';
import type { Difference } from '../reasons.ts';
import { type Admission, admittedWith } from './admitted.ts';
import { containerText } from './describe.ts';
import { containersOf, type KubePod } from './kube-pod.ts';

export interface Recorded {
  name: string;
  input: Admission;
  mutated: KubePod;
}

const CASES = join(ROOT, 'test/golden/webhook/cases.json');

/** Returns the recorded pods: test/golden/webhook/README.md. */
export const recordedPods = (): Recorded[] => JSON.parse(readFileSync(CASES, 'utf8')) as Recorded[];

/** Returns the volumes of a pod with the audiences and paths of their tokens. */
const volumesText = ({ spec: { volumes = [] } }: KubePod): string =>
  volumes
    .map(({ name, projected }) => {
      const tokens = (projected?.sources ?? []).flatMap(({ serviceAccountToken: token }) =>
        token ? [`${token.path} for ${token.audience ?? 'the API server'}`] : [],
      );
      return `${name} (${tokens.join(', ') || 'no token'})`;
    })
    .join(', ');

/** Returns what differs between a pod as the sandbox's webhook changes it and as the real one did. */
export function webhookDifferences({ input, mutated }: Recorded): Difference[] {
  const played = admittedWith(input);
  const inPlayed = new Map(containersOf(played).map((container) => [container.name, containerText(container)]));
  const compared: Difference[] = [
    ...containersOf(mutated).map((container) => ({
      what: `webhook, container ${container.name}`,
      sandbox: inPlayed.get(container.name) ?? 'no container',
      real: containerText(container),
    })),
    { what: 'webhook, volumes', sandbox: volumesText(played), real: volumesText(mutated) },
  ];
  return compared.filter(({ sandbox, real }) => sandbox !== real);
}
