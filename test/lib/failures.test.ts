import { describe, expect, it } from 'vitest';
import { ERROR_CLASSES } from '../../lambdas/domain/failures/errors.ts';
import { type Onward, onwardFrom } from '../../lambdas/domain/failures/routing.ts';
import type { StepOfChange } from '../../lambdas/domain/steps/work.ts';
import { migrateAddon, recover, stepOf, calling } from './definition.ts';
import { words } from '../words.ts';

const { states } = migrateAddon;
const CHANGE = words`
  InstallAgent RepairTrust CreateStandaloneAssociations AwaitDeleted UpdateAddon CreateAddon CreateAssociation
  AwaitActive CarryOver VerifyPods RestartPods
`;

describe('ends of MigrateAddon', () => {
  it('succeed only as migrated, already migrated or planned', () => {
    expect(
      migrateAddon
        .ofType('Succeed')
        .map(([name]) => name)
        .sort(),
    ).toEqual(['AlreadyMigrated', 'Migrated', 'Planned']);
    expect(states.Migrated!.Output).toMatchObject({ outcome: 'migrated' });
    expect(states.AlreadyMigrated!.Output).toMatchObject({ outcome: 'already-migrated' });
    expect(states.Planned!.Output).toMatchObject({ outcome: 'planned' });
  });

  it('fail under the name of the outcome', () => {
    const fails = migrateAddon.ofType('Fail');
    expect(fails.map(([name]) => name).sort()).toEqual(['Blocked', 'NeedsHuman', 'RolledBack']);
    for (const [name, state] of fails) expect(state.Error).toBe(name);
  });

  it('are recorded first, and then what they say', () => {
    expect(states.RecordBlocked).toMatchObject(calling('Blocked', { outcome: 'blocked' }));
    expect(states.RecordRolledBack).toMatchObject(calling('RolledBack', { outcome: 'rolled-back' }));
    expect(states.RecordNeedsHuman).toMatchObject(calling('NeedsHuman', { outcome: 'needs-human' }));
    expect(states.RecordMigrated).toMatchObject(calling('Migrated', { outcome: 'migrated' }));
  });
});

