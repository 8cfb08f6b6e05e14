/**
 * Somebody else who does something to what a migration works on: each kind of it at each place of a run, on the road, on
 * the way back and while a person runs the commands of a hand-off.
 */
import { positionOf, type SeenCall } from './exhaustive.ts';
import { scenarioNamed } from './scenarios.ts';
import { ACTS, type ActorSpec, type FaultSpec, PERSONS, PHASES, type RunSpec } from './spec.ts';

type Act = ActorSpec['does'];

const OF_ACCOUNTS: ReadonlySet<Act> = new Set(['annotate', 'delete-account', 'recreate-account']);
const OF_BOTH: ReadonlySet<Act> = new Set(['associate', 'dissociate', 'repoint', 'change-trust']);

/** What can be done to what that scenario migrates. */
export const actsFor = (scenario: string): Act[] => {
  const isOfAccount = scenarioNamed(scenario).requests[0]?.serviceAccount !== undefined;
  return ACTS.filter((act) => OF_BOTH.has(act) || OF_ACCOUNTS.has(act) === isOfAccount);
};

/** The first call of each place and the last one: what is done between two like ones is found, or not, by the same look. */
export const locationsOf = (calls: readonly SeenCall[]): SeenCall[] => {
  const positions = Map.groupBy(calls, positionOf);
  return calls.filter((call) => {
    const alike = positions.get(positionOf(call));
    return call === alike?.[0] || call === alike?.at(-1);
  });
};

/** EKS shows a delete at once: for what it does not show yet nobody answers. */
const AT_ONCE: Pick<RunSpec, 'knobs'> = { knobs: { deleteStaleSeconds: 0 } };
const knobsFor = (does: Act): Pick<RunSpec, 'knobs'> => (does === 'delete' || does === 'replace' ? AT_ONCE : {});

/** Each kind of doing at each of these calls, in a run that is otherwise this one. */
export const interferencesAt = (run: RunSpec, calls: readonly SeenCall[]): RunSpec[] =>
  calls.flatMap(({ n }) =>
    actsFor(run.scenario).map((does): RunSpec => ({ ...run, ...knobsFor(does), actor: { afterCall: n, does } })),
  );

/** The way back fails with its first look: a person is needed, wherever the road has led by then. */
const NO_ROLLBACK: readonly FaultSpec[] = [
  { kind: 'access-denied', call: 1, step: 'assess-rollback', operation: 'DescribeAddon', persists: true },
  {
    kind: 'access-denied',
    call: 1,
    step: 'restore-associations',
    operation: 'ListPodIdentityAssociations',
    persists: true,
  },
];

/**
 * For a failure of the road: each kind of doing while a person is at the hand-off, and each kind of person. `all`: each
 * with each; otherwise the persons take turns.
 */
export const handOffInterferences = ({ faults, ...failure }: RunSpec, all: boolean): RunSpec[] => {
  const handedOff: RunSpec = { ...failure, faults: [...faults, ...NO_ROLLBACK] };
  const runs = PHASES.flatMap((afterCall) =>
    actsFor(failure.scenario).map((does): RunSpec => ({ ...handedOff, actor: { afterCall, does } })),
  );
  return [
    ...PERSONS.map((person): RunSpec => ({ ...handedOff, person })),
    ...runs.flatMap((run, index) =>
      PERSONS.filter((_, turn) => all || turn === index % PERSONS.length).map((person): RunSpec => ({
        ...run,
        person,
      })),
    ),
  ];
};
