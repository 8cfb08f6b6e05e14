/** Differences between the interpreters that are accepted. What AWS does was recorded by localstack/localstack, in its snapshots. */
import type { Reason } from '../reasons.ts';

export const REASONS: readonly Reason[] = [
  {
    where: /./,
    what: /^ExecutionAborted\.(error|cause)$/,
    values: /^(absent|null)$/,
    reason:
      'moto writes null for what a stop does not name; AWS leaves it out (recorded in test_sfn_api.snapshot.json, test_stop_execution).',
  },
];

/** What moto does not do, or is not asked to. */
export const NOT_COMPARED: readonly { what: string; why: string }[] = [
  {
    what: 'the files of a ResultWriter',
    why: 'moto writes a manifest without results; the definitions read neither.',
  },
  { what: 'ToleratedFailurePercentage', why: 'moto reads it and does nothing with it; Sweep tolerates every failure.' },
  {
    what: 'when a task or an execution has timed out, and the waits themselves',
    why: "Both use the sandbox's clock, so that nothing waits in real time; how long to wait is moto's own decision.",
  },
  {
    what: 'Parallel, inline Map, HeartbeatSeconds, Wait with a timestamp, and the functions that Step Functions adds to JSONata',
    why: 'No definition of this project uses them.',
  },
  {
    what: 'migrations of a sweep that run at the same time',
    why: 'The order in which calls of the same moment arrive is no part of the language: sweeps migrate one at a time here.',
  },
];
