/** Software with an old, a new and an unknown source of credentials, for each way to migrate it, and at each level. */
import { describe, expect, it } from 'vitest';
import type { ScenarioCluster } from '../../sandbox/scenario/scenario.ts';
import { type Had, type Judged, judged, NEW_SDK, OLD_SDK, type Way } from './judged.ts';

const HIDES = { softwareWithoutCredentials: 'logs' } as const;
const TEXTS = {
  injected: 'verified: injected (credentials configuration injected; use of the credentials not observed)',
  ready: 'verified: ready (stable; use of the credentials not observed)',
  api: 'verified: api (reported by EKS; no pod was inspected)',
} as const;
type Level = keyof typeof TEXTS;

export const withSdk =
  ({ put }: Way, sdk: typeof OLD_SDK) =>
  (cluster: ScenarioCluster): void =>
    put(cluster, sdk);
export const methodsOf = (pods: readonly Had[]): string[] => [
  ...new Set(pods.flatMap(({ gets }) => gets.map((one) => one.split(' ')[0]!))),
];
const stable = (pods: readonly Had[]): boolean => pods.every(({ ready, restarts }) => ready && restarts === 0);
/** The text without the ragged ends of its lines. */
export const unwrapped = (text: string): string => text.replaceAll(/\s+/g, ' ');

/** Expects what the text must hold at this level, and that it claims no more. */
export function expectClaim({ report, text }: Judged, level: Level): void {
  expect({ outcome: report.outcome, verified: report.verified }).toEqual({ outcome: 'migrated', verified: level });
  expect(unwrapped(text)).toContain(TEXTS[level]);
  const others = Object.entries(TEXTS).filter(([other]) => other !== level);
  expect(others.filter(([, claim]) => unwrapped(text).includes(claim))).toEqual([]);
  expect(text).not.toMatch(/\bproved|\bproven|credentials (?:are|were) used/i);
}

/** Expects that everything is as it was, and that the pods have the credentials that they had. */
export function expectRestored(run: Judged): void {
  const { report, text, before, after, state } = run;
  expect({ outcome: report.outcome, failure: report.failure?.name }).toEqual({
    outcome: 'rolled-back',
    failure: 'PodsFailing',
  });
  expect(report.verification.pods.map(({ level }) => level)).not.toContain('ready');
  expect(text).not.toContain(TEXTS.ready);
  expect(unwrapped(text)).toMatch(/kubectl -n \S+ logs \S+ --all-containers --previous/);
  expect([methodsOf(before), after, state.after]).toEqual([['irsa'], before, state.before]);
}

/** Defines the tests of these ways. */
export const describeWays = (ways: readonly Way[]): void => {
  describe.each(ways)('$title', (way) => {
    it('with an SDK that is just new enough is ready, and each container has the role of the association', async () => {
      const run = await judged(way, {}, { change: withSdk(way, NEW_SDK) });
      expectClaim(run, 'ready');
      expect([methodsOf(run.before), methodsOf(run.after)]).toEqual([['irsa'], ['pod-identity']]);
      expect(stable(run.after)).toBe(true);
    });

    it('with an SDK that is one release too old, whose software exits, is rolled back and never called ready', async () =>
      expectRestored(await judged(way, {}, { change: withSdk(way, OLD_SDK) })));

    it('with such software whose source of credentials is unknown, and accepted, is rolled back as well', async () => {
      const change = (cluster: ScenarioCluster): void => {
        way.put(cluster, { name: 'js-v3', version: '3.457.0' });
        way.addProfile(cluster);
      };
      const run = await judged(way, way.accepts, { change });
      expectRestored(run);
      expect(run.report.warnings).toEqual([]);
    });

    it('with an SDK whose source is unknown, and accepted, is rolled back on demand to the credentials that it had', async () => {
      const change = (cluster: ScenarioCluster): void => {
        way.put(cluster, { name: 'js-v3', version: '3.758.0' });
        way.addProfile(cluster);
      };
      const { report, before, after, state } = await judged(way, way.accepts, { change, rollBack: true });
      expect(report).toMatchObject({ outcome: 'rolled-back', rollback: { after: 'migrated' }, warnings: [] });
      expect([methodsOf(before), after, state.after]).toEqual([['irsa'], before, state.before]);
    });

    it('with such software that hides it, is called stable and no more, although it has no credentials', async () => {
      const run = await judged(way, {}, { change: withSdk(way, OLD_SDK), knobs: HIDES });
      expectClaim(run, 'ready');
      expect(methodsOf(run.after)).toContain('SdkTooOld');
      expect(stable(run.after)).toBe(true);
    });

    it.each([
      ['exits', {}],
      ['hides it', HIDES],
    ] as const)('at the level injected, with software that %s, is called injected and no more', async (_, knobs) => {
      const run = await judged(way, { verification: 'injected' }, { change: withSdk(way, OLD_SDK), knobs });
      expectClaim(run, 'injected');
      expect(methodsOf(run.after)).toContain('SdkTooOld');
      expect(run.report.steps.map(({ name }) => name)).not.toContain('confirm-ready');
    });

    it('at the level api is called reported by EKS, whatever the pods have', async () => {
      const run = await judged(way, { verification: 'api' }, { change: withSdk(way, OLD_SDK) });
      expectClaim(run, 'api');
      expect([run.report.verification.pods, run.report.warnings.map(({ id }) => id)]).toEqual([[], ['pods-not-seen']]);
      // Pods that nothing has replaced still have their former credentials; others have none.
      expect(['irsa', 'SdkTooOld']).toEqual(
        expect.arrayContaining(methodsOf(run.after).filter((one) => one !== 'pod-identity')),
      );
    });
  });
};
