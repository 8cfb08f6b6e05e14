/**
 * The sentences of a hand-off for a person: who must not apply until when, what a pipeline that applies by itself would
 * do, and in which order to proceed. They hold for every tool that reads the account before it plans; what holds for one
 * tool only belongs to its format.
 */
import { accountOf, subjectOf, subjectText } from '../terms/subject.ts';
import { printable } from '../text/text.ts';
import type { HandOff, HandOffAssociation, HandOffTrust } from '../terms/hand-off.ts';
import type { HandOffContent } from './parts.ts';

/** What the sentences need and the rest of a hand-off does not have. */
export interface Notes {
  /** Ids of standalone associations that existed before the migration and that it keeps. */
  kept?: readonly string[];
  /** Service accounts, as `namespace/name`, that lose their identity, so that no association is missing for them. */
  lost?: readonly string[];
  /** Whether EKS still shows the former role of the add-on. */
  isRoleSet?: boolean;
  /** Id of the migration whose last retirement failed, so that the trust policy is not known. */
  failedRetirement?: string;
  /** Associations that a rollback created again, under new ids. */
  replaced?: readonly { was: string; now: string }[];
  /** Roles whose trust policy still has the statement that a rolled-back migration added. */
  left?: readonly string[];
}

const EXISTS = '"Association already exists"';
const ORDINARY = 'An ordinary plan reads the account first; it must show no changes.';
const NO_OLD_PLANS =
  'Do not apply a plan that was saved before the migration, and do not plan without reading the account, until one apply has saved the new state.';

const listed = (names: readonly string[]): string => names.join(', ');
const withAction = ({ associations }: HandOffContent, action: HandOffAssociation['action']): HandOffAssociation[] =>
  associations.filter((one) => one.action === action);
const rolesOf = (trust: readonly HandOffTrust[], action: HandOffTrust['action']): string[] => [
  ...new Set(trust.filter((one) => one.action === action).map(({ roleArn }) => roleArn)),
];

const subjectIn = ({ addon, serviceAccount }: HandOffContent): string =>
  subjectText(subjectOf({ addon: addon?.name, serviceAccount }));

/** Returns what an apply of the code from before the migration does to an add-on. */
const revertSentence = ({ addon }: HandOffContent): string => {
  const role = addon?.removeRoleArn;
  return `An apply of the old code succeeds without an error and reverts the migration: ${role === undefined ? 'it removes' : `it sets role ${role} again and removes`} the associations of the add-on, and the pods go back to IRSA.`;
};

/** Returns what the old values of a service account do to an annotation that the migration removes. */
const annotationSentences = ({ annotations }: HandOffContent): string[] =>
  annotations
    .filter(({ action }) => action === 'remove')
    .map(
      ({ namespace, serviceAccount }) =>
        `A release or a sync of the old values sets the annotation of ${namespace}/${serviceAccount} again, which has no effect while the association exists.`,
    );

function trustSentences({ trust, state }: HandOffContent): string[] {
  const roles = rolesOf(trust, 'add');
  if (roles.length === 0) return [];
  const without = `The trust policy of ${listed(roles)} needs its new statement in code, too: an apply without it removes the statement, and the pods look healthy until they get no credentials at their next refresh, which can be hours later.`;
  return state === 'planned'
    ? [
        without,
        'The statement may also be merged and applied before the migration, which then finds nothing to repair.',
      ]
    : [without];
}

/** Returns the sentence about standalone associations that no code has yet. */
function importSentences(associations: readonly HandOffAssociation[], isPlan: boolean): string[] {
  if (associations.length === 0) return [];
  const [which, are, them] =
    associations.length === 1 ? ['The association', 'is', 'it'] : ['The associations', 'are', 'them'];
  return [
    `${which} of ${listed(associations.map(accountOf))} ${are} standalone: import ${them} ${isPlan ? 'after the migration, ' : ''}with the code, whose apply otherwise fails with ${EXISTS}.`,
  ];
}

const keptSentence = (one: HandOffAssociation): string =>
  `Association ${one.id ?? ''} of ${accountOf(one)} existed before and is kept: if code has it already, nothing changes for it.`;

const DESTROYING_NOTHING = 'remove it from code and state without destroying anything';

const purgedSentence = (one: HandOffAssociation, isPlan: boolean): string =>
  `Association ${one.id ?? ''} of ${accountOf(one)} ${isPlan ? 'is deleted by the migration' : 'no longer exists'}: if code has a resource for it, ${DESTROYING_NOTHING}${isPlan ? ', in the same commit' : ''}; an apply with it fails with ${EXISTS}.`;

/** Returns the sentences about associations that need an import, or that no longer exist. */
function associationSentences(content: HandOffContent, { kept = [] }: Notes): string[] {
  const isPlan = content.state === 'planned';
  const isKept = ({ id }: HandOffAssociation): boolean => id !== undefined && kept.includes(id);
  const imported = withAction(content, 'import');
  return [
    ...importSentences(
      imported.filter((one) => !isKept(one)),
      isPlan,
    ),
    ...imported.filter(isKept).map(keptSentence),
    ...withAction(content, 'remove').map((one) => purgedSentence(one, isPlan)),
  ];
}

const lossSentences = ({ lost = [] }: Notes): string[] =>
  lost.length === 0
    ? []
    : [`There is no association for ${listed(lost)}: the request accepts the loss of the role of the add-on.`];

