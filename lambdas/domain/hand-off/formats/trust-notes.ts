/** Notes on associations and trust policies, for formats whose code cannot contain a part of them. */
import { accountOf } from '../../terms/subject.ts';
import type { HandOff, HandOffAssociation } from '../../terms/hand-off.ts';
import { comment, commented, item, UNKNOWN_ID } from './text.ts';

/** Returns a sentence and a list of the associations with this action; nothing if there is none. */
export function idLines({ associations }: HandOff, action: HandOffAssociation['action'], sentence: string): string[] {
  const all = associations.filter((one) => one.action === action);
  return all.length === 0
    ? []
    : [
        ...comment(sentence),
        ...all.flatMap((one) => item(`${one.id ?? UNKNOWN_ID} for ${accountOf(one)}, role ${one.roleArn}`)),
      ];
}

/** Returns the title of the list of deleted associations. */
export const goneTitle = ({ state }: HandOff): string =>
  state === 'planned' ? 'Associations that the migration deletes' : 'Associations that no longer exist';

/** Returns what the code of each role needs. The statement is a comment: code with it alone would replace the policy. */
export const trustNotes = (
  { trust }: HandOff,
  policy: string,
  write: (statement: Readonly<Record<string, unknown>>) => string[],
): string[] =>
  trust.flatMap(({ roleArn, action, statement, kept }) => [
    ...comment(
      action === 'add'
        ? `Add this statement to ${policy} of role ${roleArn}:`
        : `Remove this statement from ${policy} of role ${roleArn}:`,
    ),
    ...commented(write(statement)),
    ...(action === 'remove' && kept
      ? [...comment('Put this one in its place, which allows the other principals:'), ...commented(write(kept))]
      : []),
  ]);
