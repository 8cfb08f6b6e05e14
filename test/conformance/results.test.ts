/** What is printed about runs, and the document that is written from kept results. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { PLAIN } from '../../cli/text/style.ts';
import { acceptedTable, DOCUMENTS, partText, withResults } from '../../conformance/document.ts';
import { contentsOf, keptResults } from '../../conformance/kubernetes/document.ts';
import {
  nextLine,
  placeOf,
  problemsOf,
  resultLines,
  runLine,
  totalsLine,
} from '../../conformance/kubernetes/scenarios/print.ts';
import {
  type ActResult,
  type Results,
  type RunResult,
  keepResults,
} from '../../conformance/kubernetes/scenarios/results.ts';

const DIFFERENCE = { what: 'check webhook', sandbox: 'pass', real: 'warn' };
const ACCEPTED = { ...DIFFERENCE, reason: 'The real cluster has one more webhook.' };
const act = (title: string, differences: ActResult['differences'] = []): ActResult => ({
  title,
  outcome: 'migrated',
  worldSeconds: { sandbox: 100.4, real: 101 },
  facts: 50,
  differences,
});
const run = (name: string, given: Partial<RunResult> = {}): RunResult => ({
  run: name,
  scenario: name,
  seconds: 12.3,
  acts: [],
  ...given,
});
const results = (...runs: RunResult[]): Results => ({ kubernetes: 'v1.35.4', seconds: 95, runs, unusedReasons: [] });

const MIXED = results(
  run('ebs', { acts: [act('in-place'), act('recreate', [ACCEPTED]), act('auto', [ACCEPTED, DIFFERENCE])] }),
  run('fargate', { notHeld: "Fargate's scheduler is AWS's own", seconds: 0 }),
  run('efs', { failure: 'The API server did not start.', details: 'kwok: a log' }),
);
const EQUAL = results(run('ebs', { acts: [act('in-place')] }));

describe('what is printed', () => {
  it('has one line for each run', () => {
    expect(MIXED.runs.map(runLine)).toEqual([
      'ebs: 1 equal, 1 accepted, 1 different, 12 s',
      "fargate: not run, because Fargate's scheduler is AWS's own",
      'efs: not finished, 12 s',
    ]);
    expect([placeOf(0, 120), placeOf(119, 120)]).toEqual(['[  1/120]', '[120/120]']);
  });

  it('has a sentence for each difference without a reason, and for a failure', () =>
    expect(MIXED.runs.flatMap(problemsOf)).toEqual([
      'ebs, auto: check webhook: sandbox pass, real warn',
      'efs: the run could not be finished: The API server did not start.',
    ]));

  it('has a table of all acts, or of those that are not equal', () => {
    expect(resultLines(MIXED, PLAIN, false)).toEqual([
      'RUN      ACT                               OUTCOME   SECONDS  RESULT',
      'ebs      in-place                          migrated     12.3  equal',
      '         recreate                          migrated           accepted',
      '         auto                              migrated           different',
      "fargate  Fargate's scheduler is AWS's own                     not run",
      'efs      The API server did not start.                  12.3  failed',
      totalsLine(MIXED),
    ]);
    expect(resultLines(EQUAL, PLAIN, true)).toEqual([totalsLine(EQUAL)]);
    expect(totalsLine(MIXED)).toBe(
      'Kubernetes v1.35.4: 3 acts of 2 runs compared in 150 facts: 1 equal, 1 with accepted differences, 1 different; 1 run not finished; 1 scenario not run; 1 min 35 s',
    );
  });

  it.each<[string, Results[], boolean, string | undefined, RegExp]>([
    ['a difference', [EQUAL, MIXED], true, undefined, /^Mend the sandbox, or add the reason .* --scenario 'ebs'$/],
    ['a useless reason', [{ ...EQUAL, unusedReasons: ['x'] }], true, undefined, /^Delete reasons that explain nothing/],
    ['a different case', [EQUAL], false, undefined, /kubernetes --cases$/],
    ['nothing', [EQUAL], true, undefined, /^Nothing to do: each difference has its reason\./],
    ['a defect that was found', [], false, 'rollout-order', /^The cases found the defect rollout-order/],
    ['a defect that was not found', [], true, 'order', /^The cases did not find the defect order\. Add/],
  ])('ends with what to do next: %s', (_, all, casesPassed, plant, text) =>
    expect(nextLine(all, casesPassed, plant)).toMatch(text),
  );
});

describe('kept results', () => {
  const cases = [{ name: 'x', shows: 'X.', facts: 1, verdict: 'equal' as const, differences: [] }];

  it('are replaced by what was run, without the details of failures', () => {
    const folder = mkdtempSync(join(tmpdir(), 'results-'));
    try {
      const file = join(folder, 'a', 'kubernetes.json');
      const kept = (): unknown => JSON.parse(readFileSync(file, 'utf8'));
      keepResults(file, { kubernetes: 'v1.35.4', cases }, new Date('2026-01-05T08:00:00Z'));
      const none = { seconds: 0, unusedReasons: [], runs: [] };
      expect(kept()).toEqual({ kubernetes: 'v1.35.4', date: '2026-01-05', ...none, cases });
      keepResults(file, MIXED);
      expect(kept()).toMatchObject({ seconds: 95, cases, runs: [{ run: 'ebs' }, { run: 'fargate' }, { run: 'efs' }] });
      expect(readFileSync(file, 'utf8')).not.toContain('a log');
      keepResults(file, { kubernetes: 'v1.35.4', cases: [] });
      expect(kept()).toMatchObject({ seconds: 95, cases: [] });
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});

const MARKS = ['totals', 'accepted', 'cases', 'not-run', 'runs'];
const between = (mark: string) => `<!-- ${mark}: made by conformance/document.ts -->\n\n<!-- ${mark}: end -->`;
const EMPTY = MARKS.map(between).join('\n');

describe('the document', () => {
  it('has the results between its marks', () => {
    const differences = [{ fact: 'order', reason: 'By chance.' }];
    const rollout = { name: 'rollout', shows: 'The order of a rollout.', facts: 7, differences };
    const cases = [{ ...rollout, verdict: 'accepted' as const }];
    const shown = (...all: Results[]): string => withResults(EMPTY, { file: 'x.md', contents: () => contentsOf(all) });
    const text = shown({ ...MIXED, cases }, { ...EQUAL, kubernetes: 'v1.30.4' });
    expect(text).toContain(`- ${totalsLine(MIXED)}.`);
    expect(text).toContain('| check webhook | ebs | The real cluster has one more webhook. |');
    expect(text).toContain('| order | rollout | By chance. |');
    expect(text).toContain('| rollout | The order of a rollout. | 7 | accepted, not run |');
    expect(text).toContain("| fargate | Fargate's scheduler is AWS's own |");
    expect(text).toContain('| v1.30.4, world time: sandbox, real | took | compared |');
    expect(text).toContain('| ebs | in-place | migrated | 100 s, 101 s | 12 s | equal | 100 s, 101 s | 12 s | equal |');
    expect(text).toContain('|  | recreate | migrated | 100 s, 101 s |  | accepted |  |  |  |');
    expect(text).toContain('| efs | not finished |  |  |  | different |  |  |  |');
    expect(shown(EQUAL)).not.toContain('1.30.4');
  });

  it.each(DOCUMENTS)('$file shows the results that are kept', (document) => {
    const text = readFileSync(document.file, 'utf8');
    expect(withResults(text, document), 'npm run conformance -- document').toBe(text);
  });

  it('is about results in which each difference has its reason', () => {
    for (const kept of keptResults()) {
      expect([kept.runs.flatMap(problemsOf), kept.unusedReasons]).toEqual([[], []]);
    }
  });

  it('has each reason once, with examples', () => {
    const examples = ['a', 'b', 'c', 'd'].map((where) => ({ where, what: 'x', sandbox: '1', real: '2' }));
    const rows = acceptedTable([{ reason: 'R.', times: 1200, examples }]).split('\n');
    expect(rows.at(-1)).toBe('| x | a; b; c and 1 more | 1,200 | R. |');
    expect(acceptedTable([])).toBe('No difference is accepted.');
    const notRun = [{ what: 'the SDK for Rust', why: 'No reason.' }];
    const part = { part: 'pods', date: '2026-01-05', programs: {}, seconds: 1, counts: {}, accepted: [], notRun };
    expect(partText(part)).toContain('| the SDK for Rust | No reason. |');
  });
});
