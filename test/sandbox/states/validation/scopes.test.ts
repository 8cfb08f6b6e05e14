/** Variables and states that CreateStateMachine accepts or refuses. */
import { describe, expect, test } from 'vitest';
import { diagnosticsOf, DISTRIBUTED, found, mapOf, passWith, type States, task } from './fixture.ts';
import { containing } from '../../../lambdas/matchers.ts';

const assigns = (names: string[], more: Record<string, unknown>): Record<string, unknown> => ({
  Type: 'Pass',
  Assign: Object.fromEntries(names.map((name) => [name, 1])),
  ...more,
});
const branch = (states: States): object => ({ StartAt: Object.keys(states)[0], States: states });

describe('an inner scope', () => {
  const within: [string, (inner: States) => Record<string, unknown>, string][] = [
    ['a Map', (inner) => mapOf(inner, { End: true }), '/States/It/ItemProcessor'],
    ['a distributed Map', (inner) => mapOf(inner, { End: true }, DISTRIBUTED), '/States/It/ItemProcessor'],
    ['a Parallel', (inner) => ({ Type: 'Parallel', Branches: [branch(inner)], End: true }), '/States/It/Branches[0]'],
  ];

  test.each(within)('of %s must not assign variables of the outer scope', (_, it, at) => {
    const states = (name: string): States => ({
      A: assigns(['x'], { Next: 'It' }),
      It: it({ I: assigns([name], { End: true }) }),
    });
    expect(diagnosticsOf(states('x'))).toEqual([
      {
        severity: 'ERROR',
        code: 'DUPLICATE_VARIABLE_NAME',
        message:
          "The variable 'x' is also assigned in an outer scope, at /States/A/Assign/x, so an inner scope must not assign it. Use another name here",
        location: `${at}/States/I/Assign/x`,
      },
    ]);
    expect(diagnosticsOf(states('y'))).toEqual([]);
  });

  test.each(within)('of %s must not do so at any position or depth', (_, it, at) => {
    const caught = {
      I: task({ Catch: [{ ErrorEquals: ['States.ALL'], Assign: { failure: 1 }, Next: 'J' }], Next: 'J' }),
      J: { Type: 'Succeed' },
    };
    const states: States = {
      It: { ...it({ M: mapOf(caught, { End: true }) }), End: undefined, Next: 'C' },
      C: { Type: 'Choice', Choices: [{ Condition: true, Assign: { failure: 1 }, Next: 'Z' }], Default: 'Z' },
      Z: { Type: 'Succeed' },
    };
    expect(found(JSON.parse(JSON.stringify(states)) as States)).toEqual([
      `DUPLICATE_VARIABLE_NAME at ${at}/States/M/ItemProcessor/States/I/Catch[0]/Assign/failure`,
    ]);
  });

  test('may use the same names as a sibling scope', () => {
    const branches = ['I', 'J'].map((name) => branch({ [name]: assigns(['x'], { End: true }) }));
    expect(found({ P: { Type: 'Parallel', Branches: branches, End: true } })).toEqual([]);
  });

  test('of a Catch is the outer one', () => {
    const states: States = {
      It: mapOf(passWith(1), { Catch: [{ ErrorEquals: ['States.ALL'], Assign: { x: 1 }, Next: 'Z' }], Next: 'Z' }),
      Z: assigns(['x'], { End: true }),
    };
    expect(found(states)).toEqual([]);
  });
});

describe('a variable that is read', () => {
  const reading = (name: string): States => passWith(`{% $${name} %}`);
  const POSSIBLY = 'POSSIBLY_UNDEFINED_VARIABLE at';

  test('must be assigned in its scope, or in an outer one', () => {
    const states = (inner: string): States => ({
      A: assigns(['x'], { Next: 'It' }),
      It: mapOf(reading(inner), { End: true }),
    });
    expect(found(states('x'))).toEqual([]);
    expect(diagnosticsOf(states('y'))).toMatchObject([
      { severity: 'WARNING', message: containing("Variable 'y' is possibly not defined.") },
    ]);
  });

  test('must not belong to another scope: an inner or sibling one', () => {
    const inner = { I: assigns(['x'], { End: true }) };
    expect(found({ It: mapOf(inner, { Next: 'E' }), ...reading('x') })).toEqual([`${POSSIBLY} /States/E/Output`]);
    expect(found({ P: { Type: 'Parallel', Branches: [branch(inner), branch(reading('x'))], End: true } })).toEqual([
      `${POSSIBLY} /States/P/Branches[1]/States/E/Output`,
    ]);
  });

  test('cannot be read by the children of a distributed Map', () => {
    const states: States = {
      A: assigns(['x'], { Next: 'It' }),
      It: mapOf(reading('x'), { ItemSelector: '{% $x %}', End: true }, DISTRIBUTED),
    };
    expect(diagnosticsOf(states)).toMatchObject([
      {
        severity: 'WARNING',
        location: '/States/It/ItemProcessor/States/E/Output',
        message: containing('It is assigned at /States/A/Assign/x, outside of a distributed Map'),
      },
    ]);
  });

  test.each([
    ['($y := 1; $y)', []],
    ['($y := $x; $y)', ['x']],
    ['($y; $y := 1)', ['y']],
    ['[($y := 1; $y), $y]', ['y']],
    ['$map([1], function($y) { $y + $x })', ['x']],
    ['($f := function($n) { $n = 0 ? 0 : $f($n - 1) }; $f(3))', []],
    ['$states.input.a@$y.$y', []],
    ['$states.input.a#$y.$y', []],
    ['$map([1], $string)', []],
    ['$nothing(1)', ['nothing']],
    ['$states.input.a[$y = b]', ['y']],
    ['$states.input.a^($y)', ['y']],
    ["{'k': $y}", ['y']],
    ['$x[$y].b', ['x', 'y']],
    ["'$x'", []],
  ])('is found in %s', (expression, names) =>
    expect(
      diagnosticsOf(passWith(`{% ${expression} %}`))
        .map(({ message }) => /'(\w+)'/.exec(message)![1]!)
        .sort(),
    ).toEqual(names),
  );
});

