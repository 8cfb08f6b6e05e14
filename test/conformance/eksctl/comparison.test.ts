/** What is run, what is kept of it, and what docs/comparison.md shows. */
import { describe, expect, it } from 'vitest';
import { scenarioNames } from '../../../cli/scenarios.ts';
import { readOrder, USAGE } from '../../../conformance/eksctl/arguments.ts';
import { ArgumentError, UsageRequest } from '../../../conformance/flags.ts';
import { assumedBy } from '../../../conformance/eksctl/assumed.ts';
import { brokenPromises, REASONS } from '../../../conformance/eksctl/lost-roles.ts';
import { classified, OWN_CLASSES, PEER_CLASSES } from '../../../conformance/eksctl/classes.ts';
import { contentsOf } from '../../../conformance/eksctl/document.ts';
import { changesFrom, type Compared, readKept } from '../../../conformance/eksctl/kept.ts';
import { withRun } from '../../../conformance/eksctl/migrate.ts';
import { errorsOf } from '../../../conformance/eksctl/peer-run.ts';
import { subjectsOf } from '../../../conformance/eksctl/requests.ts';
import { requestWords } from '../../../conformance/eksctl/result-texts.ts';
import { PUBLISHED } from '../../../conformance/kubernetes/scenarios/published.ts';
import { Explainer } from '../../../conformance/reasons.ts';
import { knobs } from '../../../sandbox/knobs/knobs.ts';

describe('the arguments', () => {
  const known = ['ebs-csi-irsa', 'efs-csi-irsa'];

  it('select both halves, one of them, or scenarios', () => {
    const all = { get: true, migrate: true, only: [], brief: false, keep: false, whole: true };
    expect([readOrder([], known), readOrder(['--get', '--migrate'], known)]).toEqual([all, all]);
    expect(readOrder(['--get'], known)).toEqual({ ...all, migrate: false, whole: false });
    const kept = { ...all, get: false, keep: true, only: ['ebs-csi-irsa'], whole: false };
    expect(readOrder(['--migrate', '--keep', '--only', 'ebs-csi-irsa'], known)).toEqual(kept);
    expect(() => readOrder(['--help'], known)).toThrow(UsageRequest);
  });

  it.each([
    [['--all'], USAGE.split('\n').at(-1)],
    [['--only', 'ebs-csi-irs'], 'Similar names: ebs-csi-irsa, efs-csi-irsa'],
    [['--only', 'zzz'], 'Use one of: ebs-csi-irsa, efs-csi-irsa'],
    [['--get', '--keep'], USAGE.split('\n').at(-1)],
  ])('refuse %j, and say what to do', (args, last) => {
    const read = () => readOrder(args, known);
    expect(read).toThrow(ArgumentError);
    expect(read).toThrow(last);
  });
});

describe('the requests', () => {
  it('exist for every published scenario, and begin with the plain one', () => {
    const all = scenarioNames().map((scenario) => ({ scenario, subjects: subjectsOf(scenario, PUBLISHED) }));
    expect(all.filter(({ subjects }) => subjects.length === 0)).toEqual([]);
    for (const { requests } of all.flatMap(({ subjects }) => subjects))
      expect(Object.keys(requests[0] ?? {})).toHaveLength(1);
  });

  it('have the options of the scenario, without a strategy and without a weaker verification', () => {
    const addon = 'aws-efs-csi-driver';
    const requests = [{}, { accept: ['identity-loss:efs-csi-node-sa'] }].map((options) => ({ addon, ...options }));
    expect(subjectsOf('efs-csi-irsa', PUBLISHED)).toEqual([{ name: addon, requests }]);
    expect(subjectsOf('old-sdk-crashes', PUBLISHED)[0]?.requests).toHaveLength(1);
    expect(subjectsOf('api-only', PUBLISHED)[0]?.requests[1]).toMatchObject({ verification: 'api' });
  });

  it('are shown with what blocked them', () => {
    const one = { subject: 'ebs', options: [], outcome: 'blocked', because: ['agent'], seconds: 1 } as const;
    const two = { ...one, options: ['agent install'], outcome: 'migrated', because: [] } as const;
    const shown = (...all: readonly (typeof one | typeof two)[]): string =>
      requestWords(all.map((each) => ({ ...each, options: [...each.options], because: [...each.because] })));
    expect(shown(one, two)).toBe('blocked (agent), then migrated with agent install');
    const ofBoth = shown(one, { ...two, subject: 'efs' } as never);
    expect(ofBoth).toBe('ebs: blocked (agent); efs: migrated with agent install');
  });
});

