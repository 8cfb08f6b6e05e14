/**
 * Which event each event names as its predecessor, as AWS does: localstack/localstack, tests/aws/services/stepfunctions,
 * snapshots that were recorded from AWS.
 */
import { describe, expect, test } from 'vitest';
import { openBench } from './fixture.ts';

/** Returns the history as `id < predecessor type`. */
const historyOf = async (definition: Record<string, unknown>, input: object = {}): Promise<string[]> => {
  const execution = await openBench(definition).run(input);
  return execution.history.events.map(({ id, previousEventId, type }) => `${id} < ${previousEventId} ${type}`);
};

const pass = (output: unknown): Record<string, unknown> => ({
  StartAt: 'Do',
  States: { Do: { Type: 'Pass', Output: output, End: true } },
});
const mapOf = (processor: object): Record<string, unknown> => ({
  StartAt: 'Each',
  States: { Each: { Type: 'Map', Items: [1], ItemProcessor: processor, End: true } },
});

describe('the predecessor', () => {
  test('of what follows a Map is its last iteration, and not its success', async () =>
    expect(await historyOf(mapOf(pass('done')))).toEqual([
      '1 < 0 ExecutionStarted',
      '2 < 0 MapStateEntered',
      '3 < 2 MapStateStarted',
      '4 < 3 MapIterationStarted',
      '5 < 4 PassStateEntered',
      '6 < 5 PassStateExited',
      '7 < 6 MapIterationSucceeded',
      '8 < 7 MapStateSucceeded',
      '9 < 7 MapStateExited',
      '10 < 9 ExecutionSucceeded',
    ]));

  test('of the failure of a Map is what failed, and not the failed iteration', async () => {
    const failing = { StartAt: 'Stop', States: { Stop: { Type: 'Fail', Error: 'Broken' } } };
    expect((await historyOf(mapOf(failing))).slice(3)).toEqual([
      '4 < 3 MapIterationStarted',
      '5 < 4 FailStateEntered',
      '6 < 5 MapIterationFailed',
      '7 < 5 MapStateFailed',
      '8 < 7 ExecutionFailed',
    ]);
  });

  test('of an expression that fails in a state is what was before the state', async () => {
    const states = {
      First: { Type: 'Pass', Next: 'Second' },
      Second: { Type: 'Pass', Output: '{% $states.input.missing %}', End: true },
    };
    expect((await historyOf({ StartAt: 'First', States: states })).slice(1)).toEqual([
      '2 < 0 PassStateEntered',
      '3 < 2 PassStateExited',
      '4 < 3 PassStateEntered',
      '5 < 3 EvaluationFailed',
      '6 < 5 ExecutionFailed',
    ]);
  });

  test('of a stop is none', async () => {
    const bench = openBench({ StartAt: 'Wait', States: { Wait: { Type: 'Wait', Seconds: 60, End: true } } });
    await bench.clock.spawn(async () => {
      const execution = bench.executions.start(bench.executions.stateMachines()[0]!.arn);
      await bench.clock.sleep(1000);
      execution.stop();
      expect(execution.history.events.at(-1)).toMatchObject({ id: 3, previousEventId: 0, type: 'ExecutionAborted' });
      expect(execution.history.events.at(-1)).toHaveProperty('executionAbortedEventDetails', {});
    });
  });
});
