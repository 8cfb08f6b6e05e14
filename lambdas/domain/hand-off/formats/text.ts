/** Parts that all formats share: comments, and sentences about the hand-off. Every format has comments that begin with `#`. */
import { accountOf } from '../../terms/subject.ts';
import { printable } from '../../text/text.ts';
import type { HandOff } from '../../terms/hand-off.ts';

const WIDTH = 80;

/**
 * Returns a sentence as comment lines. Characters that would end the line are escaped. Words are never cut; `hang` is
 * the indentation of the lines after the first.
 */
export function comment(sentence: string, hang = ''): string[] {
  const lines: string[] = [];
  for (const word of printable(sentence).split(' ')) {
    const last = lines.at(-1);
    if (last !== undefined && last.length + 1 + word.length <= WIDTH - 2) lines[lines.length - 1] = `${last} ${word}`;
    else lines.push(lines.length === 0 ? word : hang + word);
  }
  return lines.map((line) => `# ${line}`.trimEnd());
}

/** Returns a list item as comment lines. */
export const item = (sentence: string): string[] => comment(`- ${sentence}`, '  ');

/** Returns lines of code as comments. */
export const commented = (lines: readonly string[]): string[] =>
  lines.map((line) => `#   ${printable(line)}`.trimEnd());

/** A part of the document: a title, then comments and code. */
export interface Section {
  title: string;
  lines: readonly string[];
}

/** Returns a document: sections with a blank line between them. Sections without lines are left out. */
export const documentOf = (sections: readonly Section[]): string =>
  `${sections
    .filter(({ lines }) => lines.length > 0)
    .map(({ title, lines }) => [...comment(`== ${title} ==`), ...lines].join('\n'))
    .join('\n\n')}\n`;

const STATES: Readonly<Record<HandOff['state'], string>> = {
  planned: 'This is what the code must contain after the planned migration.',
  migrated: 'This is what the code must contain after the migration.',
  'rolled-back': 'The migration was rolled back: this is what the code must contain again.',
  retired: 'IRSA was removed from the trust policies: this is what the code must contain now.',
  found: 'This describes what is in the account now.',
};

/** Stands for an id that does not exist yet. */
export const UNKNOWN_ID = 'ASSOCIATION-ID';

/** Returns the name of the subject with its cluster. */
export const subjectTitle = ({ addon, serviceAccount, target }: HandOff): string =>
  `${addon ? `Add-on ${addon.name}` : serviceAccount ? `Service account ${serviceAccount.namespace}/${serviceAccount.name}` : 'Cluster'}, cluster ${target.cluster}`;

/**
 * Returns the first section: what the document describes, and in which order to proceed. The order is that of tools which
 * read the account before they plan; `other` is the name of a tool that does not.
 */
export function introduction(handOff: HandOff, other?: string): Section {
  const { target, state, order } = handOff;
  return {
    title: `Hand-off: ${subjectTitle(handOff)}`,
    lines: [
      ...comment(`Account ${target.account}, region ${target.region}. ${STATES[state]}`),
      ...order.flatMap((sentence, at) => comment(`${at + 1}. ${sentence}`, '   ')),
      ...(other !== undefined && state !== 'found' && order.length > 0
        ? comment(`What ${other} does with the former code may differ from that: see "What goes wrong".`)
        : []),
    ],
  };
}

/** Returns the last part of a role's ARN. */
export const roleName = (arn: string): string => arn.slice(arn.lastIndexOf('/') + 1);

const FIELDS = {
  targetRoleArn: 'target role',
  policy: 'session policy',
  disableSessionTags: 'setting of session tags',
  tags: 'tags',
} as const;

/** Returns the section on settings that the add-on's code cannot contain. */
export const notInCodeSection = ({ notInCode }: HandOff, code: string): Section => ({
  title: 'Not in the code',
  lines:
    notInCode.length === 0
      ? []
      : [
          ...comment(
            `${code} cannot contain these settings. The next apply keeps them. A later change of the list of associations may remove them: check them after each such change.`,
          ),
          ...notInCode.flatMap((one) =>
            item(`${accountOf(one)}: ${one.fields.map((field) => FIELDS[field]).join(', ')}`),
          ),
        ],
});
