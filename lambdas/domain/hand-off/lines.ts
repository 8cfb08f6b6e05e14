/** A hand-off as a few lines for a message, and the command that prints all of it. */
import { accountOf } from '../terms/subject.ts';
import { shellCommand } from '../text/shell.ts';
import type { HandOff, HandOffAssociation, HandOffFormat } from '../terms/hand-off.ts';

/** Returns the command that prints the code for a migration of the deployed service. */
export const handOffCommand = (migrationId: string, format: HandOffFormat = 'terraform'): string =>
  shellCommand(['pod-identity', 'hand-off', migrationId, '--format', format, '--deployed']);

const ASSOCIATION_LINES: Record<HandOffAssociation['action'], (one: HandOffAssociation) => string[]> = {
  import: (one) => [`+ standalone association ${accountOf(one)} with ${one.roleArn}, to be imported`],
  // The add-on's own lines name it.
  'do-not-import': () => [],
  remove: ({ id = '', ...one }) => [`- association ${id} of ${accountOf(one)}`],
};

const ANNOTATION_SIGNS = { remove: '-', restore: '+' } as const;

/** Returns a line for each change of the code: `+` for what it must contain, `-` for what it must not. */
export function changeLines({ addon, associations, trust, annotations }: HandOff): string[] {
  return [
    ...(addon?.removeRoleArn === undefined ? [] : [`- role ${addon.removeRoleArn} of the add-on`]),
    ...(addon?.addRoleArn === undefined ? [] : [`+ role ${addon.addRoleArn} of the add-on`]),
    ...(addon?.associations ?? []).map(
      ({ roleArn, ...one }) => `+ association ${accountOf(one)} with ${roleArn}, of the add-on`,
    ),
    ...(addon?.associations.length === 0 ? ['- every association of the add-on'] : []),
    ...associations.flatMap((one) => ASSOCIATION_LINES[one.action](one)),
    ...trust.map(
      ({ action, roleArn }) => `${action === 'add' ? '+' : '-'} one statement in the trust policy of ${roleArn}`,
    ),
    ...annotations.flatMap(({ action, ...one }) =>
      action === 'keep' ? [] : [`${ANNOTATION_SIGNS[action]} annotation of ${accountOf(one)}`],
    ),
  ];
}
