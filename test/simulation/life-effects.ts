/** What the cluster's ordinary life did in a run (`life.ts`), for the promises. */
import type { LifeRecord } from './life.ts';
import type { RunResult } from './run.ts';
import type { LifeAct, RunSpec } from './spec.ts';

/** Returns the acts of these kinds that happened, in the order of the spec. */
export const happened = ({ life }: RunResult, ...kinds: LifeAct['does'][]): Required<Omit<LifeRecord, 'pod'>>[] =>
  (life?.records ?? []).flatMap(({ event, at, line }) =>
    at !== undefined && line !== undefined && kinds.includes(event.does) ? [{ event, at, line }] : [],
  );

/** Returns the name of a pod that a Job, a person or a custom resource's controller started, by its uid. */
export const startedPod = ({ life }: RunResult, uid: string): string | undefined =>
  life?.records.find(({ event, pod }) => pod?.uid === uid && event.does !== 'blink')?.pod?.name;

/** Returns whether a pod of this name was started so. */
export const isStarted = ({ life }: RunResult, name: string): boolean =>
  life?.records.some(({ event, pod }) => pod?.name === name && event.does !== 'blink') === true;

/** Returns whether a pod was made unready for a while. */
export const hasBlinked = ({ life }: RunResult, uid: string): boolean =>
  life?.records.some(({ event, pod }) => event.does === 'blink' && pod?.uid === uid) === true;

/** Returns whether a pod was made unready until after this moment. */
export const isBlinking = ({ life, sandbox }: RunResult, uid: string): boolean =>
  life?.records.some(
    ({ event, at, pod }) =>
      event.does === 'blink' && pod?.uid === uid && (at ?? 0) + event.seconds * 1000 > sandbox.world.schedule.now(),
  ) === true;

export const isScaledToZero = (result: RunResult): boolean => happened(result, 'scale-to-zero').length > 0;

/** Returns whether what a spec draws of life is all that may keep its migrations from their end. */
export const isLifeAlone = ({
  life,
  faults,
  trust,
  stranger,
  denied,
  actor,
  copies,
  approval,
  pods,
}: RunSpec): boolean =>
  life !== undefined &&
  faults.length === 0 &&
  !trust &&
  !stranger &&
  !denied &&
  !actor &&
  !pods &&
  (copies ?? 1) === 1 &&
  (approval ?? 'given') === 'given';
