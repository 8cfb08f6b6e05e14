import { describe, expect, it } from 'vitest';
import { openSandboxBackend } from '../../cli/backend.ts';
import { runMigration } from '../../cli/service/run.ts';
import type { MigrationReport } from '../../lambdas/domain/record/migration.ts';
import { migrationRequest } from '../../lambdas/domain/request/request.ts';
import type { SandboxOptions } from '../../sandbox/sandbox.ts';
import type { Call } from '../../sandbox/calls/call-log.ts';
import { RECREATE, requestOf, scenarioWith } from './fixture.ts';

interface Outcome {
  report: MigrationReport;
  calls: Call[];
  /** All accounts with their content, as plain data. */
  state: unknown;
}

const plain = (value: unknown): unknown =>
  JSON.parse(
    JSON.stringify(value, (_key, inner: unknown) =>
      inner instanceof Map ? [...inner] : inner instanceof Set ? [...inner] : inner,
    ),
  );

/** The same in both runs: an id begins with the time, and the hash of a restarted pod template would depend on it. */
const MIGRATION_ID = '01KF0E44M047C4FEZDQK8YZG0M';

const run = async (clock: NonNullable<SandboxOptions['clock']>): Promise<Outcome> => {
  const backend = await openSandboxBackend(scenarioWith(), { clock });
  try {
    const report = await runMigration(
      { ...backend, ids: { ulid: () => MIGRATION_ID } },
      migrationRequest.parse(requestOf({ ...RECREATE, preserve: true })),
    );
    const { world } = backend.sandbox;
    return { report, calls: world.log.calls, state: plain(world.accounts) };
  } finally {
    await backend.close();
  }
};

const DATE = /\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z/g;
/** Matches times from 2001 on; no other number in the world is that large. */
const isTime = (value: unknown): boolean => typeof value === 'number' && value > 1e12;

/** Returns JSON with every time hidden. */
const timeless = (value: unknown): string =>
  JSON.stringify(value, (_key, inner: unknown) => (isTime(inner) ? 'TIME' : inner)).replaceAll(DATE, 'TIME');

/** Called by the schedule, at times that differ relative to the other calls. */
const BY_SCHEDULE = ['find-stranded', 'publish-events'];

/** Returns whether a call reserves calls or reads what is reserved: whether calls wait depends on the time between them. */
const isOfPace = ({ service, input }: Call): boolean =>
  service === 'dynamodb' && /"S":"PACE#|"pk = :pk AND begins_with\(sk, :prefix\)"/.test(JSON.stringify(input));

/**
 * Returns the calls, each once if it was repeated with the same answer, without the calls that only follow the
 * execution and those of its pace.
 */
const callsOf = ({ calls }: Outcome): string[] => {
  const made = calls.filter(
    (call) =>
      (call.service !== 'states' || call.mutating) &&
      !BY_SCHEDULE.includes(call.step ?? '') &&
      call.caller !== 'events.amazonaws.com' &&
      !isOfPace(call),
  );
  // The number of polls determines the number of invocations, each of which has an id.
  return [...new Set(made.map(({ n: _n, at: _at, invocation: _invocation, ...call }) => timeless(call)))];
};

/** Returns every call that changed the target, repeated or not. */
const changesOf = ({ calls }: Outcome): string[] =>
  calls
    .filter(({ mutating, service }) => mutating && ['eks', 'iam', 'kubernetes'].includes(service))
    .map(({ operation, input }) => `${operation} ${timeless(input)}`);

it('a scaled clock ends in the same state as a virtual one, with the same calls apart from times and polls', async () => {
  const virtual = await run('virtual');
  const scaled = await run({ scaled: 6000 });
  expect([virtual.report.outcome, scaled.report.outcome]).toEqual(['migrated', 'migrated']);
  // Time passed in both, and differently, so there is something to leave out.
  expect(scaled.calls.map(({ at }) => at)).not.toEqual(virtual.calls.map(({ at }) => at));

  expect(changesOf(scaled)).toEqual(changesOf(virtual));
  expect(changesOf(virtual)).toHaveLength(5);
  expect(callsOf(scaled)).toEqual(callsOf(virtual));
  expect(callsOf(virtual).length).toBeGreaterThan(40);
  expect(JSON.parse(timeless(scaled.state))).toEqual(JSON.parse(timeless(virtual.state)));
  const verified = ({ report }: Outcome): unknown => [
    report.steps.map(({ name, result }) => [name, result]),
    report.associations,
    report.verification,
  ];
  expect(JSON.parse(timeless(verified(scaled)))).toEqual(JSON.parse(timeless(verified(virtual))));
});

describe("functions whose clock differs from AWS's", () => {
  it.each([
    [240, 'direct'],
    [-240, 'direct'],
    [240, 'sdk'],
    [-240, 'sdk'],
  ] as const)(
    'by %i seconds are recognized by their signatures and tokens, and write their own time (%s)',
    async (skew, clients) => {
      const scenario = scenarioWith(({ knobs }) => void (knobs.functionClockSkewSeconds = skew));
      const backend = await openSandboxBackend(scenario, { clients });
      try {
        const startedAt = backend.sandbox.clock.now();
        const report = await runMigration(backend, migrationRequest.parse(requestOf(RECREATE)));
        expect(report.outcome).toBe('migrated');
        const first = report.steps.find(({ name }) => name === 'begin');
        expect(Math.round((Date.parse(first!.startedAt) - startedAt) / 1000 / 60)).toBe(skew / 60);
        expect(backend.sandbox.world.log.calls.filter(({ status }) => status === 401)).toEqual([]);
      } finally {
        await backend.close();
      }
    },
  );
});
