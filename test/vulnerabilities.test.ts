/**
 * Tests the check for known vulnerabilities, and that every workflow on GitHub is safe to run: pinned actions,
 * read-only tokens, no untrusted text in a shell.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { type Accepted, acceptedIn, type Finding, findingsIn, problemsOf } from '../scripts/vulnerabilities.ts';

const ROOT = join(import.meta.dirname, '..');
const read = (file: string): string => readFileSync(join(ROOT, file), 'utf8');
const manifest = JSON.parse(read('package.json')) as {
  scripts: Record<string, string>;
  devDependencies: Record<string, string>;
};
const node = JSON.parse(read('tools/node/package.json')) as { optionalDependencies: Record<string, string> };

const TODAY = '2026-03-02';
const ID = 'GHSA-2234-5679-cfgh';
const advisory = (change: object = {}): object => ({
  source: 1_100_001,
  name: 'left-pad',
  title: 'It pads to the right',
  url: `https://github.com/advisories/${ID}`,
  severity: 'high',
  range: '<1.3.1',
  ...change,
});
const reportOf = (...via: unknown[]): string =>
  JSON.stringify({
    auditReportVersion: 2,
    vulnerabilities: { 'left-pad': { via }, needs: { via: ['left-pad'] } },
    metadata: {},
  });
const finding = (change: Partial<Finding> = {}): Finding => ({
  id: ID,
  package: 'left-pad',
  severity: 'high',
  title: 'It pads to the right',
  range: '<1.3.1',
  ...change,
});
const acceptance = (change: Partial<Accepted> = {}): Accepted => ({
  id: ID,
  package: 'left-pad',
  reason: 'It is called with texts of our own alone.',
  until: '2026-04-01',
  ...change,
});

describe('a report of npm audit', () => {
  it('has each advisory once, the worst first', () => {
    const mild = advisory({ url: 'https://example.com', source: 7, severity: 'low' });
    expect(findingsIn(reportOf(mild, advisory(), advisory()))).toEqual([
      finding(),
      finding({ id: '7', severity: 'low' }),
    ]);
    expect(findingsIn(reportOf())).toEqual([]);
  });

  it.each([
    ['nothing', ''],
    ['no JSON', 'npm error code E404'],
    ["npm's error", JSON.stringify({ message: 'request to https://registry/-/npm/v1/security failed', error: {} })],
    ['a report of npm 6', JSON.stringify({ advisories: {}, auditReportVersion: 1, vulnerabilities: {} })],
    ['an unknown severity', reportOf(advisory({ severity: 'dire' }))],
  ])('that is %s is not treated as clean', (_, answer) =>
    expect(() => findingsIn(answer)).toThrow(/returned no report.*Use a registry/s),
  );
});

describe('a finding', () => {
  it.each([
    ['critical', 1],
    ['high', 1],
    ['moderate', 1],
    ['low', 0],
    ['info', 0],
  ] as const)('of severity %s is %i problem', (severity, problems) =>
    expect(problemsOf([finding({ severity })], [], TODAY)).toHaveLength(problems),
  );

  it('is accepted by its id and its package, until a date', () => {
    const judged = (change: Partial<Accepted>): string =>
      problemsOf([finding()], [acceptance(change)], TODAY).join('\n');
    expect([judged({}), judged({ until: TODAY })]).toEqual(['', '']);
    expect(judged({ until: '2026-03-01' })).toMatch(/ended on 2026-03-01/);
    expect(judged({ until: '2026-06-02' })).toMatch(/maximum of 90 days/);
    expect(judged({ package: 'right-pad' })).toMatch(/Update it.*\n.*Remove the entry/s);
    expect(problemsOf([], [acceptance()], TODAY).join()).toMatch(/no package has this finding any more/);
  });

  it.each<[string, object]>([
    ['without a reason', { reason: '' }],
    ['for ever', { until: 'never' }],
    ['of no advisory', { id: 'CVE-2026-1' }],
    ['with an unknown field', { severity: 'low' }],
  ])('is not accepted %s', (_, change) =>
    expect(() => acceptedIn(JSON.stringify({ accepted: [{ ...acceptance(), ...change }] }))).toThrow(
      /vulnerabilities\.json is invalid: accepted\.0/,
    ),
  );

  it('that is accepted here has all of these fields', () =>
    expect(() => acceptedIn(read('vulnerabilities.json'))).not.toThrow());
});

interface Step {
  uses?: string;
  run?: string;
  with?: Record<string, unknown>;
}
interface Job {
  'runs-on': string;
  'timeout-minutes'?: number;
  permissions?: unknown;
  strategy?: { matrix: Record<string, unknown[]> };
  steps: Step[];
}
interface Workflow {
  on: Record<string, unknown>;
  permissions?: Record<string, string>;
  jobs: Record<string, Job>;
}
/** The jobs with write permissions, each with all of its permissions. */
const WRITING_JOBS: Record<string, object> = { 'release.yml draft': { contents: 'write' } };
const WORKFLOWS = '.github/workflows';
const files = readdirSync(join(ROOT, WORKFLOWS));
const workflowOf = (file: string): Workflow => parse(read(join(WORKFLOWS, file))) as Workflow;
const stepsOf = ({ jobs }: Workflow): Step[] => Object.values(jobs).flatMap(({ steps }) => steps);

