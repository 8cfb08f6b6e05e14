/** The maximum length of a history, compared with the histories that the sandbox writes. */
import { describe, expect, test } from 'vitest';
import { parseDefinition } from '../../../../sandbox/states/parse-definition.ts';
import { type Bounds, worstHistory } from '../../../../sandbox/states/validation/worst-history.ts';
import { allow, fail, functionArn, invoke, MACHINE, openBench, ROLE, roleOf, waitForToken } from '../fixture.ts';
import { DISTRIBUTED, mapOf, type States, task } from './fixture.ts';

const worst = (states: States, bounds: Bounds = { loops: [] }) =>
  worstHistory(
    parseDefinition('machine', { QueryLanguage: 'JSONata', StartAt: Object.keys(states)[0], States: states }),
    bounds,
  );
const pass = (next: string): Record<string, unknown> => ({ Type: 'Pass', Next: next });
const choice = (...targets: string[]): Record<string, unknown> => ({
  Type: 'Choice',
  Choices: targets.slice(1).map((Next) => ({ Condition: true, Next })),
  Default: targets[0],
});
const END = { Type: 'Succeed' };
const visitsOf = (states: States, bounds?: Bounds) =>
  Object.fromEntries(worst(states, bounds).rows.map(({ state, visits }) => [state, visits]));

describe('a visit', () => {
  const roles = [
    roleOf(ROLE, allow('lambda:InvokeFunction', functionArn('*')), allow('states:StartExecution', MACHINE)),
  ];
  const handlers = { it: () => 1, bad: () => fail('E', 'bad') };
  const caught = { Catch: [{ ErrorEquals: ['States.ALL'], Next: 'B' }], Next: 'B' };

  test.each<[string, States]>([
    ['Pass', { A: { Type: 'Pass', End: true } }],
    ['Succeed', { A: END }],
    ['Fail', { A: { Type: 'Fail' } }],
    ['Wait', { A: { Type: 'Wait', Seconds: 1, End: true } }],
    ['Choice', { A: choice('B', 'B'), B: END }],
    ['Task', { A: invoke('it', { End: true }) }],
    ['Task that waits', { A: waitForToken('it', { TimeoutSeconds: 5, ...caught }), B: END }],
    [
      'Task that is retried until it fails',
      { A: invoke('bad', { Retry: [{ ErrorEquals: ['E'], MaxAttempts: 4 }], ...caught }), B: END },
    ],
    ['distributed Map', { A: mapOf({ I: END }, { End: true }, DISTRIBUTED) }],
  ])('of a %s is counted as its events are written', async (_, states) => {
    const bench = openBench({ StartAt: 'A', States: states }, { handlers, roles });
    expect(worst(states).events).toBe((await bench.run()).history.events.length);
  });

  test('of an inline Map or a Parallel is not supported', () =>
    expect(() => worst({ A: mapOf({ I: END }, { End: true }) })).toThrow(/does not count/));
});

