/** Moves from state to state. The folder `states/` implements each type of state. */
import type { ChildExecution } from './child-execution.ts';
import type { State, StateSet } from './definition.ts';
import { Interrupted } from './failure.ts';
import { type Outcome, type Scope, Visit } from './scope.ts';
import { runChoice } from './states/choice.ts';
import { runFail } from './states/fail.ts';
import { runMap } from './states/map.ts';
import { runParallel } from './states/parallel.ts';
import { runPass } from './states/pass.ts';
import { runSucceed } from './states/succeed.ts';
import { runTask } from './states/task.ts';
import { runWait } from './states/wait.ts';

const runState = (state: State, visit: Visit): Promise<Outcome> => {
  switch (state.Type) {
    case 'Pass':
      return runPass(state, visit);
    case 'Task':
      return runTask(state, visit);
    case 'Choice':
      return runChoice(state, visit);
    case 'Wait':
      return runWait(state, visit);
    case 'Map':
      return runMap(state, visit);
    case 'Parallel':
      return runParallel(state, visit);
    case 'Succeed':
      return runSucceed(state, visit);
    case 'Fail':
      return runFail(state, visit);
  }
};

/** Types of state whose history records cancellation. */
const ABORTABLE = new Set<State['Type']>(['Task', 'Wait', 'Map', 'Parallel']);

const exited = (name: string, { output, assigned }: Outcome) => ({
  stateExitedEventDetails: {
    name,
    output: JSON.stringify(output),
    outputDetails: { truncated: false },
    ...(Object.keys(assigned).length === 0
      ? {}
      : {
          assignedVariables: Object.fromEntries(
            Object.entries(assigned).map(([variable, value]) => [variable, JSON.stringify(value)]),
          ),
          assignedVariablesDetails: { truncated: false },
        }),
  },
});

/**
 * Runs states from the first to a final one and returns its output. Throws StateFailure if a state fails and nothing
 * catches it, and Interrupted on cancellation.
 */
export const runStates = async (states: StateSet, scope: Scope, input: unknown): Promise<unknown> => {
  let name: string | undefined = states.StartAt;
  let current = input;
  while (name !== undefined) {
    const state: State | undefined = states.States[name];
    if (!state) throw new Error(`The state ${name} does not exist.`);
    // A loop that never waits must still be stoppable.
    if (scope.cancellation.cancelled) throw new Interrupted('Cancelled.');
    const visit = new Visit(scope, name, state.Type, current);
    let outcome: Outcome;
    try {
      outcome = await runState(state, visit);
    } catch (error) {
      if (error instanceof Interrupted && ABORTABLE.has(state.Type)) scope.add(`${state.Type}StateAborted`);
      throw error;
    }
    scope.add(`${state.Type}StateExited`, exited(name, outcome));
    scope.assign(outcome.assigned);
    name = outcome.next;
    current = outcome.output;
  }
  return current;
};

/**
 * Runs an execution from its start, and returns its output. Throws StateFailure if it fails, and Interrupted once it has
 * ended in another way.
 */
export type Interpret = (execution: ChildExecution, scope: Scope, input: unknown) => Promise<unknown>;

export const interpretStates: Interpret = ({ machine }, scope, input) => runStates(machine.parsed, scope, input);