describe.each(files)('the workflow %s', (file) => {
  const workflow = workflowOf(file);

  it('pins each action to a commit, and names its version', () => {
    const uses = stepsOf(workflow).flatMap(({ uses: one }) => one ?? []);
    expect(uses.length).toBeGreaterThan(0);
    expect(uses.filter((one) => !/^[\w-]+\/[\w./-]+@[0-9a-f]{40}$/.test(one))).toEqual([]);
    const lines = read(join(WORKFLOWS, file))
      .split('\n')
      .filter((line) => line.includes('uses:'));
    expect(lines.filter((line) => !/@[0-9a-f]{40} # v\d+\.\d+\.\d+$/.test(line))).toEqual([]);
  });

  it('has a read-only token, except in the listed jobs', () => {
    expect(workflow.permissions).toEqual({ contents: 'read' });
    const own = Object.entries(workflow.jobs).filter(([, { permissions }]) => permissions !== undefined);
    expect(own.map(([job, { permissions }]) => [`${file} ${job}`, permissions])).toEqual(
      Object.entries(WRITING_JOBS).filter(([job]) => job.startsWith(`${file} `)),
    );
    // Code of a pull request never runs with the repository's permissions.
    expect(Object.keys(workflow.on)).not.toContain('pull_request_target');
    expect(
      stepsOf(workflow).filter(
        ({ uses, with: given }) => uses?.startsWith('actions/checkout@') && given?.['persist-credentials'] !== false,
      ),
    ).toEqual([]);
    expect(read(join(WORKFLOWS, file))).not.toMatch(/\bsecrets\b/);
  });

  it('runs no code of the project or of a package in a job with write permissions', () => {
    const writing = Object.entries(workflow.jobs).filter(([job]) => Object.hasOwn(WRITING_JOBS, `${file} ${job}`));
    const steps = writing.flatMap(([, job]) => job.steps);
    expect(steps.filter(({ uses }) => uses !== undefined && !uses.startsWith('actions/download-artifact@'))).toEqual(
      [],
    );
    expect(steps.filter(({ run }) => run !== undefined && !run.startsWith('gh release create '))).toEqual([]);
  });

  it('runs scripts that exist, and puts no untrusted text into a shell', () => {
    const runs = stepsOf(workflow).flatMap(({ run }) => run ?? []);
    const scripts = runs.flatMap((run) => /\bnpm run (?:--silent )?([\w:-]+)/.exec(run)?.[1] ?? []);
    expect(scripts.length).toBeGreaterThan(0);
    expect(scripts.filter((script) => !Object.hasOwn(manifest.scripts, script))).toEqual([]);
    expect(runs.filter((run) => run.includes('${{'))).toEqual([]);
  });

  it('names the runner of each job by its version, and bounds its time', () => {
    const jobs = Object.values(workflow.jobs);
    expect(jobs.filter((job) => !/^[a-z]+-[\d.]+$/.test(job['runs-on']))).toEqual([]);
    expect(jobs.filter((job) => job['timeout-minutes'] === undefined)).toEqual([]);
  });
});

describe('the workflows', () => {
  it('contain every job with write permissions', () =>
    expect(files.flatMap((file) => Object.keys(workflowOf(file).jobs).map((job) => `${file} ${job}`))).toEqual(
      expect.arrayContaining(Object.keys(WRITING_JOBS)),
    ));

  it('run all checks on Linux with each supported Node, and only command line and package on macOS', () => {
    const { linux, macos, package: packed } = workflowOf('ci.yml').jobs;
    const matrix = { node: [20, 22, 24, 26] };
    expect([linux, packed]).toMatchObject([{ strategy: { matrix } }, { strategy: { matrix } }]);
    expect(packed!.steps.map(({ run }) => run)).toContain('npm pack');
    expect(linux!.steps.map(({ run }) => run)).toContain('bash .ci/run');
    expect(macos!.steps.flatMap(({ run }) => run ?? [])).toEqual([
      'npm ci --no-audit --no-fund',
      'npm run demo',
      'npm test -- test/cli',
      'npm run test:processes -- test/package.process.test.ts',
    ]);
  });

  it('draft a release only after all checks, and publish nothing', () => {
    expect(workflowOf('release.yml').jobs['draft']).toMatchObject({ needs: 'checks' });
    const runs = stepsOf(workflowOf('release.yml')).flatMap(({ run }) => run ?? []);
    expect(runs).toEqual(expect.arrayContaining(['npm audit signatures', 'npm run vulnerabilities', 'bash .ci/run']));
    expect(runs.filter((run) => run.startsWith('gh ') && !run.includes(' --draft '))).toEqual([]);
    expect(runs.filter((run) => run.includes('npm publish'))).toEqual([]);
  });
});

describe('known vulnerabilities', () => {
  const workflow = workflowOf('dependencies.yml');

  it('are checked on each pull request, on main, and each week', () => {
    expect(workflow.on).toMatchObject({ push: { branches: ['main'] }, schedule: [{ cron: '17 5 * * 1' }] });
    expect(Object.keys(workflow.on)).toContain('pull_request');
  });

  it('are checked in the lockfile before any of it runs, together with signatures', () =>
    expect(stepsOf(workflow).flatMap(({ run }) => run ?? [])).toEqual([
      'npm ci --ignore-scripts --no-audit --no-fund',
      'npm audit signatures',
      'npm run vulnerabilities',
    ]));

  it('are checked with the Node that runs the project', () => {
    const [used] = stepsOf(workflow).flatMap(({ with: given }) => given?.['node-version'] ?? []);
    expect(Object.values(node.optionalDependencies)).toEqual([used, used]);
    expect(read('.node-version').trim()).toBe(used);
    const exact = files.flatMap((file) =>
      stepsOf(workflowOf(file)).flatMap(({ with: given }) => given?.['node-version'] ?? []),
    );
    expect(new Set(exact.filter((one) => one !== '${{ matrix.node }}'))).toEqual(new Set([used]));
  });
});

describe('Dependabot', () => {
  interface Update {
    'package-ecosystem': string;
    directory: string;
    'versioning-strategy'?: string;
    groups: Record<string, { patterns?: string[] }>;
    ignore?: { 'dependency-name': string }[];
  }
  const { version, updates } = parse(read('.github/dependabot.yml')) as { version: number; updates: Update[] };
  const npm = updates.find((one) => one['package-ecosystem'] === 'npm')!;

  it('updates packages and actions', () => {
    expect([version, updates.map((one) => one['package-ecosystem']).sort()]).toEqual([2, ['github-actions', 'npm']]);
    expect(updates.map(({ directory }) => directory)).toEqual(['/', '/']);
  });

  it('keeps versions exact, except for the one that Step Functions names', () =>
    expect([npm['versioning-strategy'], npm.ignore]).toEqual(['increase', [{ 'dependency-name': 'jsonata' }]]));

  it('groups existing packages', () => {
    const names = Object.keys(manifest.devDependencies);
    const patterns = Object.values(npm.groups).flatMap(({ patterns: own = [] }) => own);
    const fits = (pattern: string, name: string): boolean =>
      pattern.endsWith('/*') ? name.startsWith(pattern.slice(0, -1)) : name === pattern;
    expect(patterns.length).toBeGreaterThan(3);
    expect(patterns.filter((pattern) => !names.some((name) => fits(pattern, name)))).toEqual([]);
  });
});
