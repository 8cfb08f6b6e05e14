/**
 * What a person has decided. A migration that ends `needs-human` hands commands to a person. The last of them is a
 * rollback, and the person who requests it has seen what another principal did. That rollback, and each execution that
 * takes it over, therefore keeps the changes in the table, whereas an automatic rollback would stop.
 */
import type { Association } from '../terms/observed.ts';
import { type Check, warn } from '../terms/check.ts';
import type { Migration } from '../record/migration.ts';

/**
 * The changes that another principal can have made, and whether such a rollback keeps them. If it does not, the
 * commands
 * before it have undone the change, and a change that is found was made later: the record gets new restore commands.
 */
const TAKEN = {
  /** The version or the configuration values were changed. */
  'addon-changed': true,
  /** The add-on was deleted and created again, by another principal or by the commands. */
  'addon-created-again': true,
  /** The commands create it. */
  'addon-deleted': false,
  /** The commands restore the role. */
  'addon-role': false,
  /** For a service account whose association does not have to be restored from the snapshot. */
  'association-created': true,
  'annotation-changed': true,
  'service-account-created-again': true,
  /** Pods would have no role: the commands annotate the service account, and show how to create it. */
  'annotation-removed': false,
  'service-account-deleted': false,
} as const;

export type Doing = keyof typeof TAKEN;

/**
 * Returns whether a person requested this rollback after `needs-human`. If its execution stops and another one continues
 * the
 * rollback, it keeps the outcome that the migration had before.
 */
export const decidedByPerson = ({ rollback }: Pick<Migration, 'rollback'>): boolean =>
  rollback?.after === 'needs-human';

/** Returns whether the rollback keeps a change of another principal, because a person has decided since. */
export const isTaken = (record: Pick<Migration, 'rollback'>, doing: Doing): boolean =>
  TAKEN[doing] && decidedByPerson(record);

/** Returns the third-party associations that a rollback keeps; none if no person has decided. */
export const takenAssociations = (
  record: Pick<Migration, 'rollback'>,
  others: readonly Association[],
): readonly Association[] => (isTaken(record, 'association-created') ? others : []);

/** The id of the warning. */
export const LEFT_AS_CHANGED = 'left-as-changed';

/** Returns a warning with the changes of another principal that a rollback has kept, if there are any. */
export const leftAsChanged = (changes: readonly string[]): Check[] =>
  changes.length === 0
    ? []
    : [
        warn(
          LEFT_AS_CHANGED,
          `Changes by another principal were kept, since a person requested the rollback after needs-human: ${changes.join('; ')}.`,
          'If these changes are intended, nothing has to be done. The snapshot in the ledger has the previous state.',
        ),
      ];
