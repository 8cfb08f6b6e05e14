/** The twin of each published scenario gives the same plans, checks and outcomes as the scenario itself. */
import { describe, expect, it } from 'vitest';
import { readScenario } from '../../sandbox/build/load.ts';
import { scenarioFile } from './fixture.ts';
import { anonymised } from '../../cli/record/anonymise.ts';
import { chainRows } from './chain-rows.ts';
import { consumerRows } from './consumer-rows.ts';
import { reachabilityRows } from './reachability-rows.ts';
import { type Row, rows as otherRows } from './scenario-rows.ts';
import { sdkRows } from './sdk-rows.ts';
import { accessOf, EVERYTHING, rehearsable, type Seen, seenIn, twinOf, WITHOUT_ACCESS } from './twin.ts';

/** What is seen in the scenarios themselves, by row. */
const originals = new Map<string, Promise<Seen>>();

const originalOf = ([name, request]: Row): Promise<Seen> => {
  const run = async (): Promise<Seen> => {
    const scenario = await readScenario(scenarioFile(name));
    const { id, clusters } = scenario.accounts[0]!;
    const target = { account: id, region: clusters[0]!.region, cluster: clusters[0]!.name };
    return seenIn(scenario, { target, ...request });
  };
  const key = `${name} ${JSON.stringify(request)}`;
  const seen = originals.get(key) ?? run();
  originals.set(key, seen);
  return seen;
};

const compared = async (row: Row, access = accessOf(row[0])) => {
  const [name, request] = row;
  const scenario = await readScenario(scenarioFile(name));
  const [account] = scenario.accounts;
  const cluster = account!.clusters[0]!;
  const twin = await twinOf(scenario, cluster, { ...EVERYTHING, access });
  const target = { account: account!.id, region: cluster.region, cluster: cluster.name };
  return {
    original: await originalOf(row),
    rehearsed: await seenIn(rehearsable(twin, scenario), { target, ...request }),
    unread: twin.reader.unread.map(({ what }) => what),
  };
};

/** A recording has no RBAC objects: its twin reads what the service may not read in the scenario. */
const rows = [...otherRows, ...consumerRows.filter(([name]) => name !== 'consumers-unread')];

/** What a recording of a scenario leaves out, although its twin gives the same results. */
const UNREAD: Record<string, string[]> = {
  'agent-not-ready': ['the state of 1 pod that is not ready'],
  'left-over-session-policy': ['role arn:aws:iam::444455556666:role/snapshots'],
  'role-in-other-account': ['role arn:aws:iam::444455556666:role/report-archive'],
};

/** A recording has no SDKs, so that a twin does not show that software exits without credentials. */
const sameInTwin = sdkRows.filter(([name]) => name !== 'old-sdk-crashes');

describe('the twin of a published scenario', () => {
  it.each([...rows, ...chainRows, ...sameInTwin, ...reachabilityRows])('%s, %j', async (...row) => {
    const { original, rehearsed, unread } = await compared(row);
    expect([rehearsed, unread]).toEqual([original, UNREAD[row[0]] ?? []]);
  });

  it.each(rows.filter(([name]) => WITHOUT_ACCESS.includes(name)))(
    '%s, %j: shows another plan if the service has access',
    async (...row) => {
      const { original, rehearsed } = await compared(row, 'granted');
      expect(rehearsed.checks).not.toEqual(original.checks);
    },
  );
});

/** Rows whose requests name nothing of the cluster. */
const nameless = rows.filter(
  ([, { roles, serviceAccount, accept }]) =>
    (roles ?? serviceAccount) === undefined && accept?.some((entry) => entry.startsWith('consumer:')) !== true,
);

/** What does not depend on names, and not on the cluster's configuration, which is not recorded. */
const withoutNames = ({ outcome, checks, mutations }: Seen) => ({
  outcome,
  mutations,
  checks: checks.map((check) => check.split(' ').slice(0, 2).join(' ')).sort(),
});

it.each(nameless)(
  'the anonymised twin of a published scenario %s, %j: has the same outcome, calls and checks',
  async (...row) => {
    const [name, request] = row;
    const scenario = await readScenario(scenarioFile(name));
    const options = { withConfiguration: false, access: accessOf(name) };
    const twin = await twinOf(scenario, scenario.accounts[0]!.clusters[0]!, options);
    const rehearsal = rehearsable({ ...twin, input: anonymised(twin.input) }, scenario);
    const [account] = rehearsal.accounts;
    const [cluster] = account!.clusters;
    const target = { account: account!.id, region: cluster!.region, cluster: cluster!.name };
    const seen = await seenIn(rehearsal, { target, ...request });
    expect(withoutNames(seen)).toEqual(withoutNames(await originalOf(row)));
  },
);
