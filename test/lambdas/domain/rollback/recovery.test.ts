import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { OUTCOMES } from '../../../../lambdas/domain/terms/outcome.ts';
import type { Migration } from '../../../../lambdas/domain/record/migration.ts';
import {
  type OwnerState,
  type RecoveryDecision,
  type RecoveryFacts,
  decideRecovery,
  isRunning,
  standingRelease,
  standingTrustChanges,
} from '../../../../lambdas/domain/rollback/recovery.ts';
import { OTHER_ROLE, ROLE } from '../../example.ts';
import { ADDON_LOCK, at, EXECUTION, MIGRATION_ID, NOW, OTHER_EXECUTION } from '../../run-examples.ts';
import { aMigration, aRollback, OTHER_MIGRATION_ID, RECOVERY_EXECUTION, ROLE_LOCK } from '../../fixtures.ts';
import { containing } from '../../matchers.ts';
import { forAllIn } from '../../../for-all.ts';

const GRACE_MS = 75_000;
const heldBy = (executionArn: string, migrationId = MIGRATION_ID, key = ADDON_LOCK) => ({
  key,
  holder: { migrationId, executionArn, since: at(-600) },
});
const stopped = (secondsAgo: number): OwnerState => ({ status: 'ABORTED', stoppedAt: at(-secondsAgo) });

interface Change extends Partial<Omit<RecoveryFacts, 'record'>> {
  record?: Partial<Migration>;
  owner?: OwnerState | 'none';
}
/** A migration whose execution stopped ten minutes ago in the middle of the change. */
const decide = ({ record, owner = stopped(600), ...change }: Change = {}): RecoveryDecision =>
  decideRecovery({
    record: aMigration(record),
    cause: 'stranded',
    hasSnapshot: true,
    rollbackBegun: false,
    locks: [heldBy(EXECUTION)],
    owners: owner === 'none' ? new Map() : new Map([[EXECUTION, owner]]),
    now: NOW,
    graceMs: GRACE_MS,
    ...change,
  });
const ended = (outcome: Migration['outcome']): Partial<Migration> => ({ status: 'ended', outcome });
const free = [{ key: ADDON_LOCK }];
const ROLL_BACK = { do: 'take-over', action: 'roll-back' };
const RELEASE = { do: 'take-over', action: 'release' };
const OTHERS = [heldBy(OTHER_EXECUTION, OTHER_MIGRATION_ID)];

describe('decideRecovery of a stranded migration', () => {
  it('rolls back once no Lambda function can act any more', () => {
    expect([decide(), decide({ owner: stopped(75) })]).toEqual([ROLL_BACK, ROLL_BACK]);
    expect(decide({ owner: stopped(74) })).toMatchObject({ do: 'wait', why: containing(at(-74)) });
    expect(decide({ owner: undefined })).toEqual(ROLL_BACK);
  });

  it('leaves a running migration unchanged', () => {
    for (const status of ['RUNNING', 'PENDING_REDRIVE'])
      expect(decide({ owner: { status } })).toMatchObject({ do: 'nothing', why: containing('still working') });
    // Another Recover has it.
    const owners = { [EXECUTION]: stopped(600), [OTHER_EXECUTION]: { status: 'RUNNING' } };
    expect(decide({ owners: new Map(Object.entries(owners)) }).do).toBe('nothing');
  });

  it.each(['injected', 'ready', 'api'] as const)(
    'only finishes where it was verified by %s and nothing was put back',
    (verified) => {
      expect(decide({ record: { verified } })).toEqual({ do: 'take-over', action: 'finish' });
      expect(decide({ record: { verified }, rollbackBegun: true })).toEqual(ROLL_BACK);
    },
  );

  it('releases the locks if nothing was started', () => {
    expect([decide({ hasSnapshot: false }), decide({ hasSnapshot: false, locks: [] })]).toEqual([RELEASE, RELEASE]);
    expect(decide({ hasSnapshot: false, locks: [heldBy(EXECUTION, MIGRATION_ID, ROLE_LOCK)] })).toEqual(RELEASE);
    expect(decide({ hasSnapshot: false, locks: OTHERS })).toEqual(RELEASE);
  });

  it.each([...OUTCOMES])(
    'that has ended %s: lets go of locks that were left, but for those of restore commands',
    (outcome) => {
      expect(decide({ record: ended(outcome) }).do).toBe(outcome === 'needs-human' ? 'nothing' : 'let-go');
      expect(decide({ record: ended(outcome), locks: free }).do).toBe('nothing');
      expect(decide({ record: ended(outcome), locks: OTHERS }).do).toBe('nothing');
    },
  );
});