function plannedOrder(content: HandOffContent, notes: Notes): string[] {
  const subject = subjectIn(content);
  return [
    ...(content.addon
      ? [
          `From the migration until the new code is merged, nobody may apply the code that defines ${subject}.`,
          `${revertSentence(content)} A pipeline that applies by itself does so at its next run: pause it before the migration.`,
        ]
      : [
          `From the migration until the new code is merged, nobody may apply code that defines ${subject}, its association or its role.`,
        ]),
    ...trustSentences(content),
    ...associationSentences(content, notes),
    ...annotationSentences(content),
    ...lossSentences(notes),
    `Order: review this change; pause pipelines; migrate; merge the change; plan. ${ORDINARY} Then resume the pipelines. ${NO_OLD_PLANS}`,
  ];
}

function migratedOrder(content: HandOffContent, notes: Notes): string[] {
  const subject = subjectIn(content);
  const retired = rolesOf(content.trust, 'remove');
  const former = content.addon?.removeRoleArn;
  return [
    `Until this change is merged, nobody may apply code that defines ${subject}${content.addon ? '' : ', its association or its role'}.`,
    ...(content.addon
      ? [
          retired.length > 0
            ? `An apply of the code from before the migration succeeds without an error: it gives the add-on ${former === undefined ? 'its former role' : `role ${former}`} by IRSA, which no longer allows its pods, and they lose their access to AWS. A pipeline that applies by itself does so at its next run.`
            : `${revertSentence(content)} A pipeline that applies by itself does so at its next run: pause it until then.`,
        ]
      : []),
    ...(notes.isRoleSet === true
      ? [
          `EKS still shows role ${content.addon?.addRoleArn ?? ''} on the add-on, although its pods are configured for EKS Pod Identity: keep the role in the code, since EKS refuses the call of a tool that removes it.`,
        ]
      : []),
    ...(notes.failedRetirement === undefined
      ? []
      : [
          `The last retirement ended with an error and may have changed the trust policy all the same: request it again (pod-identity retire ${notes.failedRetirement}) before you change the code of the role.`,
        ]),
    ...retired.map(
      (role) =>
        `The OIDC statement was removed from the trust policy of ${role}: remove it from the code of the role before its next apply, which would restore it.`,
    ),
    ...trustSentences(content),
    ...associationSentences(content, notes),
    ...annotationSentences(content),
    ...lossSentences(notes),
    `Order: nobody applies; merge this change; plan. ${ORDINARY} ${NO_OLD_PLANS}`,
  ];
}

function rolledBackOrder(content: HandOffContent, { replaced = [], left = [] }: Notes): string[] {
  const subject = subjectIn(content);
  const role = content.addon?.addRoleArn;
  return [
    `The state before the migration is restored. If the change for the migration was merged, revert it before the next apply of the code that defines ${subject}; until then, nobody may apply it.`,
    ...(content.addon
      ? [
          `With the merged change, the next apply of a tool that sends an empty role is refused (Cross-account pass role is not allowed), and another tool's apply migrates the add-on again${role === undefined ? '' : `, without role ${role}`} and without any verification of its pods.`,
        ]
      : ['With the merged change, the next apply creates the association again, and new pods use it.']),
    ...replaced.map(
      ({ was, now }) =>
        `Association ${was} was created again as ${now}: if code has a resource for ${was}, remove it from the state without destroying anything, and import ${now} for it.`,
    ),
    ...withAction(content, 'remove').map(
      (one) =>
        `Association ${one.id ?? ''} of ${accountOf(one)}, which the migration had created, no longer exists: if it was imported, ${DESTROYING_NOTHING}; an apply with it creates it again.`,
    ),
    ...rolesOf(content.trust, 'remove').map(
      (one) =>
        `The statement that the migration added to the trust policy of ${one} was removed: if the code of the role has it, remove it before the next apply, which would add it again.`,
    ),
    ...left.map(
      (one) =>
        `The trust policy of ${one} still has the statement that the migration added, and the restored state does not need it: the former code removes it at its next apply, unless another migration needs it in code.`,
    ),
    `Order: nobody applies; revert the change; plan. ${ORDINARY}`,
  ];
}

function foundOrder(content: HandOffContent): string[] {
  return [
    `Code of ${subjectIn(content)} that differs from it changes the account at its next apply: until the difference is merged or intended, nobody may apply it.`,
    ...withAction(content, 'import').map(
      (one) =>
        `Association ${one.id ?? ''} of ${accountOf(one)} is standalone: if no code has it yet, import it with the code, whose apply otherwise fails with ${EXISTS}.`,
    ),
    ORDINARY,
  ];
}

/** Returns the sentences of a hand-off, with every name in them printable. */
export function orderOf(content: HandOffContent, notes: Notes = {}): string[] {
  const sentences = {
    planned: plannedOrder,
    migrated: migratedOrder,
    retired: migratedOrder,
    'rolled-back': rolledBackOrder,
    found: foundOrder,
  }[content.state](content, notes);
  return sentences.map(printable);
}

/** Returns, of the sentences before or after a migration, only those on who must not apply and what an apply would do. */
export const whoMustNotApply = ({ addon, order }: Pick<HandOff, 'addon' | 'order'>): string[] =>
  order.slice(0, addon === undefined ? 1 : 2);
