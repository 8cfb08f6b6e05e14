import type { HistoryEvent, HistoryEventType } from '@aws-sdk/client-sfn';
import { describe, expect, it } from 'vitest';
import { type StepProgress, StepReader } from '../../cli/history.ts';
import { PauseNoted } from '../../lambdas/domain/waiting/noted-pause.ts';
import { words } from '../words.ts';

const START = Date.parse('2026-01-15T09:00:00.000Z');
/** Events one second apart: [type, state or error]. */
const history = (...events: [HistoryEventType, string?][]): HistoryEvent[] =>
  events.map(([type, name], index) => ({
    id: index + 1,
    previousEventId: index,
    type,
    timestamp: new Date(START + index * 1000),
    ...(type.endsWith('StateEntered') && name ? { stateEnteredEventDetails: { name } } : {}),
    ...(type === 'TaskFailed'
      ? { taskFailedEventDetails: { resourceType: 'lambda', resource: 'invoke', error: name } }
      : {}),
  }));
/** Reads a history at once. */
const readerOf = (events: readonly HistoryEvent[]): StepReader => {
  const reader = new StepReader();
  reader.read(events);
  return reader;
};
/** Returns its steps, which are the same if it is read event by event, and read again. */
const stepsOf = (events: readonly HistoryEvent[]): StepProgress[] => {
  const { steps } = readerOf(events);
  const following = new StepReader();
  const ordered = events.toSorted((a, b) => a.id! - b.id!);
  for (const [index, event] of ordered.entries()) following.read([event, ...ordered.slice(0, index)]);
  following.read(events);
  expect(following.steps).toEqual(steps);
  return steps;
};
const second = (n: number): Date => new Date(START + n * 1000);

describe('steps of a history', () => {
  it('are the states named after a step; other states are skipped', () => {
    const steps = stepsOf(
      history(
        ['ExecutionStarted'],
        ['TaskStateEntered', 'Plan'],
        ['TaskScheduled'],
        ['TaskSucceeded'],
        ['TaskStateExited'],
        ['ChoiceStateEntered', 'WhatNext'],
        ['TaskStateEntered', 'DeleteAddon'],
        ['TaskScheduled'],
      ),
    );
    expect(steps).toEqual([
      { id: 2, step: 'plan', name: 'plan', startedAt: second(1), endedAt: second(4), tries: 1 },
      { id: 7, step: 'delete-addon', name: 'delete-addon', startedAt: second(6), tries: 1 },
    ]);
  });

  it('count attempts, and keep the error only while the last attempt failed', () => {
    const poll = history(
      ['TaskStateEntered', 'AwaitActive'],
      ['TaskScheduled'],
      ['TaskFailed', 'AddonNotActive'],
      ['TaskScheduled'],
    );
    expect(stepsOf(poll)).toMatchObject([{ tries: 2, error: 'AddonNotActive' }]);
    const [step] = stepsOf([...poll, ...history(['TaskSucceeded']).map((event) => ({ ...event, id: 5 }))]);
    expect(step).not.toHaveProperty('error');
  });

  it('show the error of a step that has noted its pause, and how often it was tried', () => {
    const cause = JSON.stringify({
      errorType: 'PauseNoted',
      errorMessage: new PauseNoted({ seconds: 3, error: 'AddonNotActive' }).message,
      trace: [],
    });
    const events = history(
      ['TaskStateEntered', 'AwaitActive'],
      ['TaskScheduled'],
      ['TaskFailed', 'PauseNoted'],
      ['TaskStateExited', 'AwaitActive'],
      ['WaitStateEntered', 'WaitForPause'],
      ['WaitStateExited'],
      ['ChoiceStateEntered', 'WhereToResume'],
      ['TaskStateEntered', 'AwaitActive'],
      ['TaskScheduled'],
    ).map((event) =>
      event.taskFailedEventDetails
        ? { ...event, taskFailedEventDetails: { ...event.taskFailedEventDetails, cause } }
        : event,
    );
    const [waiting, ...others] = stepsOf(events.slice(0, 5));
    expect([waiting, others]).toMatchObject([{ step: 'await-active', tries: 1, error: 'AddonNotActive' }, []]);
    expect(waiting).not.toHaveProperty('endedAt');
    expect(stepsOf(events)).toMatchObject([{ tries: 2, error: 'AddonNotActive' }]);
  });

  it('begin when the wait before them began', () => {
    const events = history(
      ['TaskStateEntered', 'DeleteAddon'],
      ['TaskStateExited'],
      ['WaitStateEntered', 'WaitForDeletion'],
      ['WaitStateExited'],
      ['TaskStateEntered', 'AwaitDeleted'],
      ['TaskStateExited'],
    );
    expect(stepsOf(events)).toMatchObject([
      { step: 'delete-addon', endedAt: second(1) },
      { step: 'await-deleted', startedAt: second(2), endedAt: second(5) },
    ]);
    expect(stepsOf(events.slice(0, 3))[1]).toMatchObject({ step: 'await-deleted', startedAt: second(2) });
  });

  it('end with the execution, with the error that ended them', () => {
    const events = history(
      ['TaskStateEntered', 'CreateAddon'],
      ['TaskScheduled'],
      ['TaskFailed', 'AccessDenied'],
      ['ExecutionFailed'],
    );
    expect(stepsOf(events)).toMatchObject([{ endedAt: second(3), error: 'AccessDenied' }]);
    expect([readerOf(events).hasEnded, readerOf(events.slice(0, 3)).hasEnded]).toEqual([true, false]);
  });

  it('are numbered when they are repeated, in any order of the events', () => {
    const events = history(
      ['TaskStateEntered', 'VerifyPods'],
      ['TaskStateExited'],
      ['TaskStateEntered', 'RestartPods'],
      ['TaskStateExited'],
      ['TaskStateEntered', 'VerifyPods'],
    );
    expect(stepsOf(events.toReversed()).map(({ name }) => name)).toEqual([
      'verify-pods',
      'restart-pods',
      'verify-pods-2',
    ]);
  });

  it('are named as in the ledger, in each attempt and in the rollback', () => {
    const entered = words`
      UpdateAddon VerifyPods RestartPods VerifyPods NextAttempt DeleteAddon VerifyPods RestartPods VerifyPods
      RollBack AssessRollback RestoreByCreate WaitForRestore AssessRollback VerifyRestored RestartRestored
      WaitForRestoredRollout VerifyRestored RecordRolledBack
    `;
    const names = stepsOf(
      history(...entered.map((state): [HistoryEventType, string] => ['TaskStateEntered', state])),
    ).map(({ name }) => name);
    expect(names).toEqual(words`
      update-addon verify-pods restart-pods verify-pods-2 delete-addon.2 verify-pods.2 restart-pods.2
      verify-pods.2-2 assess-rollback restore-addon-create assess-rollback-2 verify-restored restart-restored
      verify-restored-2 finish-rolled-back
    `);
  });
});
