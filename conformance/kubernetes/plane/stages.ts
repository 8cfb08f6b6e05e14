/**
 * What KWOK plays in the place of kubelets: the stages in `stages/*.yaml`, with the delays of a run.
 *
 * Annotations of a pod or node change it:
 *
 * | annotation | of | effect |
 * | --- | --- | --- |
 * | `conformance/ready-after` | pod | it gets ready after this duration ("10s", "2m") |
 * | `conformance/deleted-after` | pod | it disappears this long after its deletion was requested |
 * | `conformance/held` | pod, node | its status is left alone, so that a pod never gets ready and a node stays lost |
 */
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';
import type { ControlPlaneOptions } from './options.ts';

export const READY_AFTER = 'conformance/ready-after';
export const DELETED_AFTER = 'conformance/deleted-after';
export const HELD = 'conformance/held';

interface Stage {
  metadata: { name: string };
  spec: { delay?: Record<string, unknown>; [field: string]: unknown };
}

type Delays = Pick<ControlPlaneOptions, 'podReadySeconds' | 'podDeleteSeconds' | 'podCompleteSeconds'>;

const FOLDER = join(import.meta.dirname, 'stages');

const secondsOf = (name: string, { podReadySeconds, podDeleteSeconds, podCompleteSeconds }: Delays): number => {
  switch (name) {
    case 'pod-ready':
      return podReadySeconds ?? 1;
    case 'pod-delete':
      return podDeleteSeconds ?? 0.5;
    case 'pod-complete':
      return podCompleteSeconds ?? 1;
    default:
      return 0;
  }
};

/** Returns the stages of KWOK with these delays. */
export const stagesOf = (delays: Delays): Stage[] =>
  readdirSync(FOLDER)
    .filter((name) => name.endsWith('.yaml'))
    .toSorted()
    .map((name) => {
      const stage = parse(readFileSync(join(FOLDER, name), 'utf8')) as Stage;
      const delay = { ...stage.spec.delay, durationMilliseconds: secondsOf(stage.metadata.name, delays) * 1000 };
      return { ...stage, spec: { ...stage.spec, delay } };
    });

/** Returns KWOK's configuration: how many objects it plays at the same time, and the stages. */
export const kwokConfiguration = (delays: Delays): object[] => [
  {
    apiVersion: 'config.kwok.x-k8s.io/v1alpha1',
    kind: 'KwokConfiguration',
    options: { podPlayStageParallelism: 16, nodePlayStageParallelism: 16, nodeLeaseParallelism: 16 },
  },
  ...stagesOf(delays),
];
