/** What docs/comparison.md shows between its marks. Pure. */
import { code, table } from '../../scripts/schema-tables.ts';
import { classified, OWN_CLASSES, PEER_CLASSES } from './classes.ts';
import type { Compared, Kept } from './kept.ts';
import type { PeerResult } from './peer-run.ts';
import { ENDS, type PodEnds } from './pods.ts';
import { ownTime, peerTime, podWords, requestWords, trustWords } from './result-texts.ts';

const starred = ({ scenario, assumed }: Compared): string => `${code(scenario)}${assumed.length > 0 ? ' \\*' : ''}`;
const list = (members: readonly Compared[]): string => members.map(starred).join(', ');

/** Returns what happens after the command, in a few words: a second run, a restart, an IAM without a lag. */
const afterwards = ({ again, restarted, withoutTrustLag }: PeerResult): string =>
  [
    ...(again ? [`second run: exit ${again.exitCode ?? 'none'}, ${podWords(again.ends)}`] : []),
    ...(restarted ? [`restarted: ${podWords(restarted)}`] : []),
    ...(withoutTrustLag
      ? [
          `without a lag of trust policies: exit ${withoutTrustLag.exitCode ?? 'none'}, ${podWords(withoutTrustLag.ends)}`,
        ]
      : []),
  ].join('; ');

const lastEnds = ({ ends, again, restarted }: PeerResult): PodEnds => restarted ?? again?.ends ?? ends;

const sumOf = (all: readonly PodEnds[]): PodEnds => ({
  counts: Object.fromEntries(
    ENDS.map((end) => [end, all.reduce((sum, { counts }) => sum + (counts[end] ?? 0), 0)] as const),
  ),
  notReady: all.reduce((sum, { notReady }) => sum + notReady, 0),
  gained: all.reduce((sum, { gained }) => sum + gained, 0),
  pods: [],
});

const totals = ({ scenarios }: Kept): string =>
  table(
    ['after', 'pods that had a role before'],
    [
      ['eksctl', podWords(sumOf(scenarios.map(({ eksctl }) => eksctl.ends)))],
      [
        'eksctl, run again after an error, and with a restart of the workloads of new associations',
        podWords(sumOf(scenarios.map(({ eksctl }) => lastEnds(eksctl)))),
      ],
      ['this project', podWords(sumOf(scenarios.map(({ own }) => own.ends)))],
    ],
  );

const classTable = (classes: { title: string; members: Compared[] }[]): string =>
  table(
    ['end', 'scenarios', ''],
    classes.map(({ title, members }) => [title, String(members.length), list(members)]),
  );

const rows = ({ scenarios }: Kept): string =>
  table(
    [
      'scenario',
      'eksctl: exit code',
      'pods in the end',
      'and then',
      'OIDC statements',
      'took',
      'this project: outcome',
      'pods in the end',
      'OIDC statements',
      'took',
    ],
    scenarios.map((one) => [
      starred(one),
      String(one.eksctl.exitCode ?? 'none'),
      podWords(one.eksctl.ends),
      afterwards(one.eksctl),
      trustWords(one.eksctl.trust),
      peerTime(one.eksctl),
      requestWords(one.own.requests),
      podWords(one.own.ends),
      trustWords(one.own.trust),
      ownTime(one.own),
    ]),
  );

const errors = ({ scenarios }: Kept): string => {
  const byError = new Map<string, Compared[]>();
  for (const one of scenarios)
    for (const error of one.eksctl.errors) {
      // What is different in each scenario comes first: the add-on, the role.
      const short = error.split(/: (?=operation error|json:|invalid format|parsing role)/).at(-1) ?? error;
      byError.set(short, [...(byError.get(short) ?? []), one]);
    }
  if (byError.size === 0) return 'None.';
  return table(
    ['error of eksctl', 'scenarios'],
    [...byError].toSorted(([a], [b]) => (a < b ? -1 : 1)).map(([error, members]) => [code(error), list(members)]),
  );
};

const interruptions = ({ scenarios }: Kept): string => {
  const found = scenarios.flatMap(({ scenario, eksctl, own }) =>
    [['eksctl', eksctl] as const, ['this project', own] as const].flatMap(([who, { availability }]) =>
      availability && availability.unavailableSeconds > 0
        ? [[code(scenario), who, `${availability.unavailableSeconds} s`]]
        : [],
    ),
  );
  return found.length === 0 ? 'In no scenario.' : table(['scenario', 'during', 'without a ready pod'], found);
};

const assumed = ({ scenarios }: Kept): string => {
  const marked = scenarios.filter((one) => one.assumed.length > 0);
  return marked.length === 0
    ? 'None.'
    : table(
        ['scenario', 'setting'],
        marked.map((one) => [code(one.scenario), one.assumed.map(code).join(', ')]),
      );
};

/** Returns the contents by the names of their marks. */
export const contentsOf = (kept: Kept): Record<string, string> => ({
  run: `Last run: eksctl v${kept.eksctl}, ${kept.scenarios.length} scenarios, ${kept.date}.`,
  totals: totals(kept),
  'eksctl-ends': classTable(classified(PEER_CLASSES, kept.scenarios, ({ eksctl }) => eksctl)),
  'own-ends': classTable(classified(OWN_CLASSES, kept.scenarios, ({ own }) => own)),
  errors: errors(kept),
  interruptions: interruptions(kept),
  assumed: assumed(kept),
  scenarios: rows(kept),
});
