/** The owners of associations, and third-party changes of a service account. */
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { irsaRoleOf } from '../../../../lambdas/domain/verification/irsa.ts';
import type { Association } from '../../../../lambdas/domain/terms/observed.ts';
import {
  accountProblem,
  associationProblem,
  foreignAssociations,
  isOwnAssociation,
  isUnannotated,
  MIGRATION_TAG,
  wasThere,
} from '../../../../lambdas/domain/migration/service-account.ts';
import {
  accountMigration,
  accountSnapshot,
  anAccountAssociation,
  aState,
  ownAssociation,
  plannedAccount,
} from '../../account-fixtures.ts';
import { anAddon, at, OTHER_MIGRATION_ID, OTHER_ROLE, ROLE } from '../../fixtures.ts';
import { forAll } from '../../../for-all.ts';

const record = (created: Association[] = []): ReturnType<typeof accountMigration> =>
  accountMigration({ associations: { purged: [], created, restored: [] } });
const THEIRS = anAccountAssociation({ id: 'a-theirs' });

describe('an association', () => {
  it('belongs to the migration by its record or by its tag', () => {
    expect(isOwnAssociation(record(), ownAssociation())).toBe(true);
    expect(isOwnAssociation(record([ownAssociation()]), ownAssociation({ tags: {} }))).toBe(true);
    expect(isOwnAssociation(record(), THEIRS)).toBe(false);
    expect(isOwnAssociation(record([ownAssociation()]), THEIRS)).toBe(false);
    expect(isOwnAssociation(record(), ownAssociation({ tags: { [MIGRATION_TAG]: OTHER_MIGRATION_ID } }))).toBe(false);
  });

  it('existed before by its id alone', () => {
    const snapshot = accountSnapshot({ associations: [THEIRS] });
    expect(wasThere(snapshot, anAccountAssociation({ id: THEIRS.id, roleArn: OTHER_ROLE }))).toBe(true);
    expect(wasThere(snapshot, { ...THEIRS, id: 'a-again' })).toBe(false);
  });

  const associations = fc.array(
    fc
      .record({
        id: fc.constantFrom('a-1', 'a-2', 'a-3', 'a-4'),
        tag: fc.constantFrom(undefined, accountMigration().migrationId, OTHER_MIGRATION_ID),
      })
      .map(({ id, tag }) => anAccountAssociation({ id, tags: tag === undefined ? {} : { [MIGRATION_TAG]: tag } })),
    { maxLength: 5 },
  );
  it('either existed before, belongs to the migration, or is third-party, and is never third-party otherwise', () =>
    forAll(associations, associations, associations, (before, created, there) => {
      const snapshot = accountSnapshot({ associations: before });
      const known = record(created);
      const foreign = foreignAssociations(known, snapshot, there);
      for (const one of there)
        expect(foreign.includes(one)).toBe(!wasThere(snapshot, one) && !isOwnAssociation(known, one));
      // A third-party association is always a problem.
      const problem = associationProblem(known, snapshot, plannedAccount, there) ?? '';
      expect(problem.startsWith('another principal has created')).toBe(foreign.length > 0);
    }));

  const given = (id: string): string => `another principal has given association ${id} the role ${OTHER_ROLE}`;
  const made = (id: string): string => `another principal has created association ${id} of payments/api with ${ROLE}`;
  it.each<[string, Association[], Association[], string | undefined]>([
    ['made as planned', [], [ownAssociation()], undefined],
    ['kept as it was', [THEIRS], [THEIRS], undefined],
    ['gone', [], [], 'the association of payments/api is gone'],
    ['gone, although it was there before', [THEIRS], [], 'the association of payments/api is gone'],
    ['given another role', [], [ownAssociation({ roleArn: OTHER_ROLE })], given('a-own')],
    ['given another role since', [THEIRS], [{ ...THEIRS, roleArn: OTHER_ROLE }], given('a-theirs')],
    ['third-party', [], [THEIRS], made('a-theirs')],
    ['third-party, and replaces the former one', [THEIRS], [anAccountAssociation({ id: 'a-again' })], made('a-again')],
  ])('that is %s has this problem', (_, before, there, said) =>
    expect(associationProblem(record(), accountSnapshot({ associations: before }), plannedAccount, there)).toBe(said),
  );
});

describe('accountProblem', () => {
  const was = aState();
  const { roleArn: _, ...bare } = was;

  const DELETED = 'another principal has deleted service account payments/api';
  const AGAIN = `${DELETED} and created it again`;
  const ANNOTATION = 'eks.amazonaws.com/role-arn';
  const REMOVED = `another principal has removed the annotation ${ANNOTATION} from service account payments/api`;
  const SET = `another principal has set the annotation ${ANNOTATION} of service account payments/api to ${OTHER_ROLE}`;
  it.each<[string, Parameters<typeof accountProblem>[1], string | undefined, string | undefined]>([
    ['as it was', was, undefined, undefined],
    ['without its annotation', bare, REMOVED, undefined],
    ['deleted', undefined, DELETED, DELETED],
    ['made again', { ...was, uid: 'another' }, AGAIN, AGAIN],
    ['made again without its annotation', { ...bare, uid: 'another' }, AGAIN, AGAIN],
    ['given another role', { ...was, roleArn: OTHER_ROLE }, SET, SET],
  ])('of one that is %s', (_name, now, annotated, unannotated) =>
    expect([accountProblem(was, now, false), accountProblem(was, now, true)]).toEqual([annotated, unannotated]),
  );

  it('names a new annotation of a service account that had none', () => {
    expect(accountProblem(bare, bare, false)).toBeUndefined();
    expect(accountProblem(bare, was, true)).toContain(
      `the annotation eks.amazonaws.com/role-arn of service account payments/api to ${ROLE}`,
    );
  });

  it('accepts no change except the missing annotation', () => {
    const roles = fc.constantFrom(undefined, ROLE, OTHER_ROLE);
    const states = fc
      .record({ uid: fc.constantFrom('uid-of-api', 'another'), roleArn: roles })
      .map(({ uid, roleArn }) => ({ uid, ...(roleArn === undefined ? {} : { roleArn }) }));
    forAll(fc.option(states, { nil: undefined }), (now) =>
      expect(accountProblem(was, now, false) !== undefined && accountProblem(was, now, true) === undefined).toBe(
        now?.uid === was.uid && now.roleArn === undefined,
      ),
    );
  });
});

it('isUnannotated is true from the record of the change until it is undone', () => {
  expect([isUnannotated({}), isUnannotated({ annotationChange: { notedAt: at(0) } })]).toEqual([false, true]);
  expect(isUnannotated({ annotationChange: { notedAt: at(0), writtenAt: at(1) } })).toBe(true);
  expect(isUnannotated({ annotationChange: { notedAt: at(0), writtenAt: at(1), undoneAt: at(2) } })).toBe(false);
});

it("irsaRoleOf is the add-on's or the service account's, or none", () => {
  expect(irsaRoleOf({ addon: anAddon() })).toBe(ROLE);
  expect(irsaRoleOf({ serviceAccount: aState({ roleArn: OTHER_ROLE }) })).toBe(OTHER_ROLE);
  expect(irsaRoleOf({ addon: anAddon({ serviceAccountRoleArn: undefined }) })).toBeUndefined();
  expect(irsaRoleOf({})).toBeUndefined();
});