describe('a walk', () => {
  test('is the longest of all', () => {
    const states: States = {
      A: choice('B', 'C'),
      B: END,
      C: pass('D'),
      D: task({
        Retry: [{ ErrorEquals: ['E'], MaxAttempts: 2 }],
        Catch: [{ ErrorEquals: ['States.ALL'], Next: 'F' }],
        Next: 'B',
      }),
      F: { Type: 'Fail' },
    };
    expect(visitsOf(states)).toEqual({ A: 1, C: 1, D: 1, B: 1 });
    expect(worst(states).events).toBe(2 + 2 + 2 + (2 + 3 * 3) + 2);
  });

  test('repeats a loop up to its bound', () => {
    const states: States = { A: pass('B'), B: choice('C', 'D'), C: pass('B'), D: END };
    expect(visitsOf(states, { loops: [{ state: 'C', visits: 5 }] })).toEqual({ A: 1, B: 6, C: 5, D: 1 });
    expect(visitsOf(states, { loops: [{ state: 'B', visits: 5 }] })).toEqual({ A: 1, B: 5, C: 4, D: 1 });
    expect(visitsOf(states, { loops: [{ state: 'C', visits: 0 }] })).toEqual({ A: 1, B: 1, D: 1 });
  });

  test('repeats a loop of a single state', () => {
    const states: States = { A: choice('A', 'B'), B: END };
    expect(visitsOf(states, { loops: [{ state: 'A', visits: 7 }] })).toEqual({ A: 7, B: 1 });
  });

  test('repeats an inner loop in each round of the outer one', () => {
    const states: States = {
      A: pass('B'),
      B: choice('C', 'D'),
      C: pass('B'),
      D: choice('E', 'F'),
      E: pass('A'),
      F: END,
    };
    const loops = [
      { state: 'E', visits: 2 },
      { state: 'C', visits: 3, within: 'E' },
    ];
    expect(visitsOf(states, { loops })).toEqual({ A: 3, B: 12, C: 9, D: 3, E: 2, F: 1 });
    // The order of their declaration does not matter.
    expect(visitsOf(states, { loops: loops.toReversed() })).toEqual(visitsOf(states, { loops }));
  });

  test('does not multiply the rounds of two loops that are within the same one', () => {
    const states: States = {
      A: pass('B'),
      B: choice('C', 'D', 'E'),
      C: pass('B'),
      D: pass('B'),
      E: choice('A', 'F'),
      F: END,
    };
    const loops = [
      { state: 'E', visits: 2 },
      { state: 'C', visits: 3, within: 'E' },
      { state: 'D', visits: 4, within: 'E' },
    ];
    expect(visitsOf(states, { loops })).toEqual({ A: 2, B: 16, C: 6, D: 8, E: 2, F: 1 });
    expect(visitsOf(states, { loops: loops.toReversed() })).toEqual(visitsOf(states, { loops }));
  });

  test('takes the longest path in each round, and the longest exit', () => {
    const states: States = { A: choice('B', 'C', 'Z'), B: pass('A'), C: pass('D'), D: pass('A'), Z: END };
    expect(visitsOf(states, { loops: [{ state: 'A', visits: 4 }] })).toEqual({ A: 4, C: 3, D: 3, Z: 1 });
  });

  test('counts retries for the whole execution if they are bounded that way', () => {
    const states: States = {
      A: task({
        Retry: [
          { ErrorEquals: ['E'], MaxAttempts: 100 },
          { ErrorEquals: ['F'], MaxAttempts: 1 },
        ],
        Next: 'B',
      }),
      B: choice('A', 'C'),
      C: END,
    };
    const loops = [{ state: 'A', visits: 10 }];
    expect(worst(states, { loops }).events).toBe(2 + 10 * (2 + 3 * 102) + 10 * 2 + 2);
    const retries = [{ state: 'A', error: 'E', retries: 150 }];
    expect(worst(states, { loops, retries }).events).toBe(2 + 10 * (2 + 3 * 2) + 150 * 3 + 10 * 2 + 2);
    expect(worst(states, { loops, retries: [{ state: 'A', retries: 5 }] }).events).toBe(
      2 + 10 * 5 + 5 * 3 + 10 * 2 + 2,
    );
  });
});

describe('a detour', () => {
  const states: States = {
    A: task({
      Catch: [
        { ErrorEquals: ['Noted'], Next: 'W' },
        { ErrorEquals: ['Late'], Next: 'P' },
      ],
      Next: 'Z',
    }),
    P: task({ Next: 'W' }),
    W: { Type: 'Wait', Seconds: 1, Next: 'R' },
    R: choice('A', 'A'),
    Z: END,
  };

  test('counts with all of its states, wherever it is entered, and the state that is entered again', () => {
    const { events, detours, rows } = worst(states, { loops: [], detours: [{ states: ['P', 'W', 'R'], passages: 4 }] });
    expect(rows.map(({ state }) => state)).toEqual(['A', 'Z']);
    expect(detours).toMatchObject([{ eventsOfEach: 5 + 2 + 2 + 5, events: 4 * 14 }]);
    expect(events).toBe(2 + 5 + 2 + 4 * 14);
  });

  test('is a loop without a bound where one of its states is left out', () =>
    expect(() => worst(states, { loops: [], detours: [{ states: ['P'], passages: 4 }] })).toThrow(
      /The states A, W, R/,
    ));

  test('is refused if no state leads to it', () =>
    expect(() => worst({ A: END }, { loops: [], detours: [{ states: ['X'], passages: 4 }] })).toThrow(
      'A detour is declared through X, but no state leads there.',
    ));
});

describe('refuses', () => {
  const loop: States = { A: pass('B'), B: choice('A', 'C'), C: END };

  test('a loop without a bound', () => {
    expect(() => worst(loop)).toThrow('The states A, B form a loop without a declared bound.');
    const two: States = { ...loop, C: choice('D', 'E'), D: pass('C'), E: END };
    expect(() => worst(two, { loops: [{ state: 'A', visits: 2 }] })).toThrow(/The states C, D form a loop/);
  });

  test('an inner loop without a bound', () => {
    const states: States = { A: pass('B'), B: choice('B', 'A', 'C'), C: END };
    expect(() => worst(states, { loops: [{ state: 'A', visits: 2 }] })).toThrow(/The states B form a loop/);
  });

  test('bounds of something that does not exist', () => {
    expect(() => worst(loop, { loops: [{ state: 'X', visits: 2 }] })).toThrow(
      'the loop through X, which does not exist',
    );
    const loops = [{ state: 'A', visits: 2 }];
    expect(() => worst(loop, { loops, retries: [{ state: 'A', retries: 2 }] })).toThrow('which has no such retriers');
  });
});