describe('names', () => {
  test.each(['x', 'é', '変数', 'a_1', 'x'.repeat(80)])('of a variable may be %s', (name) =>
    expect(found({ A: assigns([name], { End: true }) })).toEqual([]),
  );

  test.each(['states', '1x', 'x.y', 'x[2]', '', '_x', 'x'.repeat(81)])('of a variable may not be "%s"', (name) =>
    expect(found({ A: assigns([name], { End: true }) })).toEqual([
      `SCHEMA_VALIDATION_FAILED at /States/A/Assign/${name}`,
    ]),
  );

  test('of a variable that hide functions are a warning', () =>
    expect(diagnosticsOf({ A: assigns(['round', 'uuid'], { End: true }) })).toMatchObject([
      { severity: 'WARNING', code: 'HIDES_FUNCTION_HERE', location: '/States/A/Assign/round' },
      { severity: 'WARNING', code: 'HIDES_FUNCTION_HERE', location: '/States/A/Assign/uuid' },
    ]));

  test('of states must be unique in the whole state machine', () => {
    expect(found({ A: { ...mapOf({ A: { Type: 'Succeed' } }, { End: true }) } })).toEqual([
      'DUPLICATE_STATE_NAME at /States/A/ItemProcessor/States/A',
    ]);
    const branches = ['I', 'I'].map((name) => branch({ [name]: { Type: 'Succeed' } }));
    expect(found({ P: { Type: 'Parallel', Branches: branches, End: true } })).toEqual([
      'DUPLICATE_STATE_NAME at /States/P/Branches[1]/States/I',
    ]);
  });
});

describe('transitions', () => {
  test('must lead to an end', () => {
    const loop: States = { A: { Type: 'Pass', Next: 'B' }, B: { Type: 'Pass', Next: 'A' } };
    expect(diagnosticsOf(loop)).toEqual([
      { severity: 'ERROR', code: 'MISSING_END_STATE', message: 'Workflow has no terminal state' },
    ]);
    // Like AWS, unreachable states are then not reported, and inner levels need no end.
    expect(found({ ...loop, Unused: { Type: 'Pass', Next: 'A' } })).toEqual(['MISSING_END_STATE']);
    expect(found({ M: mapOf(loop, { End: true }) })).toEqual([]);
  });

  test('must reach every state, at each level', () => {
    const unreached: States = { W: { Type: 'Succeed' }, 'a/b': { Type: 'Succeed' } };
    expect(diagnosticsOf(unreached)).toMatchObject([
      { message: 'State "a/b" is not reachable.', location: '/States/a/b' },
    ]);
    expect(found({ M: mapOf(unreached, { End: true }) })).toEqual([
      'MISSING_TRANSITION_TARGET at /States/M/ItemProcessor/States/a/b',
    ]);
    expect(found({ P: { Type: 'Parallel', Branches: [branch(unreached)], End: true } })).toEqual([
      'MISSING_TRANSITION_TARGET at /States/P/Branches[0]/States/a/b',
    ]);
  });

  test('include those of a Catch, a rule and a default', () => {
    const states: States = {
      A: task({ Catch: [{ ErrorEquals: ['States.ALL'], Next: 'B' }], Next: 'C' }),
      B: { Type: 'Fail' },
      C: { Type: 'Choice', Choices: [{ Condition: true, Next: 'D' }], Default: 'E' },
      D: { Type: 'Succeed' },
      E: { Type: 'Succeed' },
    };
    expect(found(states)).toEqual([]);
  });
});

describe('States.ALL', () => {
  const end = { Z: { Type: 'Succeed' } };
  const all = { ErrorEquals: ['States.ALL'] };
  const other = { ErrorEquals: ['E'] };
  const both = { ErrorEquals: ['E', 'States.ALL'] };
  const catchers = (...entries: object[]): object => ({ Catch: entries.map((entry) => ({ ...entry, Next: 'Z' })) });

  test.each([
    [{ Retry: [other, all] }, []],
    [catchers(other, all), []],
    [{ Retry: [all, other] }, ['Retry[0]']],
    [{ Retry: [both] }, ['Retry[0]']],
    [catchers(all, other), ['Catch[0]']],
    [catchers(other, both), ['Catch[1]']],
  ])('must appear alone, and last: %j', (more, wrong) =>
    expect(found({ E: task({ ...more, Next: 'Z' }), ...end })).toEqual(
      wrong.map((field) => `SCHEMA_VALIDATION_FAILED at /States/E/${field}/ErrorEquals`),
    ),
  );
});
