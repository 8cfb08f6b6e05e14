/** Every state of a migration that calls something is entered again after what time may cure: see ADR 47 and 120. */
import jsonata from 'jsonata';
import { describe, expect, it } from 'vitest';
import { classOf, namesOfClass } from '../../lambdas/domain/failures/errors.ts';
import { notedPauseOf, PauseNoted } from '../../lambdas/domain/waiting/noted-pause.ts';
import { pausedErrors } from '../../lambdas/domain/waiting/paused-errors.ts';
import { MOST_PAUSES, waitsForOf } from '../../lambdas/domain/waiting/pause.ts';
import { splitPausing } from '../../lambdas/runtime/pausing.ts';
import { pauseSchema } from '../../lambdas/steps/pause/schema.ts';
import { type Branch, functionOf, type Machine, machines, migrateAddon, recover, type State } from './definition.ts';
import { words } from '../words.ts';
import { containing } from '../lambdas/matchers.ts';

const evaluate = (text: unknown, bindings: object): Promise<unknown> =>
  jsonata(String(text).slice(2, -2)).evaluate({}, bindings as Record<string, unknown>);

/** With the pauses, which the graph of a machine leaves out. */
const rawOf = (machine: Machine): Record<string, State> => machine.definition.States;
const pausing = machines.flatMap((machine) =>
  machine.tasks.map(([name]): [machine: Machine, name: string] => [machine, name]),
);
const pauseCatchOf = (machine: Machine, name: string): (Branch & { ErrorEquals: string[] }) | undefined =>
  rawOf(machine)[name]!.Catch!.find(({ Next }) => Next === 'Pause');
const errorOutput = { Error: 'Throttled', Cause: '{"errorMessage":"Rate exceeded"}' };
const pauseOf = async (machine: Machine, name: string): Promise<Record<string, unknown>> =>
  (await evaluate(pauseCatchOf(machine, name)!.Assign!.pause, { states: { errorOutput } })) as Record<string, unknown>;

const OURS = [
  ...namesOfClass('retryable'),
  ...namesOfClass('waiting').filter((error) => error !== 'WindowClosed' && error !== 'WindowFarOff'),
];
const OF_LAMBDA = words`
  Lambda.TooManyRequestsException Lambda.ServiceException Lambda.Unknown Sandbox.Timedout Runtime.ExitError Runtime.OutOfMemory
`;

describe('a state that calls a step', () => {
  it('exists: all of the change, of the rollback, and of the ends', () => expect(pausing.length).toBeGreaterThan(35));

  it.each(pausing)(
    '%#, of $name, %s, pauses for every error that time may cure, before it is caught',
    (machine, name) => {
      const [noted, first] = rawOf(machine)[name]!.Catch!;
      expect([noted!.ErrorEquals, noted!.Next]).toEqual([['PauseNoted'], 'WaitForPause']);
      expect(first!.Next).toBe('Pause');
      const isCallback = rawOf(machine)[name]!.Resource!.endsWith('.waitForTaskToken');
      expect(first!.ErrorEquals).toEqual(expect.arrayContaining([...OURS, ...OF_LAMBDA]));
      expect(first!.ErrorEquals.includes('States.Timeout')).toBe(!isCallback);
      for (const error of [
        'PauseNoted',
        'LockLost',
        'Cancelled',
        'BadInput',
        'AddonFailed',
        'PodsOnWrongIdentity',
        'States.ALL',
      ])
        expect(first!.ErrorEquals).not.toContain(error);
    },
  );

  it.each(pausing)('%#, of $name, %s, alone is named by its pause and entered again', async (machine, name) => {
    const pause = await pauseOf(machine, name);
    expect(pause).toMatchObject({ state: name, ...errorOutput });
    const { Choices } = rawOf(machine).WhereToResume!;
    const taken = [];
    for (const { Condition, Next } of Choices!) if (await evaluate(Condition, { pause, pauses: 1 })) taken.push(Next);
    expect([taken, await evaluate(pauseCatchOf(machine, name)!.Assign!.pauses, { pauses: 3 })]).toEqual([[name], 4]);
  });

  it.each(pausing)('%#, of $name, %s, gives its step what a pause is decided from', async (machine, name) => {
    const { Payload } = rawOf(machine)[name]!.Arguments!;
    const field =
      typeof Payload === 'string'
        ? `{% ${/'pausing': (\{[^}]*\})/.exec(Payload)![1]!} %}`
        : (Payload as { pausing: string }).pausing;
    const StartTime = '2026-01-05T09:00:00.000Z';
    const context = { Execution: { StartTime }, State: { RetryCount: 1 } };
    const event = { pausing: await evaluate(field, { pauses: 6, states: { context } }) };
    const { back } = await pauseOf(machine, name);
    const { pausing: given } = splitPausing(event);
    expect(given).toMatchObject({ state: name, back, pauses: 7, executionStartedAt: StartTime, retries: 1 });
    // The step pauses for the same errors as the state machine, apart from those of Lambda.
    const ofService = pauseCatchOf(machine, name)!.ErrorEquals.filter((error) => classOf(error) !== undefined);
    expect([...pausedErrors(given!), ...(given!.held ?? [])].toSorted()).toEqual(ofService.toSorted());
  });

  it('waits for a permission that it lacks during the rollback, and while pods follow their associations', () => {
    const waits = (machine: Machine): string[] =>
      machine.tasks.flatMap(([name]) =>
        pauseCatchOf(machine, name)!.ErrorEquals.includes('AccessDenied') ? [name] : [],
      );
    expect(waits(migrateAddon).sort()).toEqual(
      [
        ...migrateAddon.reachableFrom('RollBack'),
        'AwaitActive',
        'VerifyPods',
        'RestartPods',
        'ConfirmReady',
        'RecordBlocked',
        'RecordMigrated',
      ]
        .filter((name) => migrateAddon.states[name]!.Type === 'Task')
        .sort(),
    );
  });
});

