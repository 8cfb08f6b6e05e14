/**
 * Lists third-party changes to what a migration works on: each act at each position of a run, in the workflow, in the
 * rollback and while a person runs the restore commands.
 */
import { positionOf, type SeenCall } from './exhaustive.ts';
import { scenarioNamed } from './scenarios.ts';
import { ACTS, type ActorSpec, type FaultSpec, PERSONS, PHASES, type RunSpec } from './spec.ts';

type Act = ActorSpec['does'];

const OF_ACCOUNTS: ReadonlySet<Act> = new Set(['annotate', 'delete-account', 'recreate-account']);
const OF_BOTH: ReadonlySet<Act> = new Set(['associate', 'dissociate', 'repoint', 'change-trust']);

/** Returns the acts that apply to what the scenario migrates. */
export const actsFor = (scenario: string): Act[] => {
  const isOfAccount = scenarioNamed(scenario).requests[0]?.serviceAccount !== undefined;
  return ACTS.filter((act) => OF_BOTH.has(act) || OF_ACCOUNTS.has(act) === isOfAccount);
};

/**
 * Returns the first and the last call of each position: the same read detects, or misses, every act between two equal
 * calls.
 */
export const locationsOf = (calls: readonly SeenCall[]): SeenCall[] => {
  const positions = Map.groupBy(calls, positionOf);
  return calls.filter((call) => {
    const alike = positions.get(positionOf(call));
    return call === alike?.[0] || call === alike?.at(-1);
  });
};

/** EKS shows a delete at once: the service is not responsible for what EKS does not show yet. */
const AT_ONCE: Pick<RunSpec, 'knobs'> = { knobs: { deleteStaleSeconds: 0 } };
const knobsFor = (does: Act): Pick<RunSpec, 'knobs'> => (does === 'delete' || does === 'replace' ? AT_ONCE : {});

/** Returns each act at each of these calls, in a run that is otherwise the given one. */
export const interferencesAt = (run: RunSpec, calls: readonly SeenCall[]): RunSpec[] =>
  calls.flatMap(({ n }) =>
    actsFor(run.scenario).map((does): RunSpec => ({ ...run, ...knobsFor(does), actor: { afterCall: n, does } })),
  );

/** The rollback fails at its first read, so that a person is needed after any step of the workflow. */
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
 * Returns, for a failure of the workflow, each act during the restore commands and each kind of person. With `all`, each act is
 * combined with each person; otherwise the persons alternate.
 */
export const restoreCommandsInterferences = ({ faults, ...failure }: RunSpec, all: boolean): RunSpec[] => {
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
