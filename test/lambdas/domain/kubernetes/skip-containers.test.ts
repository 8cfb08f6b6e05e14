/** The annotation's reading against recorded answers: test/golden/webhook/README.md. */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { notSkipped } from '../../../../lambdas/domain/verification/pod-identity.ts';
import { skippedContainers } from '../../../../lambdas/domain/kubernetes/skip-containers.ts';
import { aContainer } from '../../fixtures.ts';

const ANNOTATION = 'eks.amazonaws.com/skip-containers';
const GOLDEN = new URL('../../../golden/webhook/', import.meta.url);
const recorded = (file: string): unknown => JSON.parse(readFileSync(new URL(file, GOLDEN), 'utf8'));

const { csv } = recorded('go-values.json') as { csv: [text: string, names: string[] | null][] };

interface Pod {
  metadata: { annotations?: Record<string, string> };
  spec: Record<'initContainers' | 'containers', { name: string; env?: unknown[] }[] | undefined>;
}
const pods = (recorded('cases.json') as { name: string; input: { pod: Pod }; mutated: Pod }[]).filter(
  ({ input }) => input.pod.metadata.annotations?.[ANNOTATION] !== undefined,
);
const containersOf = ({ spec }: Pod) => [...(spec.initContainers ?? []), ...(spec.containers ?? [])];

describe('the names of the annotation', () => {
  it.each(csv)('%j: as Go reads the first record of a CSV text', (text, names) =>
    expect(skippedContainers({ [ANNOTATION]: text })).toEqual(new Set(names)),
  );

  it('are empty without the annotation', () =>
    expect([skippedContainers(undefined), skippedContainers({})]).toEqual([new Set(), new Set()]));
});

describe('containers that count', () => {
  it('are recorded for pods with the annotation', () => expect(pods.length).toBeGreaterThan(15));

  it.each(pods.map((answer) => [answer.name, answer] as const))(
    'are those that the webhook has changed: %s',
    (_, { input: { pod }, mutated }) => {
      const changed = containersOf(mutated)
        .filter(({ env }, index) => (env ?? []).length > (containersOf(pod)[index]?.env ?? []).length)
        .map(({ name }) => name);
      const judged = notSkipped(
        containersOf(pod).map(({ name }) => aContainer({ name })),
        pod.metadata.annotations ?? {},
      );
      expect(judged.map(({ name }) => name)).toEqual(changed);
    },
  );
});