describe.each(machines)('the pause of $name', (machine) => {
  const states = rawOf(machine);
  const { Pause, WaitForPause, WaitForLedger, WhereToResume, WhatEndsThePause } = states;

  it('calls the step pause, with all that it asks for', async () => {
    expect(String(functionOf(Pause!).Properties.Handler)).toBe('pause.handler');
    const bindings = {
      pause: { state: 'VerifyPods', phase: 'change', back: false, ...errorOutput },
      pauses: 2,
      states: {
        context: {
          Execution: { Input: { migrationId: '01JD8Z5Q6R7S8T9V0W1X2Y3Z4A' }, StartTime: '2026-01-05T09:00:00.000Z' },
        },
      },
    };
    const payload: Record<string, unknown> = {};
    for (const [field, text] of Object.entries(Pause!.Arguments!.Payload))
      payload[field] = await evaluate(text, bindings);
    expect(pauseSchema.input.parse(payload)).toEqual(payload);
  });

  it('waits as long as the failed step has noted, and some minutes if its message is not exactly that', async () => {
    const failure = new PauseNoted({ seconds: 42, error: 'AddonNotActive' });
    const { message } = failure;
    const secondsOf = (Cause: unknown): Promise<unknown> => {
      const { Assign } = states[machine.tasks[0]![0]]!.Catch![0]!;
      return evaluate(Assign!.pauseSeconds, { states: { errorOutput: { Error: 'PauseNoted', Cause } } });
    };
    const causeOf = (errorMessage: unknown, rest: object = { trace: [] }): string =>
      JSON.stringify({ errorType: 'PauseNoted', errorMessage, ...rest });
    for (const cause of [
      causeOf(message),
      causeOf(message, { trace: ['PauseNoted', '    at file:///var/task/index.mjs:1:1'] }),
      JSON.stringify({ errorMessage: message, errorType: 'PauseNoted' }),
      JSON.stringify({ errorType: 'PauseNoted', errorMessage: message }, undefined, 1),
    ])
      expect([await secondsOf(cause), notedPauseOf({ error: 'PauseNoted', cause })]).toEqual([
        42,
        { seconds: 42, error: 'AddonNotActive' },
      ]);
    const quoting = `EKS answered: ${message}`;
    for (const cause of [
      causeOf(quoting),
      causeOf(`${message}.`),
      causeOf(` ${message}`),
      causeOf(`${message}\n`),
      causeOf(JSON.stringify({ errorMessage: message })),
      causeOf(causeOf(message)),
      causeOf(`\\","errorMessage":"${message}`),
      causeOf(`"errorMessage":${JSON.stringify(message)}`),
      causeOf('It failed.', { trace: [message, causeOf(message)] }),
      causeOf({ seconds: 42, error: 'AddonNotActive' }),
      causeOf('{"seconds":0,"error":"AddonNotActive"}'),
      causeOf('{"seconds":-5,"error":"AddonNotActive"}'),
      causeOf('{"seconds":1e9,"error":"AddonNotActive"}'),
      causeOf('{"seconds":999999999,"error":"AddonNotActive"}'),
      causeOf('{"seconds":"42","error":"AddonNotActive"}'),
      causeOf('{"seconds":42}'),
      causeOf('{"seconds":42,"error":"Addon not active"}'),
      causeOf('{"error":"AddonNotActive","seconds":42}'),
      message,
      '',
      undefined,
    ])
      expect([await secondsOf(cause), notedPauseOf({ error: 'PauseNoted', cause })], `of ${cause}`).toEqual([
        300,
        undefined,
      ]);
    expect(notedPauseOf({ error: 'Throttled', cause: causeOf(message) })).toBe(undefined);
  });

  it('waits as long as that says, and some minutes where the ledger is away, and then goes on', async () => {
    expect(Pause).toMatchObject({
      Next: 'WaitForPause',
      Assign: { pauseSeconds: '{% $states.result.Payload.seconds %}' },
    });
    expect(WaitForPause).toMatchObject({ Seconds: '{% $pauseSeconds %}', Next: 'WhereToResume' });
    expect(WaitForLedger).toMatchObject({ Seconds: 300, Next: 'WhereToResume' });
    expect(Pause!.Catch!.map(({ ErrorEquals, Next }) => [ErrorEquals, Next])).toEqual([
      [['WaitedTooLong', ...namesOfClass('waiting')], 'WhatEndsThePause'],
      [['States.ALL'], 'WaitForLedger'],
    ]);
  });

  it('is counted, and ends after as many as a history has room for, even where no step can be called', async () => {
    expect(states.Start).toMatchObject({ Assign: { pauses: 0 } });
    expect(states[machine.definition.StartAt]).toBe(states.Start);
    const [most] = WhereToResume!.Choices!;
    expect(most!.Next).toBe('WhatEndsThePause');
    expect(await evaluate(most!.Condition, { pauses: MOST_PAUSES.all - 1 })).toBe(false);
    expect(await evaluate(most!.Condition, { pauses: MOST_PAUSES.all })).toBe(true);
    const gaveUp = await evaluate(most!.Assign!.gaveUp, { pause: { Error: 'Throttled', Cause: 'Rate exceeded' } });
    expect(gaveUp).toMatchObject({ Error: 'WaitedTooLong', Cause: containing('Rate exceeded') });
  });

  it('leads nowhere but to ends that its states lead to by themselves, so that no history is longer for it', () => {
    const own = new Set([...WhatEndsThePause!.Choices!.map(({ Next }) => Next), WhatEndsThePause!.Default!]);
    const caught = new Set(machine.edges.filter(({ onFailure }) => onFailure).map(({ to }) => to));
    expect([...own].filter((end) => !caught.has(end))).toEqual([]);
  });

  it('reads the variable pause nowhere else: what was waited out is not the failure of a later end', () => {
    for (const [name, state] of Object.entries(machine.states))
      expect(JSON.stringify(state), `in ${name}`).not.toMatch(/\$(pause|gaveUp|pauseSeconds)\b/);
  });
});

