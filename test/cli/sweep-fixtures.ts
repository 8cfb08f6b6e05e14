/** Builds sweeps and their reports for tests. */
import type { Backend } from '../../cli/backend.ts';
import type { Sweep } from '../../lambdas/domain/sweep/model.ts';
import { sweepRequest, type SweepRequestInput } from '../../lambdas/domain/sweep/request.ts';
import { type SweepReport, sweepReport } from '../../lambdas/domain/sweep/report.ts';
import { type SweepStanding, standingOf } from '../../lambdas/domain/sweep/standing.ts';
import { newSweep } from '../../lambdas/use-cases/sweep/commanding.ts';
import { FakeDocuments, FakeSweeps } from '../lambdas/fake-sweeps.ts';

export const ID = '01JD8Z5Q6R7S8T9V0W1X2Y3Z4A';
export const STARTED = '2026-01-15T09:00:00.000Z';
export const ENDED = '2026-01-15T09:05:30.000Z';
const SWEEP_MACHINE = 'arn:aws:states:eu-west-1:111122223333:stateMachine:Sweep';
export const SWEEP_ARN = `arn:aws:states:eu-west-1:111122223333:execution:Sweep:${ID}`;
export const BUCKET = 'sweeps';
export const REPORTS = {
  bucket: BUCKET,
  json: `sweeps/${ID}/report.json`,
  csv: `sweeps/${ID}/report.csv`,
  html: `sweeps/${ID}/report.html`,
};

export const aSweepRequest = (change: Partial<SweepRequestInput> = {}) =>
  sweepRequest.parse({ mode: 'migrate', requestedBy: 'command-line', ...change });

export const aSweep = (change: Partial<Sweep> = {}): Sweep => ({
  ...newSweep({ sweepId: ID, request: aSweepRequest(), startedAt: STARTED }),
  executionArn: SWEEP_ARN,
  executions: 1,
  ...change,
});

export const aStanding = (change: Partial<SweepStanding> = {}): SweepStanding => ({
  ...standingOf(aSweep(), { queued: 0, inFlight: 0, ended: {} }, 'RUNNING'),
  ...change,
});

export const aSweepReport = (change: Partial<SweepReport> = {}): SweepReport =>
  sweepReport.parse({
    schemaVersion: 1,
    sweepId: ID,
    mode: 'migrate',
    request: aSweepRequest(),
    status: 'ended',
    outcome: 'completed',
    startedAt: STARTED,
    endedAt: ENDED,
    at: ENDED,
    totals: {
      locations: 4,
      clusters: 12,
      addons: 31,
      byClass: {
        'on-pod-identity': 9,
        ready: 10,
        blocked: 3,
        'keep-irsa': 2,
        'node-role': 2,
        'not-concerned': 6,
        unreachable: 1,
      },
      byOutcome: { migrated: 9, blocked: 1 },
      queued: 0,
      inFlight: 0,
    },
    blockers: [],
    keepIrsa: [],
    calls: { total: { eks: 120, iam: 31 }, perCluster: 12.58, perAddon: 4.871 },
    locations: [],
    rows: [],
    simulated: true,
    ...change,
  });

/** A clock that advances only while a caller sleeps. */
export const fakeClock = () => {
  const sleeps: number[] = [];
  let time = Date.parse(STARTED);
  return {
    sleeps,
    now: () => time,
    sleep: (milliseconds: number) => {
      sleeps.push(milliseconds);
      time += milliseconds;
      return Promise.resolve();
    },
  };
};

/** A backend with sweeps in memory, and nothing else. `status`: the status of each execution. */
export const sweepBackend = (status: () => string = () => 'RUNNING') => {
  const [sweeps, documents, clock] = [new FakeSweeps(), new FakeDocuments(), fakeClock()];
  const started: { name: string; input: unknown }[] = [];
  let ids = 0;
  const backend = {
    clock: { ...clock, spawn: (run: () => Promise<unknown>) => run() },
    ids: { ulid: () => `01JD8Z5Q6R7S8T9V0W1X2Y3Z4${'ABCDEFGH'[ids++] ?? 'Z'}` },
    stateMachineArn: SWEEP_MACHINE,
    recoverStateMachineArn: SWEEP_MACHINE,
    stepFunctions: {
      send: ({ input: { name, input = '{}' } }: { input: { name?: string; input?: string } }) => {
        if (name !== undefined) started.push({ name, input: JSON.parse(input) });
        return Promise.resolve({ status: status(), executionArn: SWEEP_ARN });
      },
    },
    sweeping: { sweeps, documentsIn: () => documents, stateMachineArn: SWEEP_MACHINE, bucketName: BUCKET },
  } as unknown as Backend;
  return { backend, sweeps, documents, clock, started };
};
