/** Prints runs while they are carried out, and their results. */
import { duration } from '../../../cli/text/duration.ts';
import { type Style } from '../../../cli/text/style.ts';
import { table } from '../../../cli/print/table.ts';
import { openDifferences, type Results, type RunResult, sentenceOf, standingOf, totalsOf } from './results.ts';

/** `12 of 68` and so on, before a line about a run. */
export const placeOf = (index: number, count: number): string =>
  `[${String(index + 1).padStart(String(count).length)}/${count}]`;

interface Row {
  run: string;
  act: string;
  outcome: string;
  seconds: string;
  result: string;
}

const rowsOf = ({ run, seconds, notHeld, failure, acts }: RunResult): Row[] => [
  ...acts.map((act, index) => ({
    run: index === 0 ? run : '',
    act: act.title,
    outcome: act.outcome,
    seconds: index === 0 ? seconds.toFixed(1) : '',
    result: standingOf(act),
  })),
  ...(notHeld === undefined ? [] : [{ run, act: notHeld, outcome: '', seconds: '', result: 'not run' }]),
  ...(failure === undefined
    ? []
    : [
        {
          run: acts.length === 0 ? run : '',
          act: failure,
          outcome: '',
          seconds: seconds.toFixed(1),
          result: 'failed',
        },
      ]),
];

/** Returns one line for a run that has ended. */
export const runLine = ({ run, seconds, notHeld, failure, acts }: RunResult): string => {
  if (notHeld !== undefined) return `${run}: not run, because ${notHeld}`;
  const standings = acts.map(standingOf);
  const count = (which: string): number => standings.filter((one) => one === which).length;
  const parts = (['equal', 'accepted', 'different'] as const).filter((one) => count(one) > 0);
  const ends = [...parts.map((one) => `${count(one)} ${one}`), ...(failure === undefined ? [] : ['not finished'])];
  return `${run}: ${ends.join(', ')}, ${duration(seconds * 1000)}`;
};

/** Returns the sentences of a run's differences that are not accepted, and of its failure. */
export const problemsOf = ({ run, failure, acts }: RunResult): string[] => [
  ...acts.flatMap(({ title, differences }) =>
    differences.filter(({ reason }) => reason === undefined).map((one) => sentenceOf(run, title, one)),
  ),
  ...(failure === undefined ? [] : [`${run}: the run could not be finished: ${failure}`]),
];

const verb = (count: number, one: string, many: string): string => `${count} ${count === 1 ? one : many}`;

/** Returns how all runs ended, in one line. */
export const totalsLine = (results: Results): string => {
  const { runs, notHeld, failed, acts, facts, equal, accepted, different } = totalsOf(results);
  return [
    `Kubernetes ${results.kubernetes}: ${verb(acts, 'act', 'acts')} of ${verb(runs - notHeld, 'run', 'runs')} compared in ${verb(facts, 'fact', 'facts')}: ${equal} equal, ${accepted} with accepted differences, ${different} different`,
    ...(failed > 0 ? [`${verb(failed, 'run', 'runs')} not finished`] : []),
    ...(notHeld > 0 ? [`${verb(notHeld, 'scenario', 'scenarios')} not run`] : []),
    duration(results.seconds * 1000),
  ].join('; ');
};

/** Returns the table of all acts, or with `brief` only of what is not equal. */
export const resultLines = (results: Results, style: Style, brief: boolean): string[] => {
  const rows = results.runs.flatMap(rowsOf).filter(({ result }) => !brief || result !== 'equal');
  const unused = results.unusedReasons.map((one) => `The reason for this difference explained nothing: ${one}`);
  return [
    ...(rows.length === 0
      ? []
      : table(
          rows,
          [
            { title: 'RUN', value: ({ run }) => run, whole: true },
            { title: 'ACT', value: ({ act }) => act },
            { title: 'OUTCOME', value: ({ outcome }) => outcome },
            { title: 'SECONDS', value: ({ seconds }) => seconds, align: 'right' },
            { title: 'RESULT', value: ({ result }) => result, whole: true },
          ],
          style,
          '',
        )),
    ...unused,
    totalsLine(results),
  ];
};

/** Returns what to do next. `plant`: the defect that was planted in the sandbox. */
export const nextLine = (results: readonly Results[], casesPassed: boolean, plant?: string): string => {
  if (plant !== undefined)
    return casesPassed
      ? `The cases did not find the defect ${plant}. Add a case that does to conformance/kubernetes/cases.`
      : `The cases found the defect ${plant}, as they must. Nothing to do.`;
  const [first] = results.flatMap(({ runs }) => runs).filter((run) => problemsOf(run).length > 0);
  if (first)
    return `Mend the sandbox, or add the reason to conformance/kubernetes/scenarios/reasons.ts. To repeat one run: npm run conformance -- kubernetes --scenario '${first.run}'`;
  if (results.some((one) => openDifferences(one) > 0))
    return 'Delete reasons that explain nothing from conformance/kubernetes/scenarios/reasons.ts.';
  if (!casesPassed)
    return 'Mend the sandbox, or add the reason to conformance/kubernetes/cases/reasons.ts. To repeat: npm run conformance -- kubernetes --cases';
  return 'Nothing to do: each difference has its reason. To write kept results into the documentation: npm run conformance -- document';
};
