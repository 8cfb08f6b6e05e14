/** Builds the configuration that clusters need: each role by its ARN, with a comment on who uses it. */
import { Document, isMap, isSeq, type YAMLSeq } from 'yaml';
import { clusterArn } from '../../lambdas/domain/aws/arn.ts';
import type { Target } from '../../lambdas/domain/migration/model.ts';
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

const nameOf = ({ target: { cluster }, subject }: SubjectSettings): string => `${cluster}: ${subject}`;

/** Returns each role once, in alphabetical order, with the subjects that use it. */
const entriesOf = (
  subjects: readonly SubjectSettings[],
  rolesOf: (subject: SubjectSettings) => readonly string[],
): Entry<string>[] => {
  const users = new Map<string, string[]>();
  for (const subject of subjects)
    for (const arn of rolesOf(subject)) {
      const pattern = patternOf(arn);
      users.set(pattern, [...(users.get(pattern) ?? []), nameOf(subject)]);
    }
  return [...users].sort(([a], [b]) => (a < b ? -1 : 1)).map(([value, comments]) => ({ value, comments }));
};

/** `targets`: the clusters that were read, of one account. */
export const suggestionFor = (targets: readonly Target[], subjects: readonly SubjectSettings[]): Suggestion => {
  const grants = subjects.flatMap((subject) =>
    subject.grants.map(({ why, roleArn, ...account }) => ({
      value: grantFor(patternOf(roleArn), { target: subject.target, ...account }),
      comments: [nameOf(subject), ...why.map((reason) => `Nothing else shows that it may have the role: ${reason}.`)],
    })),
  );
  // A sole account is that of all clusters; a cluster is needed to have one.
  const [first] = targets;
  return {
    passable: entriesOf(subjects, ({ passed }) => passed),
    repairable: entriesOf(subjects, ({ repaired }) => repaired),
    grants: [...new Map(grants.map((entry) => [JSON.stringify(entry.value), entry])).values()],
    regions: [...new Set(targets.map(({ region }) => region))].sort(),
    account: first?.account ?? '',
  };
};

export const configurationOf = ({ passable, repairable, grants, regions }: Suggestion): SuggestedConfiguration => ({
  passableRoleArns: passable.map(({ value }) => value),
  ...(repairable.length === 0 ? {} : { repairableRoleArns: repairable.map(({ value }) => value) }),
  ...(grants.length === 0 ? {} : { roleGrants: grants.map(({ value }) => value) }),
  ...(regions.length < 2 ? {} : { regions }),
});

const TITLES: Record<keyof SuggestedConfiguration, string> = {
  passableRoleArns: ' The roles that the service may hand to EKS and to pods.',
  repairableRoleArns:
    ' The roles whose trust policy the service may change. Each of these does not trust EKS Pod Identity yet, and needs\n --trust repair. A principal that may change a trust policy can assume the role: remove those that you change yourself.',
  roleGrants:
    ' Roles that service accounts may be given although neither a trust policy nor an association shows it. Ask the owner of\n each role, and remove the entries that are not intended.',
  regions: ' The regions that a sweep inspects if its request names none.',
};

const commentOf = (lines: readonly string[]): string => lines.map((line) => ` ${printable(line)}`).join('\n');

/** Returns the file. `unread`: what could not be read. */
export const yamlOf = (
  suggestion: Suggestion,
  targets: readonly Target[],
  unread: readonly { what: string; why: string }[],
): string => {
  const configuration = configurationOf(suggestion);
  const document = new Document(configuration);
  document.commentBefore = commentOf([
    'Suggested by "pod-identity suggest-config" for:',
    ...targets.map((target) => `  ${clusterArn(target)}`),
    ...unread.map(({ what, why }) => `NOT READ: ${what}: ${why}`),
    `If the service is deployed in another account than these clusters, add: accounts: ['${suggestion.account}']`,
    'docs/configuration.md describes every setting.',
  ]);
  const comments: Partial<Record<string, Entry<unknown>[]>> = {
    passableRoleArns: suggestion.passable,
    repairableRoleArns: suggestion.repairable,
    roleGrants: suggestion.grants,
  };
  if (!isMap(document.contents)) return document.toString();
  for (const [index, { key, value }] of document.contents.items.entries()) {
    const name = String(key);
    if (typeof key === 'object' && key !== null)
      Object.assign(key, { spaceBefore: index > 0, commentBefore: TITLES[name as keyof SuggestedConfiguration] });
    if (isSeq(value)) annotate(value, comments[name] ?? []);
  }
  return document.toString({ lineWidth: 0 });
};

const annotate = (list: YAMLSeq, entries: readonly Entry<unknown>[]): void => {
  for (const [index, item] of list.items.entries()) {
    const entry = entries[index];
    if (entry && typeof item === 'object' && item !== null)
      Object.assign(item, { commentBefore: commentOf(entry.comments) });
  }
};