it('the errors of eksctl are without times, ids, addresses and colors, each once', () => {
  const stdout =
    '2026-11-29 13:14:46 [ℹ]  updated trust policy\n\u001B[31m2026-11-29 13:14:46 [✖]  second\u001B[0m\n2026-11-29 13:14:46 [✖]  second\n';
  const stderr =
    'Error: first: 409, RequestID: 792983e3-4f12-41ef-935c-d3b2464230ca, Association already exists: a-hnq7luyc35r7bm93i at https://127.0.0.1:4000/x\n';
  expect(errorsOf({ stdout, stderr })).toEqual([
    'first: 409, Association already exists: ASSOCIATION at https://HOST/x',
    'second',
  ]);
});

describe('the settings that only the sandbox assumes', () => {
  it('are those that differ from a default without certainty, and no durations', () => {
    const durations = { podReadySeconds: 5, webhookLagSeconds: 5 };
    const given = knobs.parse({ podsKeepIdentityOnUpdate: true, ...durations, stuckDeleting: true });
    expect(assumedBy({ knobs: given })).toEqual(['podsKeepIdentityOnUpdate true']);
    expect(assumedBy({ knobs: knobs.parse({}) })).toEqual([]);
  });
});

const kept = readKept();
if (!kept) throw new Error('There are no kept results: npm run conformance -- eksctl --migrate --keep');
const resultOf = (name: string): Compared => {
  const found = kept.scenarios.find(({ scenario }) => scenario === name);
  if (!found) throw new Error(`There is no kept result of ${name}.`);
  return structuredClone(found);
};

describe('the kept results', () => {
  it('are of every published scenario', () =>
    expect(kept.scenarios.map(({ scenario }) => scenario)).toEqual(scenarioNames()));

  it('have no unsupported call, and no migration that reports success without a reason to pods without a role', () => {
    const explainer = new Explainer(REASONS);
    expect(kept.scenarios.flatMap(({ eksctl }) => eksctl.unsupported)).toEqual([]);
    const broken = kept.scenarios.flatMap(brokenPromises).map((one) => explainer.explain(one.where, one));
    expect([broken.filter(({ reason }) => reason === undefined), explainer.unused()]).toEqual([[], []]);
  });

  it('differ from a run in which anything but a duration is different', () => {
    const one = resultOf('ebs-csi-irsa');
    const slower = { ...one, eksctl: { ...one.eksctl, seconds: 100, settledSeconds: undefined } };
    expect(changesFrom(kept.scenarios, [one, slower])).toEqual([]);
    const changed = { ...one, eksctl: { ...one.eksctl, exitCode: 0, errors: [] } };
    const changes = changesFrom(kept.scenarios, [changed]).map(({ what }) => what);
    expect(changes).toEqual(['eksctl: exit code', 'eksctl: errors']);
    const lost = structuredClone(one);
    lost.own.ends.counts = { 'no-role': 2 };
    expect(changesFrom(kept.scenarios, [lost]).map(({ what }) => what)).toEqual(['own: pods']);
    expect(brokenPromises(lost)).toMatchObject([{ where: 'ebs-csi-irsa', sandbox: 'migrated' }]);
    expect(changesFrom([], [one])).toMatchObject([{ what: 'the scenario', kept: 'no results' }]);
  });

  it('are replaced by those of a run, which may be of some scenarios', () => {
    const one = { ...resultOf('in-place'), assumed: ['x'] };
    const some = withRun(kept, [one], false, '2027-01-02');
    expect(some.date).toBe(kept.date);
    expect(some.scenarios).toHaveLength(kept.scenarios.length);
    expect(some.scenarios.find(({ scenario }) => scenario === 'in-place')).toBe(one);
    expect(withRun(kept, [one], true, '2027-01-02')).toMatchObject({ date: '2027-01-02', scenarios: [one] });
  });

  it('are each in one class', () => {
    for (const classes of [
      classified(PEER_CLASSES, kept.scenarios, ({ eksctl }) => eksctl),
      classified(OWN_CLASSES, kept.scenarios, ({ own }) => own),
    ])
      expect(classes.flatMap(({ members }) => members)).toHaveLength(kept.scenarios.length);
  });

  it('mark scenarios with assumed settings', () => {
    const marked = kept.scenarios.filter(({ assumed }) => assumed.length > 0);
    expect(marked.length).toBeGreaterThan(0);
    const { scenarios = '', assumed = '' } = contentsOf(kept);
    for (const { scenario } of marked) {
      expect(scenarios).toContain(`| \`${scenario}\` \\* |`);
      expect(assumed).toContain(`\`${scenario}\``);
    }
  });
});
