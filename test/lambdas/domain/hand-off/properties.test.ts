/** What every hand-off keeps to, over records of all kinds, with hostile names and settings. */
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { eventHandOff, eventHandOffOf } from '../../../../lambdas/domain/events/hand-off.ts';
import { MOST, serviceEvent, serviceEventOf } from '../../../../lambdas/domain/events/service-event.ts';
import { HAND_OFF_FORMATS, type HandOff, handOff } from '../../../../lambdas/domain/terms/hand-off.ts';
import { renderHandOff } from '../../../../lambdas/domain/hand-off/formats/index.ts';
import { changeLines } from '../../../../lambdas/domain/hand-off/lines.ts';
import { handOffOf } from '../../../../lambdas/domain/hand-off/of-record.ts';
import type { Association } from '../../../../lambdas/domain/terms/observed.ts';
import type { Migration } from '../../../../lambdas/domain/record/migration.ts';
import type { PlannedAssociation } from '../../../../lambdas/domain/terms/planned.ts';
import { isPrintable } from '../../../../lambdas/domain/text/text.ts';
import { accountMigration, accountPlan, anAccountAssociation, anAccountRequest } from '../../account-fixtures.ts';
import { addonArn, aMigration, anAssociation, aPlan, at, NAMESPACE, ROLE } from '../../fixtures.ts';
import { forAllIn } from '../../../for-all.ts';

/** Stands for what must not be in an event. */
const SECRET = 'hunter2';
const hostile = fc.constantFrom(
  ROLE,
  'arn:aws:iam::111122223333:role/x\u001b[2J',
  'arn:aws:iam::111122223333:role/${file("/etc/passwd")}%{ for x in y }"\n}',
  `arn:aws:iam::111122223333:role/${'r'.repeat(500)}`,
);
const accounts = ['ebs-csi-controller-sa', 'ebs-csi-node-sa', 'other'] as const;
const OWNERS = [undefined, addonArn(1), addonArn(2)];

const associationOf = (serviceAccount: string, namespace: string): fc.Arbitrary<Association> =>
  fc
    .record({
      id: fc.constantFrom('a-1', 'a-2', 'a-3', 'a-4', 'a-5', 'a-6'),
      roleArn: hostile,
      ownerArn: fc.constantFrom(...OWNERS),
      targetRoleArn: fc.option(hostile, { nil: undefined }),
      disableSessionTags: fc.boolean(),
      policy: fc.option(fc.constant(`{"Sid":"${SECRET}"}`), { nil: undefined }),
      tags: fc.constantFrom({}, { [SECRET]: SECRET }, { 'aws:x': SECRET }),
      seconds: fc.integer({ min: -100, max: 100 }),
    })
    .map(({ seconds, ownerArn, targetRoleArn, policy, ...one }) =>
      anAssociation({
        ...one,
        // An id belongs to one service account.
        id: `${one.id}${accounts.findIndex((account) => account === serviceAccount)}`,
        namespace,
        serviceAccount,
        createdAt: at(seconds),
        ...(ownerArn === undefined ? {} : { ownerArn }),
        ...(targetRoleArn === undefined ? {} : { targetRoleArn }),
        ...(policy === undefined ? {} : { policy }),
      }),
    );

const anyAssociation = fc.constantFrom(...accounts).chain((name) => associationOf(name, NAMESPACE));
const anyPlanned: fc.Arbitrary<PlannedAssociation[]> = fc.subarray([...accounts], { minLength: 1 }).chain((names) =>
  fc.tuple(
    ...names.map((serviceAccount, index) =>
      fc.record({ roleArn: hostile, standalone: fc.boolean() }).map(({ roleArn, standalone }): PlannedAssociation => ({
        namespace: NAMESPACE,
        serviceAccount,
        roleArn,
        ...(standalone && index > 0 ? { standalone: true as const } : {}),
      })),
    ),
  ),
);

const lists = (one: fc.Arbitrary<Association>) =>
  fc.record({
    existing: fc.uniqueArray(one, { maxLength: 3, selector: ({ id }) => id }),
    purged: fc.uniqueArray(one, { maxLength: 4, selector: ({ id }) => id }),
    created: fc.uniqueArray(one, { maxLength: 4, selector: ({ id }) => id }),
    restored: fc.uniqueArray(one, { maxLength: 3, selector: ({ id }) => id }),
  });
const ends = fc.constantFrom('migrated', 'rolled-back', 'planned', 'already-migrated', 'blocked', 'needs-human');

