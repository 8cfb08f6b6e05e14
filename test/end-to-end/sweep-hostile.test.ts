/** A sweep over a fleet with one hostile cluster of each kind: all others are in their true class, and each is named. */
import { expect, it } from 'vitest';
import { classesExpected, classesIn, inFleet, keyOf } from './sweep-world.ts';
import { matching } from '../lambdas/matchers.ts';

const KINDS = ['huge-answers', 'huge-objects', 'trickling', 'fatal'] as const;
const REASONS: Record<string, RegExp> = {
  'huge-answers': /answer is longer than 8 MB, also for a page of a single object/,
  trickling: /the answer is too slow: 2 bytes of it arrived within 10 seconds/,
  fatal: /^An invocation that inspected cluster .* alone/,
};

it('ends incomplete, with every other cluster in its true class, and each hostile one named with the reason', async () => {
  const hostile = new Map<string, (typeof KINDS)[number]>();
  await inFleet(
    {
      clusters: 13,
      seed: 59,
      accounts: 1,
      regions: ['eu-west-1'],
      addons: 26,
      change: ({ accounts }, expected) => {
        const isReady = ({ cluster, class: found }: (typeof expected)[number]) =>
          !hostile.has(cluster) && found === 'ready';
        for (const kind of KINDS) hostile.set(expected.find(isReady)!.cluster, kind);
        for (const { clusters } of accounts)
          for (const cluster of clusters)
            Object.assign(cluster, { apiServer: hostile.get(cluster.name) ?? cluster.apiServer });
      },
    },
    async (world) => {
      const { standing, report } = await world.sweep({ mode: 'inventory' });
      const isTrue = ({ cluster = '' }: { cluster?: string | undefined }): boolean =>
        (hostile.get(cluster) ?? 'huge-objects') === 'huge-objects';
      const expected = world.expected.filter(isTrue);
      expect(classesIn({ rows: report.rows.filter(isTrue) })).toEqual(classesExpected(expected));
      const reasons = [...hostile].map(([cluster, kind]) => [
        kind,
        report.rows.find((row) => row.cluster === cluster && row.class === 'unreachable')?.reason,
      ]);
      expect(reasons).toEqual(KINDS.map((kind) => [kind, REASONS[kind] && matching(REASONS[kind])]));
      const unread = new Set(report.rows.filter((row) => row.class === 'unreachable').map(keyOf));
      const clusters = new Set([...unread].map((key) => key.split(' ')[2]));
      expect(standing).toMatchObject({
        outcome: 'incomplete',
        inspected: { clusters: 13 - clusters.size, of: 13, locations: 0 },
      });
    },
  );
});
