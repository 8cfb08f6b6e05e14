/** Plays an input with both interpreters, and compares the histories of all executions. */
import type { ChildExecution } from '../../sandbox/states/child-execution.ts';
import type { Difference } from '../reasons.ts';
import { carryOutInput, OWN, scenarioOfInput } from './carry-out.ts';
import { compareHistories, differencesOf } from './compare.ts';
import { nothingVisited, visit, type Visited } from './coverage.ts';
import { fromSandbox, type PlainEvent } from './events.ts';
import { type Input, titleOf } from './inputs.ts';
import { MotoWorld } from './moto-world.ts';
import type { Peer } from './peer.ts';

/** What one input has shown. */
export interface Played {
  seed: number;
  title: string;
  executions: number;
  events: number;
  /** How the executions ended, by status. */
  ends: Record<string, number>;
  /** Attempts after the first, in moto's histories. */
  retries: number;
  /** Tasks that failed or timed out, in moto's histories. */
  failures: number;
  differences: (Difference & { execution: string })[];
  /** What moto went through, by the name of the state machine. */
  visited: Record<string, { executions: number; states: string[]; transitions: string[] }>;
  seconds: { sandbox: number; moto: number };
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

const timed = async <Value>(work: () => Promise<Value>): Promise<[value: Value, seconds: number]> => {
  const started = performance.now();
  return [await work(), (performance.now() - started) / 1000];
};

export const play = async (input: Input, peer: Peer): Promise<Played> => {
  const scenario = await scenarioOfInput(input);
  const [own, sandboxSeconds] = await timed(() => carryOutInput(input, scenario, OWN));
  const moto = new MotoWorld(peer);
  const [others, motoSeconds] = await timed(() =>
    carryOutInput(input, scenario, { interpret: moto.interpret, clock: { paced: peer.outside } }),
  );
  const [problem] = moto.problems;
  if (problem !== undefined) throw problem;
  const visited = new Map<string, Visited>();
  const ends: Record<string, number> = {};
  for (const execution of others) {
    const machine = machineOf(execution);
    const so = visited.get(machine) ?? nothingVisited();
    visited.set(machine, so);
    visit(so, moto.histories.get(execution.arn) ?? []);
    ends[execution.status] = (ends[execution.status] ?? 0) + 1;
  }
  const histories = [...moto.histories.values()];
  const events = histories.flat();
  return {
    seed: input.seed,
    title: titleOf(input),
    executions: others.length,
    events: events.length,
    ends,
    retries: countOf(events, 'TaskScheduled') - countOf(events, 'TaskStateEntered'),
    failures: countOf(events, 'TaskFailed', 'TaskTimedOut'),
    differences: compareExecutions(own, others, moto.histories),
    visited: Object.fromEntries(
      [...visited].map(([name, { executions, states, transitions }]) => [
        name,
        { executions, states: [...states], transitions: [...transitions] },
      ]),
    ),
    seconds: { sandbox: sandboxSeconds, moto: motoSeconds },
  };
};