const ofAddon = fc
  .record({ planned: anyPlanned, found: lists(anyAssociation), outcome: ends })
  .map(({ planned, found: { existing, ...associations }, outcome }) =>
    aMigration({
      status: 'ended',
      outcome: outcome as 'migrated',
      endedAt: at(60),
      associations,
      plan: aPlan({
        associations: planned,
        existing: existing.map(({ id }) => id),
        ...(existing.length > 0 ? { existingAssociations: existing } : {}),
        purge: existing.slice(0, 1).map(({ id }) => id),
      }),
    }),
  );
const { namespace, serviceAccount: name } = anAccountAssociation();
const ofAccount = fc
  .record({ found: lists(associationOf(name, namespace)), outcome: ends, remove: fc.boolean(), undone: fc.boolean() })
  .map(({ found: { existing, ...associations }, outcome, remove, undone }) =>
    accountMigration({
      status: 'ended',
      outcome: outcome as 'migrated',
      endedAt: at(60),
      associations,
      request: anAccountRequest({ annotation: remove ? 'remove' : 'keep' }),
      ...(remove
        ? { annotationChange: { notedAt: at(1), writtenAt: at(2), ...(undone ? { undoneAt: at(3) } : {}) } }
        : {}),
      plan: accountPlan({
        existing: existing.map(({ id }) => id),
        ...(existing.length > 0 ? { existingAssociations: existing } : {}),
      }),
    }),
  );
const anyRecord: fc.Arbitrary<Migration> = fc.oneof(ofAddon, ofAccount);

const nameOf = (one: { namespace: string; serviceAccount: string }): string => `${one.namespace}/${one.serviceAccount}`;
const isUnique = (names: readonly (string | undefined)[]): boolean => new Set(names).size === names.length;

/** What must hold of each hand-off, by name. */
const RULES: Record<string, (handOff: HandOff, record: Migration) => boolean> = {
  'it is about one subject': ({ addon, serviceAccount }) => (addon === undefined) !== (serviceAccount === undefined),
  'the role is not both added and removed': ({ addon }) =>
    addon?.addRoleArn === undefined || addon.removeRoleArn === undefined,
  'no association is named twice': ({ associations }) => isUnique(associations.flatMap(({ id }) => id ?? [])),
  'each service account has one block': ({ addon, state }) =>
    state === 'found' || state === 'rolled-back' || isUnique(addon?.associations.map(nameOf) ?? []),
  'nothing that was deleted is imported after a migration': ({ associations, state }, record) =>
    state !== 'migrated' ||
    associations.every(
      ({ id, action }) => action === 'remove' || record.associations.purged.every((one) => one.id !== id),
    ),
  'no reserved tag is asked for': ({ associations }) =>
    associations.every(({ tags }) => Object.keys(tags).every((key) => !key.startsWith('aws:'))),
  'there is an order, in whole printable sentences': ({ order }) =>
    order.length > 1 && order.every((sentence) => isPrintable(sentence) && sentence.endsWith('.')),
};

describe('every hand-off', () => {
  it.each(Object.entries(RULES))('%s', (_, holds) =>
    forAllIn(150, anyRecord, (record) => {
      const found = handOffOf(record);
      expect(found === undefined || holds(handOff.strict().parse(found), record)).toBe(true);
    }),
  );

  it('can be written in every format', () =>
    forAllIn(150, anyRecord, fc.constantFrom(...HAND_OFF_FORMATS), (record, format) => {
      const found = handOffOf(record);
      expect(found === undefined || renderHandOff(found, format).endsWith('\n')).toBe(true);
    }));
});

describe('the hand-off in an event', () => {
  it('has no settings, tags and policies, and is small and printable', () =>
    forAllIn(200, anyRecord, (record) => {
      const part = eventHandOffOf(record);
      expect(part === undefined).toBe(handOffOf(record) === undefined);
      if (!part) return;
      expect(eventHandOff.strict().parse(part)).toEqual(part);
      const event = serviceEvent.parse(serviceEventOf(record, record.outcome ?? 'migrated'));
      const text = JSON.stringify(event);
      expect(text).not.toContain(SECRET);
      expect(text.length).toBeLessThan(100_000);
      expect(event.lines.length).toBeLessThanOrEqual(MOST.lines);
      expect(event.lines.every(isPrintable)).toBe(true);
    }));

  it('has at most ten entries of each list, and how many it leaves out', () => {
    const planned = Array.from({ length: 13 }, (_, index) => ({
      namespace: NAMESPACE,
      serviceAccount: `sa-${index}`,
      roleArn: ROLE,
    }));
    const record = aMigration({ status: 'ended', outcome: 'planned', plan: aPlan({ associations: planned }) });
    const part = eventHandOffOf(record);
    expect(part?.addon?.associations).toHaveLength(10);
    expect(part?.left).toBe(3);
    expect(changeLines(handOffOf(record)!)).toHaveLength(14);
  });
});
