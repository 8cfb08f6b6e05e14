/** Plays an input with both interpreters, and compares the histories of all executions. */
import type { ChildExecution } from '../../sandbox/states/child-execution.ts';
import type { Difference } from '../reasons.ts';
import { carryOutInput, OWN, scenarioOfInput } from './carry-out.ts';
import { compareHistories, differencesOf } from './compare.ts';
import { type Graph, graphsOf, visit, type Visits } from './coverage.ts';
import { fromSandbox, type PlainEvent } from './events.ts';
import { type Input, titleOf } from './inputs.ts';
import { MotoWorld } from './moto-world.ts';
import type { Peer } from './peer.ts';

/** What one input has shown. */
export interface Played {
  title: string;
  /** The definitions' graphs. */
  graphs: Graph[];
  /** How many executions ended in each way. */
  ends: Record<string, number>;
  counts: { executions: number; events: number; retries: number; failures: number; evaluations: number };
  differences: (Difference & { execution: string })[];
  /** What moto went through, and which expressions it evaluated. */
  visits: Visits;
  expressions: ReadonlySet<string>;
}

/** Returns the name of an execution's state machine without what the deployment adds. */
export const machineOf = ({ machine: { name } }: Pick<ChildExecution, 'machine'>): string =>
  name.replace(/^.*?-(\w+?)StateMachine\w*/, '$1');

const countOf = (history: readonly PlainEvent[], ...types: string[]): number =>
  history.filter(({ type }) => types.includes(type)).length;

const endOf = ({ status, error, cause, output }: ChildExecution): object => ({ status, error, cause, output });

const compareExecutions = (
  own: readonly ChildExecution[],
  others: readonly ChildExecution[],
  histories: MotoWorld['histories'],
): Played['differences'] => {
  const found = new Map(others.map((execution) => [execution.arn, execution]));
  const differences = own.flatMap((execution): Played['differences'] => {
    const other = found.get(execution.arn);
    found.delete(execution.arn);
    const named = (some: readonly Difference[]): Played['differences'] =>
      some.map((one) => ({ ...one, execution: machineOf(execution) }));
    const history = other && histories.get(other.arn);
    if (!other || !history)
      return named([{ what: 'execution', sandbox: execution.arn, real: other ? 'without a history' : 'absent' }]);
    return named([
      ...differencesOf('end', endOf(execution), endOf(other)),
      ...compareHistories(execution.history.events.map(fromSandbox), history),
    ]);
  });
  const more = [...found.values()].map((other) => ({
    what: 'execution',
    sandbox: 'absent',
    real: other.arn,
    execution: machineOf(other),
  }));
  return [...differences, ...more];
};

const textOf = (problem: unknown): Error => (problem instanceof Error ? problem : new Error(String(problem)));

/** Plays an input with both interpreters. Throws what went wrong outside of the language. */
export const play = async (input: Input, peer: Peer): Promise<Played> => {
  const scenario = await scenarioOfInput(input);
  const own = await carryOutInput(input, scenario, OWN);
  const moto = new MotoWorld(peer);
  const { executions } = await carryOutInput(input, scenario, {
    interpret: moto.interpret,
    clock: { paced: peer.outside },
  });
  const [problem] = moto.problems;
  if (problem !== undefined) throw textOf(problem);
  const visits: Visits = {};
  const ends: Record<string, number> = {};
  for (const execution of executions) {
    visit(visits, machineOf(execution), moto.histories.get(execution.arn) ?? []);
    const { error, status } = execution;
    const end = error === undefined ? status : `${status} ${error}`;
    ends[end] = (ends[end] ?? 0) + 1;
  }
  const events = [...moto.histories.values()].flat();
  return {
    title: titleOf(input),
    graphs: own.machines.flatMap((machine) => graphsOf(machineOf({ machine }), machine.parsed)),
    ends,
    counts: {
      executions: executions.length,
      events: events.length,
      retries: countOf(events, 'TaskScheduled') - countOf(events, 'TaskStateEntered'),
      failures: countOf(events, 'TaskFailed', 'TaskTimedOut'),
      evaluations: moto.evaluations,
    },
    differences: compareExecutions(own.executions, executions, moto.histories),
    visits,
    expressions: moto.expressions,
  };
};
