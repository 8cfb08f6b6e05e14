/**
 * What a person has decided. A migration that ends `needs-human` hands a person commands; the last of them is a
 * rollback, and whoever asks for it has seen what another principal did. So that rollback, and each that takes it over,
 * leaves what is in the table as it is, where the migration by itself would stop.
 */
import type { Association, Check, Migration } from '../migration/model.ts';
import { warn } from '../plan/check.ts';

/**
 * What another principal can have done meanwhile, and whether that rollback takes it as it is. Where it does not, the
 * commands before it have undone it, and what is there again was done since: the new hand-off has new commands.
 */
const TAKEN = {
  /** Another version, other configuration values. */
  'addon-changed': true,
  /** The add-on was deleted and created again, by another principal or by the commands. */
  'addon-created-again': true,
  /** The commands create it. */
  'addon-deleted': false,
  /** The commands give it the role back. */
  'addon-role': false,
  /** Of a service account of which the snapshot has none that needs its place. */
  'association-created': true,
  'annotation-changed': true,
  'service-account-created-again': true,
  /** Pods would have no role: the commands annotate it, and say who creates it. */
  'annotation-removed': false,
  'service-account-deleted': false,
} as const;

export type Doing = keyof typeof TAKEN;

/**
 * Whether a person asked for this rollback after a hand-off. One whose execution stopped is gone on with: it keeps what
 * the migration had ended as, whoever goes on with it.
 */
export const decidedByPerson = ({ rollback }: Pick<Migration, 'rollback'>): boolean =>
  rollback?.after === 'needs-human';

/** Whether the rollback leaves that as it is: another principal did it, and a person has decided since. */
export const isTaken = (record: Pick<Migration, 'rollback'>, doing: Doing): boolean =>
  TAKEN[doing] && decidedByPerson(record);

/** The associations of other principals that a rollback leaves; none where nobody has decided. */
export const takenAssociations = (
  record: Pick<Migration, 'rollback'>,
  others: readonly Association[],
): readonly Association[] => (isTaken(record, 'association-created') ? others : []);

/** Id of the warning. */
export const LEFT_AS_CHANGED = 'left-as-changed';

/** Returns a warning with what a rollback has left as another principal made it, if there is anything. */
export const leftAsChanged = (changes: readonly string[]): Check[] =>
  changes.length === 0
    ? []
    : [
        warn(
          LEFT_AS_CHANGED,
          `What another principal changed was left as it is, since a person asked for the rollback after the hand-off: ${changes.join('; ')}.`,
          'Nothing has to be done if that is wanted. The snapshot in the ledger has what was there before.',
        ),
      ];
