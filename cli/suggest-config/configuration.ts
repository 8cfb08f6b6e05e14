/** Builds the configuration that clusters need: each role by its ARN, with a comment on who uses it. */
import { Document, isSeq, type YAMLSeq } from 'yaml';
import { clusterArn } from '../../lambdas/domain/aws/arn.ts';
import type { Target } from '../../lambdas/domain/terms/subject.ts';
import { grantFor, type RoleGrant } from '../../lambdas/domain/settings/role-grants.ts';
import { printable } from '../../lambdas/domain/text/text.ts';
import type { SubjectSettings } from '../../lambdas/use-cases/overview/needed-settings.ts';

export interface SuggestedConfiguration {
  passableRoleArns: string[];
  repairableRoleArns?: string[];
  roleGrants?: RoleGrant[];
  regions?: string[];
}

interface Entry<Value> {
  value: Value;
  /** One line each. */
  comments: string[];
  /** Nothing but the annotation of a service account shows it, so it is proposed as a comment. */
  isOnlyAnnotated: boolean;
}

export interface Suggestion {
  passable: Entry<string>[];
  repairable: Entry<string>[];
  grants: Entry<RoleGrant>[];
  /** Of the clusters, in alphabetical order. */
  regions: string[];
  account: string;
}

/** A comma would separate patterns on CDK's command line, so that no pattern may have one: `?` matches it. */
const patternOf = (arn: string): string => arn.replaceAll(',', '?');

/** Returns whether only the annotation of the subject's service account shows that it may have the role. */
const isAnnotatedFor = ({ grants }: SubjectSettings, arn: string): boolean =>
  grants.some((grant) => grant.roleArn === arn && grant.isOnlyAnnotated);

const nameOf = ({ target: { cluster }, subject }: SubjectSettings): string => `${cluster}: ${subject}`;

/** Returns each role once, in alphabetical order, with the subjects that use it. */
const entriesOf = (
  subjects: readonly SubjectSettings[],
  rolesOf: (subject: SubjectSettings) => readonly string[],
): Entry<string>[] => {
  const users = new Map<string, Entry<string>>();
  for (const subject of subjects)
    for (const arn of rolesOf(subject)) {
      const value = patternOf(arn);
      const entry = users.get(value) ?? { value, comments: [], isOnlyAnnotated: true };
      const isAnnotated = isAnnotatedFor(subject, arn);
      entry.comments.push(`${nameOf(subject)}${isAnnotated ? ', by its annotation alone' : ''}`);
      entry.isOnlyAnnotated &&= isAnnotated;
      users.set(value, entry);
    }
  return [...users.values()].sort((a, b) => (a.value < b.value ? -1 : 1));
};

/** `targets`: the clusters that were read, of one account. */
export const suggestionFor = (targets: readonly Target[], subjects: readonly SubjectSettings[]): Suggestion => {
  const grants = subjects.flatMap((subject) =>
    subject.grants.map(({ why, roleArn, isOnlyAnnotated, namespace, serviceAccount }) => ({
      value: grantFor(patternOf(roleArn), { target: subject.target, namespace, serviceAccount }),
      comments: [nameOf(subject), ...why.map((reason) => `Nothing else shows that it may have the role: ${reason}.`)],
      isOnlyAnnotated,
    })),
  );
  // A sole account is that of all clusters; a cluster is needed to have one.
  const [first] = targets;
  return {
    passable: entriesOf(subjects, ({ passed }) => passed),
    repairable: entriesOf(subjects, ({ repaired }) => repaired),
    grants: [
      ...new Map(
        grants
          // Of two equal entries, the last one counts.
          .toSorted((a, b) => Number(b.isOnlyAnnotated) - Number(a.isOnlyAnnotated))
          .map((entry) => [JSON.stringify(entry.value), entry]),
      ).values(),
    ],
    regions: [...new Set(targets.map(({ region }) => region))].sort(),
    account: first?.account ?? '',
  };
};

const activeIn = <Value>(entries: readonly Entry<Value>[]): Value[] =>
  entries.flatMap(({ value, isOnlyAnnotated }) => (isOnlyAnnotated ? [] : [value]));

/**
 * Returns the configuration without what only an annotation shows. `passableRoleArns` limits the roles that the service
 * can use, not who gets one, and has them all.
 */
export const configurationOf = ({ passable, repairable, grants, regions }: Suggestion): SuggestedConfiguration => {
  const [repairableRoleArns, roleGrants] = [activeIn(repairable), activeIn(grants)];
  return {
    passableRoleArns: passable.map(({ value }) => value),
    ...(repairableRoleArns.length === 0 ? {} : { repairableRoleArns }),
    ...(roleGrants.length === 0 ? {} : { roleGrants }),
    ...(regions.length < 2 ? {} : { regions }),
  };
};