describe('failures of MigrateAddon', () => {
  it.each([
    ['Plan', 'RecordBlocked'],
    ['PlanAgain', 'RecordBlocked'],
    ['AwaitWindow', 'RecordBlocked'],
    ['RecordBlocked', 'Blocked'],
    ['RecordMigrated', 'NeedsHuman'],
  ])('lead from %s to %s whatever the error', (from, to) =>
    expect(migrateAddon.catchersOf(from)).toEqual([[['States.ALL'], to]]),
  );

  it('wait for the next window where the last one has closed, and block for anything else', () =>
    expect(migrateAddon.catchersOf('Begin')).toEqual([
      [['WindowClosed'], 'AwaitWindow'],
      [['States.ALL'], 'RecordBlocked'],
    ]));

  it('say of an approval that nobody gave in time that it expired', () => {
    expect(migrateAddon.catchersOf('RequestApproval')).toEqual([
      [['States.Timeout'], 'RecordBlocked'],
      [['States.ALL'], 'RecordBlocked'],
    ]);
    expect(states.RequestApproval!.Catch![0]!.Assign!['failure']).toContain("'ApprovalExpired'");
  });

  /** The variants of steps that have a stage of their own, by their state. */
  const VARIANTS: Record<string, StepOfChange> = { ConfirmReady: 'confirm-ready' };
  const LEADS_TO: Record<Onward, string> = {
    hold: 'Pause',
    forward: 'RecordMigrated',
    back: 'RollBack',
    person: 'RecordNeedsHuman',
  };
  const OF_WINDOWS = new Set(['WindowClosed', 'WindowFarOff']);
  it.each([...CHANGE, 'ConfirmReady', 'AnnotateServiceAccount'])('of %s lead where the domain’s table says', (name) => {
    const state = migrateAddon.definition.States[name]!;
    const step = VARIANTS[name] ?? (stepOf(state) as StepOfChange);
    const errors = [...Object.keys(ERROR_CLASSES), 'TypeError'].filter((error) => !OF_WINDOWS.has(error));
    const led = errors.map((error) => {
      const first = state.Catch!.find(({ ErrorEquals: [only = '', ...more] }) =>
        [only, ...more].some((one) => one === error || one === 'States.ALL'),
      );
      return [error, first!.Next];
    });
    expect(led).toEqual(errors.map((error) => [error, LEADS_TO[onwardFrom(step, error)]]));
  });

  it('of a look at what is in place hold where a right is missing, and end with a person', () => {
    expect(states.AwaitActive!.Catch!.at(-1)).toMatchObject({ ErrorEquals: ['States.ALL'], Next: 'RecordNeedsHuman' });
    expect(states.UpdateAddon!.Catch!.at(-1)).toMatchObject({ ErrorEquals: ['States.ALL'], Next: 'RollBack' });
  });

  it('block where the add-on changed before the first delete, and are put back where a way before made changes', () => {
    expect(migrateAddon.catchersOf('DeleteAddon')).toEqual([
      [['AddonChanged'], 'IsAnythingChanged'],
      [['LockLost'], 'RecordNeedsHuman'],
      [['States.ALL'], 'RollBack'],
    ]);
    expect(states.IsAnythingChanged).toEqual({
      Type: 'Choice',
      Choices: [
        {
          Condition: '{% $attempt = 0 and $not($installsAgent) and $not($createsStandalone) and $not($repairsTrust) %}',
          Next: 'RecordBlocked',
        },
      ],
      Default: 'RollBack',
    });
  });

  it('of the annotation put nothing back, since the pods are verified; but one that is cancelled, whose association has changed, or that has lost its lock is not called migrated', () => {
    expect(migrateAddon.catchersOf('AnnotateServiceAccount')).toEqual([
      [['LockLost'], 'RecordNeedsHuman'],
      [expect.arrayContaining(['Cancelled', 'AssociationChanged']), 'RollBack'],
      [['States.ALL'], 'RecordMigrated'],
    ]);
    expect(
      migrateAddon.reachableFrom(migrateAddon.definition.StartAt, ({ to }) => to !== 'AreThePodsVerified'),
    ).not.toContain('AnnotateServiceAccount');
  });

  const begun = migrateAddon.reachableFrom('IsAgentToInstall', ({ to, onFailure }) => !onFailure && to !== 'RollBack');
  const afterBegin = migrateAddon.edges.filter(
    ({ from, onFailure }) => onFailure && begun.has(from) && !from.startsWith('Record'),
  );
  it('come from each step of the change', () => {
    expect(
      afterBegin
        .filter(({ to }) => to === 'RecordMigrated')
        .map(({ from }) => from)
        .sort(),
    ).toEqual(['AnnotateServiceAccount', 'ConfirmReady']);
    expect([...new Set(afterBegin.map(({ from }) => from))].sort()).toEqual(
      [...CHANGE, 'DeleteAddon', 'ConfirmReady', 'AnnotateServiceAccount'].sort(),
    );
  });
  it.each(afterBegin.filter(({ to }) => to !== 'RecordMigrated'))(
    'after begin lead from $from by $to to the rollback or to a person',
    ({ to }) => {
      const elsewhere = migrateAddon.reachableFrom(
        to,
        ({ from, to: next }) =>
          !['RollBack', 'RecordNeedsHuman'].includes(from) &&
          !(from === 'IsAnythingChanged' && next === 'RecordBlocked'),
      );
      expect([...elsewhere].filter((name) => migrateAddon.isEnd(name))).toEqual([]);
    },
  );
});

