/** The kept results of both migrations in each scenario: the claim of docs/comparison.md, which a run must find again. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { readJson, writeJson } from '../kept-json.ts';
import { RESULTS } from '../part-results.ts';
import type { OwnResult } from './own-run.ts';
import type { PeerResult } from './peer-run.ts';
import { ENDS, type PodEnds } from './pods.ts';

export interface Compared {
  scenario: string;
  /** Settings that only the sandbox assumes. */
  assumed: string[];
  eksctl: PeerResult;
  own: OwnResult;
}

export interface Kept {
  /** Day of the run. */
  date: string;
  /** Release of eksctl. */
  eksctl: string;
  scenarios: Compared[];
}

/** How deep the migrations are in the results: each has a line. */
const RECORDS = 3;

export const KEPT = join(RESULTS, 'eksctl-migrations.json');

/** Returns the kept results, or undefined if there are none. */
export const readKept = (file: string = KEPT): Kept | undefined =>
  existsSync(file) ? (readJson(file) as Kept) : undefined;

export const writeKept = (kept: Kept, file: string = KEPT): void => writeJson(file, kept, RECORDS);

const list = (texts: readonly string[]): string => texts.join('; ') || 'none';
const podsText = ({ counts, notReady, gained, pods }: PodEnds): string =>
  `${ENDS.flatMap((end) => ((counts[end] ?? 0) > 0 ? [`${counts[end]} ${end}`] : [])).join(', ')}, ${notReady} not ready, ${gained} gained: ${list(pods)}`;

const measuredFacts = ({ ends, trust, addons, availability }: OwnResult | PeerResult): [string, string][] => [
  ['pods', podsText(ends)],
  [
    'trust policies',
    list(
      trust
        .map(
          // How many duplicates there are depends on chance where eksctl changes a role several times at once.
          ({ role, oidc, pods: [before, after], doubled }) =>
            `${role}: OIDC ${oidc.join(' to ')}, EKS Pod Identity ${before} to ${Math.min(after, 1)}${doubled > 0 ? ', with duplicates' : ''}`,
        )
        .sort(),
    ),
  ],
  ['add-ons', list([...addons].sort())],
  [
    'availability',
    availability === undefined
      ? 'not measured'
      : `${availability.unavailableSeconds > 0 ? 'interrupted' : 'never without a ready pod'}, at least ${availability.leastReady} ready`,
  ],
];

/** Returns what is compared with the next run: everything but durations. */
const factsOf = ({ assumed, eksctl, own }: Compared): Map<string, string> =>
  new Map([
    ['assumed settings', list(assumed)],
    ['eksctl: exit code', String(eksctl.exitCode)],
    ['eksctl: errors', list(eksctl.errors)],
    ['eksctl: changes', list(eksctl.changes)],
    ['eksctl: unsupported calls', list(eksctl.unsupported)],
    ...measuredFacts(eksctl).map(([what, value]): [string, string] => [`eksctl: ${what}`, value]),
    ['eksctl: second run', eksctl.again ? `${eksctl.again.exitCode}, ${podsText(eksctl.again.ends)}` : 'none'],
    [
      'eksctl: without a lag of trust policies',
      eksctl.withoutTrustLag ? `${eksctl.withoutTrustLag.exitCode}, ${podsText(eksctl.withoutTrustLag.ends)}` : 'none',
    ],
    ['eksctl: after a restart', eksctl.restarted ? podsText(eksctl.restarted) : 'none'],
    [
      'own: requests',
      list(
        own.requests.map(
          ({ subject, options, outcome, because }) =>
            `${subject} (${list(options)}): ${outcome}${because.length > 0 ? `, ${because.join(' ')}` : ''}`,
        ),
      ),
    ],
    ...measuredFacts(own).map(([what, value]): [string, string] => [`own: ${what}`, value]),
  ]);

export interface Changed {
  scenario: string;
  what: string;
  kept: string;
  now: string;
}

/** Returns what differs from the kept results. A scenario without kept results differs. */
export const changesFrom = (kept: readonly Compared[], now: readonly Compared[]): Changed[] =>
  now.flatMap((one): Changed[] => {
    const before = kept.find(({ scenario }) => scenario === one.scenario);
    const { scenario } = one;
    if (!before) return [{ scenario, what: 'the scenario', kept: 'no results', now: 'compared' }];
    const facts = factsOf(before);
    return [...factsOf(one)].flatMap(([what, value]) =>
      facts.get(what) === value ? [] : [{ scenario, what, kept: facts.get(what) ?? 'nothing', now: value }],
    );
  });