const TITLES: Record<keyof SuggestedConfiguration, string[]> = {
  passableRoleArns: ['The roles that the service may hand to EKS and to pods.'],
  repairableRoleArns: [
    'The roles whose trust policy the service may change. Each of these does not trust EKS Pod Identity yet, and needs',
    '--trust repair. A principal that may change a trust policy can assume the role: remove those that you change yourself.',
  ],
  roleGrants: [
    'Roles that service accounts may be given although neither a trust policy nor an association shows it. Ask the owner of',
    'each role, and remove the entries that are not intended.',
  ],
  regions: ['The regions that a sweep inspects if its request names none.'],
};

/** Why an entry is a comment, and how to accept it. */
const COMMENTED_OUT = [
  'NOT ACTIVE: the following lines that begin with "#" are proposed because of an annotation alone. Anyone who may edit a',
  'service account can write it, with the role of another team. Ask the owner of the role whether the service account may',
  'have it; if so, remove the "#" at the beginning of the lines, in each list that has the role.',
];

const commentOf = (lines: readonly string[]): string => lines.map((line) => ` ${printable(line)}`).join('\n');

const commentLines = (lines: readonly string[], indent = ''): string =>
  lines.map((line) => `${indent}# ${printable(line)}\n`).join('');

/** Returns a setting as YAML, with a comment at each entry of a list. */
const settingOf = (name: string, value: unknown, entries: readonly Entry<unknown>[] = []): string => {
  const document = new Document({ [name]: value });
  const list = document.get(name);
  if (isSeq(list)) annotate(list, entries);
  return document.toString({ lineWidth: 0 });
};

/** Returns YAML in which each line is a comment. Without the `#` at the beginning of lines, it is the same YAML again. */
const commentedOut = (yaml: string): string => yaml.replaceAll(/^(?! *#)(?=.)/gm, '#');

/** Returns a list with its title. What only annotations show follows as comments, below the name of the list. */
const sectionOf = (name: keyof SuggestedConfiguration, entries: readonly Entry<unknown>[]): string => {
  const [active, inactive] = [false, true].map((wanted) => entries.filter((one) => one.isOnlyAnnotated === wanted));
  const textOf = (list: readonly Entry<unknown>[] = []): string =>
    list.length === 0
      ? ''
      : settingOf(
          name,
          list.map(({ value }) => value),
          list,
        );
  const title = commentLines(TITLES[name]);
  const proposed = textOf(inactive);
  if (proposed === '') return `${title}${textOf(active)}`;
  // An active list has the name already.
  const continued = active?.length ? proposed.replace(/^.*\n/, '') : proposed;
  return `${title}${textOf(active)}${commentLines(COMMENTED_OUT, '  ')}${commentedOut(continued)}`;
};

/** Returns the file. `unread`: what could not be read. */
export const yamlOf = (
  { passable, repairable, grants, regions, account }: Suggestion,
  targets: readonly Target[],
  unread: readonly { what: string; why: string }[],
): string => {
  const header = commentLines([
    'Suggested by "pod-identity suggest-config" for:',
    ...targets.map((target) => `  ${clusterArn(target)}`),
    ...unread.map(({ what, why }) => `NOT READ: ${what}: ${why}`),
    `If the service is deployed in another account than these clusters, add: accounts: ['${account}']`,
    'docs/configuration.md describes every setting.',
  ]);
  const active = <Value>(value: Value): Entry<Value> => ({ value, comments: [], isOnlyAnnotated: false });
  const lists: [keyof SuggestedConfiguration, readonly Entry<unknown>[]][] = [
    ['passableRoleArns', passable.map((one) => ({ ...one, isOnlyAnnotated: false }))],
    ['repairableRoleArns', repairable],
    ['roleGrants', grants],
    ['regions', regions.length < 2 ? [] : regions.map(active)],
  ];
  const sections = lists.filter(([, entries]) => entries.length > 0).map(([name, entries]) => sectionOf(name, entries));
  return `${header}\n${sections.join('\n')}`;
};

const annotate = (list: YAMLSeq, entries: readonly Entry<unknown>[]): void => {
  for (const [index, item] of list.items.entries()) {
    const comments = entries[index]?.comments ?? [];
    if (comments.length > 0 && typeof item === 'object' && item !== null)
      Object.assign(item, { commentBefore: commentOf(comments) });
  }
};