describe('where waiting ends', () => {
  const endOf = async (machine: Machine, name: string, Error: string): Promise<{ to: string; failure: unknown }> => {
    const pause = await pauseOf(machine, name);
    const gaveUp = { Error, Cause: 'It has waited.' };
    const failure = { Error: 'AddonFailed', Cause: 'EKS could not.' };
    const { Choices, Default, Assign } = rawOf(machine).WhatEndsThePause!;
    for (const { Condition, Next, Assign: assigns } of Choices!)
      if (await evaluate(Condition, { pause, gaveUp }))
        return { to: Next, failure: await evaluate(assigns!.failure, { gaveUp, failure }) };
    return { to: Default!, failure: await evaluate(Assign!.failure, { gaveUp, failure }) };
  };

  it.each([
    ['Plan', 'RecordBlocked'],
    ['RequestApproval', 'RecordBlocked'],
    ['Begin', 'RecordBlocked'],
    ['DeleteAddon', 'RecordNeedsHuman'],
    ['AwaitDeleted', 'RecordNeedsHuman'],
    ['VerifyPods', 'RecordNeedsHuman'],
    ['ConfirmReady', 'RecordMigrated'],
    ['AnnotateServiceAccount', 'RecordMigrated'],
    ['AssessRollback', 'RecordNeedsHuman'],
    ['RestoreByCreate', 'RecordNeedsHuman'],
    ['RecordBlocked', 'Blocked'],
    ['RecordMigrated', 'NeedsHuman'],
    ['RecordNeedsHuman', 'NeedsHuman'],
    ['RecordRolledBack', 'NeedsHuman'],
  ])('of %s is %s after it has waited too long: nothing goes back because of that', async (name, to) =>
    expect(await endOf(migrateAddon, name, 'WaitedTooLong')).toMatchObject({ to }),
  );

  it.each([
    ['CreateAddon', 'AssociationStillThere', 'RollBack'],
    ['UpdateAddon', 'TrustNotSeenYet', 'RollBack'],
    ['AwaitActive', 'AddonNotActive', 'RollBack'],
    ['ConfirmReady', 'AddonNotActive', 'RollBack'],
    ['RestoreByCreate', 'AssociationStillThere', 'RecordNeedsHuman'],
  ])('of %s by %s is %s: that is no matter of time', async (name, error, to) => {
    expect(await endOf(migrateAddon, name, error)).toMatchObject({ to });
    expect(waitsForOf(error)).not.toBe('function');
  });

  it('reports both failures of a rollback, the first one first', async () => {
    const { failure } = await endOf(migrateAddon, 'AssessRollback', 'WaitedTooLong');
    expect(failure).toEqual({
      Error: 'AddonFailed',
      Cause: 'EKS could not. Putting it back failed too: WaitedTooLong: It has waited.',
    });
  });

  it.each(['TakeOver', 'RecordMigrated', 'RecordBlocked'])('of %s in Recover leaves the record alone', async (name) =>
    expect(await endOf(recover, name, 'WaitedTooLong')).toMatchObject({ to: 'RecoveryFailed' }),
  );
});