describe('decideRecovery on demand', () => {
  const onDemand = (change: Change = {}): RecoveryDecision => decide({ cause: 'requested', locks: free, ...change });

  it.each<[Migration['outcome'], string]>([
    ['migrated', 'take-over'],
    ['needs-human', 'take-over'],
    ['rolled-back', 'refuse'],
    ['blocked', 'refuse'],
    ['planned', 'refuse'],
    ['already-migrated', 'refuse'],
  ])('of a migration that ended %s: %s', (outcome, does) => expect(onDemand({ record: ended(outcome) }).do).toBe(does));

  it('refuses with the reason', () => {
    expect(onDemand({ record: ended('rolled-back') })).toMatchObject({ why: containing('already rolled back') });
    expect(onDemand({ record: ended('blocked') })).toMatchObject({ why: containing('changed nothing') });
    const refused = (why: string) => ({ do: 'refuse', why: containing(why) });
    expect(onDemand({ owner: { status: 'RUNNING' } })).toMatchObject(refused(`cancel ${MIGRATION_ID}`));
    const locks = [heldBy(OTHER_EXECUTION, OTHER_MIGRATION_ID, ROLE_LOCK)];
    expect(onDemand({ record: ended('migrated'), locks })).toMatchObject(refused(OTHER_MIGRATION_ID));
  });

  it('takes the parked lock of restore commands', () => {
    expect(onDemand({ record: ended('needs-human'), locks: [heldBy(EXECUTION)] })).toEqual(ROLL_BACK);
    expect(onDemand({ record: ended('needs-human'), hasSnapshot: false })).toEqual(RELEASE);
  });

  it('rolls back verified pods too', () => {
    expect(onDemand({ record: { verified: 'injected' } })).toEqual(ROLL_BACK);
    expect(onDemand({ record: ended('migrated'), owner: stopped(10) }).do).toBe('wait');
  });
});

describe('changes of trust policies', () => {
  it('remain in force until they are undone, also if it is not known whether they were written', () => {
    const noted = { roleArn: ROLE, before: '{}', after: '{}', statement: {}, notedAt: at(1) };
    const undone = { ...noted, roleArn: OTHER_ROLE, writtenAt: at(2), undoneAt: at(3) };
    expect(standingTrustChanges(aMigration({ trustChanges: [noted, undone] }))).toEqual([noted]);
    expect(standingTrustChanges(aMigration())).toEqual([]);
  });

  it('are undone by the same decision as the add-on', () => {
    const trustChanges = [{ roleArn: ROLE, before: '{}', after: '{}', statement: {}, notedAt: at(1) }];
    expect(decide({ record: { trustChanges } })).toEqual(ROLL_BACK);
    const record = { ...ended('needs-human'), trustChanges };
    expect(decide({ record, cause: 'requested', locks: free })).toEqual(ROLL_BACK);
  });
});

it('a release of the locks applies to the outcome before it, not to a later one', () => {
  const released = { at: at(20), by: 'jo' };
  expect(standingRelease({ status: 'ended', endedAt: at(10), released })).toEqual(released);
  expect(standingRelease({ status: 'ended', endedAt: at(20), released })).toEqual(released);
  expect(standingRelease({ status: 'ended', endedAt: at(30), released })).toBeUndefined();
  expect(standingRelease({ status: 'running', endedAt: at(10), released })).toBeUndefined();
  expect(standingRelease({ status: 'ended', endedAt: at(10) })).toBeUndefined();
});

describe('decideRecovery', () => {
  it('decides the same when its own retry holds the locks and finds the record running again', () => {
    const own = { owner: 'none', locks: [heldBy(RECOVERY_EXECUTION)] } as const;
    const taken = { executionArn: RECOVERY_EXECUTION, status: 'rolling-back', rollback: aRollback() } as const;
    expect(decide({ ...own, locks: [...own.locks], record: taken })).toEqual(decide());
    const again = decide({
      ...own,
      locks: [...own.locks],
      cause: 'requested',
      record: { ...taken, outcome: 'migrated' },
    });
    expect(again).toEqual(decide({ cause: 'requested', locks: free, record: ended('migrated') }));
  });

  it('never takes over while an execution runs or may still act, and never without a snapshot', () => {
    const owner = fc.option(
      fc.oneof(fc.constant<OwnerState>({ status: 'RUNNING' }), fc.integer({ min: 0, max: 200 }).map(stopped)),
      { nil: undefined },
    );
    forAllIn(
      3000,
      fc.array(owner, { maxLength: 3 }),
      fc.constantFrom<RecoveryFacts['cause']>('stranded', 'requested'),
      fc.boolean(),
      fc.boolean(),
      fc.option(fc.constantFrom(...OUTCOMES), { nil: undefined }),
      fc.constantFrom<Migration['verified']>('none', 'api', 'injected', 'ready'),
      fc.constantFrom(free, [heldBy(EXECUTION)], []),
      (states, cause, hasSnapshot, rollbackBegun, outcome, verified, locks) => {
        const owners = new Map(states.map((state, index) => [`execution-${index}`, state]));
        const decision = decide({
          owners,
          cause,
          hasSnapshot,
          rollbackBegun,
          locks,
          record: { verified, ...(outcome ? ended(outcome) : {}) },
        });
        const mayAct = states.some(
          (state) =>
            isRunning(state) || (state?.stoppedAt !== undefined && NOW < Date.parse(state.stoppedAt) + GRACE_MS),
        );
        const action = decision.do === 'take-over' ? decision.action : undefined;
        expect([
          action !== undefined && mayAct,
          (action === 'roll-back' || action === 'finish') && !hasSnapshot,
        ]).toEqual([false, false]);
        const onlyTheEnd = cause === 'stranded' && verified !== 'none' && !rollbackBegun && outcome === undefined;
        expect(action === 'finish' && !onlyTheEnd).toBe(false);
      },
    );
  });
});