describe('rollback', () => {
  const chain = [...migrateAddon.reachableFrom('RollBack')].filter((name) => !migrateAddon.isEnd(name));

  it('is the same in both state machines, but for where it ends', () => {
    expect([...recover.reachableFrom('RollBack')].filter((name) => !recover.isEnd(name)).sort()).toEqual(
      chain.toSorted(),
    );
    for (const name of chain) {
      const { Next: ours, ...here } = states[name]!;
      const { Next: theirs, ...there } = recover.states[name]!;
      expect(there, `in ${name}`).toEqual(here);
      expect([ours, theirs], `in ${name}`).toEqual(
        name === 'RecordRolledBack' ? ['RolledBack', 'Recovered'] : [ours, ours],
      );
    }
    expect(recover.states.NeedsHuman).toEqual(states.NeedsHuman);
  });

  it('looks, acts, and looks again, counting the actions', () => {
    expect(states.RollBack).toEqual({ Type: 'Pass', Assign: { actions: 0 }, Next: 'WhatToRollBack' });
    expect(states.WhatToRollBack).toEqual({
      Type: 'Choice',
      Choices: [{ Condition: "{% $contains($subject, '/') %}", Next: 'IsAnnotationToRestore' }],
      Default: 'RestorePurged',
    });
    // Pods that were on what was purged have nothing else to ask for.
    expect(states.RestorePurged).toMatchObject(calling('AssessRollback', { action: 'purged' }));
    expect(states.AssessRollback!.Next).toBe('WhichRestore');
    const actions = { update: 'RestoreByUpdate', delete: 'RemoveFailedCopy', create: 'RestoreByCreate' };
    expect(states.WhichRestore).toEqual({
      Type: 'Choice',
      Choices: Object.entries({ done: 'RestoreAssociations', ...actions }).map(([action, Next]) => ({
        Condition: `{% $states.input.action = '${action}' %}`,
        Next,
      })),
      Default: 'RecordNeedsHuman',
    });
    for (const [action, name] of Object.entries(actions)) {
      expect(states[name]).toMatchObject(calling('WaitForRestore', { action, actions: '{% $actions %}' }));
    }
    expect(states.WaitForRestore).toMatchObject({ Next: 'AssessRollback', Assign: { actions: '{% $actions + 1 %}' } });
  });

  it('of a service account puts its annotation back before its association goes: with neither, new pods have no role', () => {
    expect(states.IsAnnotationToRestore).toEqual({
      Type: 'Choice',
      Choices: [{ Condition: '{% $removesAnnotation %}', Next: 'RestoreAnnotation' }],
      Default: 'RestoreAssociations',
    });
    expect(states.RestoreAnnotation).toMatchObject(
      calling('RestoreAssociations', { towards: 'before', fence: '{% $fence %}' }),
    );
    expect(migrateAddon.reachableFrom('RestoreAssociations')).not.toContain('RestoreAnnotation');
  });

  it('is over only when the pods have what they had', () => {
    expect(states.RestoreAssociations).toMatchObject({ Next: 'IsAddonRestored', Assign: { podRound: 1, tries: 0 } });
    expect(states.IsAddonRestored).toEqual({
      Type: 'Choice',
      Choices: [{ Condition: '{% $states.input.awaitsWebhook = true %}', Next: 'WaitForFormerIdentity' }],
      Default: 'VerifyRestored',
    });
    expect(states.WaitForFormerIdentity).toEqual({ Type: 'Wait', Seconds: 15, Next: 'VerifyRestored' });
    for (const name of ['VerifyRestored', 'RestartRestored'])
      expect(states[name]!.Arguments!.Payload).toMatchObject({
        towards: 'before',
        round: '{% $podRound %}',
        tries: '{% $tries %}',
        newestPodAt: '{% $newestPodAt %}',
        deferred: '{% $deferred %}',
      });
    expect(states.AreThePodsRestored).toMatchObject({
      Choices: [
        { Condition: "{% $states.input.verdict = 'verified' %}", Next: 'IsAnythingDeferred' },
        { Condition: "{% $states.input.verdict = 'restart' %}", Next: 'RestartRestored' },
      ],
      Default: 'RecordNeedsHuman',
    });
    expect(states.WaitForRestoredRollout).toMatchObject({
      Next: 'VerifyRestored',
      Seconds: '{% 15 * ($tries + 1) %}',
      Assign: {
        podRound: '{% $states.input.isTry = true ? $podRound : $podRound + 1 %}',
        tries: '{% $states.input.isTry = true ? $tries + 1 : $tries %}',
      },
    });
    expect(states.IsAnythingDeferred).toEqual({
      Type: 'Choice',
      Choices: [{ Condition: "{% $deferred != '' %}", Next: 'RestoreDeferred' }],
      Default: 'IsTrustToRestore',
    });
    expect(states.RestoreDeferred).toMatchObject(calling('IsTrustToRestore', { action: 'deferred' }));
    expect(migrateAddon.reachableFrom('RollBack', ({ to }) => to !== 'VerifyRestored')).not.toContain('RolledBack');
  });

  it('creates the association again before a person where the webhook still injects it', () => {
    expect(states.ReturnAssociations).toMatchObject(
      calling('RecordNeedsHuman', { action: 'own', fence: '{% $fence %}' }),
    );
    expect(migrateAddon.edges.filter(({ to }) => to === 'ReturnAssociations').map(({ from }) => from)).toEqual([
      'VerifyRestored',
    ]);
  });

  it('asks for a person whatever fails in it', () => {
    for (const name of chain.filter((state) => states[state]!.Type === 'Task' && !state.startsWith('Record'))) {
      expect(migrateAddon.catchersOf(name), `in ${name}`).toEqual([
        ...(name === 'VerifyRestored' ? [[['WebhookStillInjects'], 'ReturnAssociations']] : []),
        [['States.ALL'], 'RecordNeedsHuman'],
      ]);
    }
    for (const name of ['RecordRolledBack', 'RecordNeedsHuman'])
      expect(migrateAddon.catchersOf(name)).toEqual([[['States.ALL'], 'NeedsHuman']]);
  });
});
