/** The promise about what takes time: it may delay a migration but never ends one. */
import { isHarmless, rollsBackForPods, interfered, type Promised } from './promised.ts';
import type { FaultSpec, RunSpec } from './spec.ts';
import { OUTAGE_KINDS } from './time-seeds.ts';

const isOutage = ({ kind, seconds }: FaultSpec) => seconds !== undefined && OUTAGE_KINDS.some((one) => one === kind);

/** Returns whether time is the only thing that goes wrong in a run. */
const isTimeAlone = ({ faults, trust, stranger, denied, cancelAfterCall, approval, copies }: RunSpec): boolean =>
  faults.every(isOutage) &&
  !trust &&
  !stranger &&
  !denied &&
  cancelAfterCall === undefined &&
  (approval ?? 'given') === 'given' &&
  (copies ?? 1) === 1;

export const timeIsNotFailure: Promised = {
  name: 'time-is-not-failure',
  statement:
    'If nothing goes wrong but time (outages that end, large and slow workloads, lost nodes, callers that are known late, clocks that differ), no migration is rolled back and none needs a person.',
  broken: (result) => {
    const { spec } = result;
    const isAboutTime = spec.time !== undefined || spec.faults.some(isOutage);
    // See `life-is-not-failure`.
    if (!isAboutTime || spec.life || !isTimeAlone(spec) || !isHarmless(result) || interfered(result) || spec.rollBack)
      return [];
    return result.migrations.flatMap(({ migrationId, record }) =>
      !rollsBackForPods(result, record) &&
      (record?.outcome === 'rolled-back' || record?.outcome === 'needs-human' || record?.status === 'running')
        ? [
            `${migrationId} is ${record.outcome ?? 'still running'}: ${record.failure?.name ?? ''} ${record.failure?.message ?? ''}`,
          ]
        : [],
    );
  },
};
