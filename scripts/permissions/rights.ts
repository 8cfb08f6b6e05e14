/** Splits policies into single rights: an action on a resource under a condition. */
import { z } from 'zod';
import type { AssemblyRole } from '../../sandbox/assembly/roles.ts';
import { accessOf, exceptionOf } from './actions.ts';
import { byText } from './names.ts';

export interface Right {
  readonly action: string;
  readonly resource: string;
  /** The condition as text from `conditionText`; empty for none. */
  readonly condition: string;
}
/** A right with its reason. */
export interface Reason extends Right {
  readonly why: string;
}

type Conditions = Record<string, Record<string, string | string[]>>;

/** Returns text such as `` `iam:PassedToService` StringEquals `eks.amazonaws.com` ``, equal for equal conditions. */
export const conditionText = (conditions: Conditions = {}): string =>
  Object.entries(conditions)
    .flatMap(([operator, keys]) =>
      Object.entries(keys).map(
        ([key, values]) =>
          `\`${key}\` ${operator} ${[values]
            .flat()
            .sort(byText)
            .map((value) => `\`${value}\``)
            .join(' or ')}`,
      ),
    )
    .sort(byText)
    .join(', and ');

export const keyOf = ({ action, resource, condition }: Right): string => [action, resource, condition].join('\n');
const said = ({ action, resource, condition }: Right): string =>
  `${action} on ${resource}${condition === '' ? '' : ` where ${condition}`}`;

const texts = z.union([z.string(), z.array(z.string())]).transform((value) => [value].flat());
/** Only this form can be shown as a table: what a Deny, a NotAction or a NotResource leaves is not obvious. */
const statement = z.strictObject({
  Sid: z.string().optional(),
  Effect: z.literal('Allow'),
  Action: texts,
  Resource: texts,
  Condition: z.record(z.string(), z.record(z.string(), z.union([z.string(), z.array(z.string())]))).optional(),
});
const document = z.strictObject({
  Version: z.literal('2012-10-17'),
  Statement: z.union([statement.transform((one) => [one]), z.array(statement)]),
});

export interface Rights {
  /** Rights, sorted and without duplicates. */
  readonly rights: readonly Right[];
  /** Problems that cannot be shown or should not exist, a sentence each. */
  readonly problems: readonly string[];
}

const problemsOf = ({ action, resource }: Right, role: string): string[] => {
  if (accessOf(action) === undefined)
    return [
      `${role} may ${action}, whose access level is not known: look it up in the Service Authorization Reference and add it to scripts/permissions/actions.ts`,
    ];
  if (resource === '*' && exceptionOf(action) === undefined)
    return [`${role} may ${action} on every resource, although IAM knows narrower ones for it`];
  return [];
};

/** Returns all rights of a role from its policies. `name` is used in problems. */
export const rightsOf = (role: AssemblyRole, name: string): Rights => {
  const problems = role.managedPolicyArns.map(
    (arn) => `${name} has the managed policy ${arn}, and what that allows is not in the template`,
  );
  const rights = new Map<string, Right>();
  for (const policy of role.policies) {
    const parsed = document.safeParse(policy.document);
    if (!parsed.success) {
      problems.push(
        `${name} has the policy ${policy.name}, which can't be shown as a table: ${parsed.error.issues.map(({ path, message }) => `${path.join('.')}: ${message}`).join('; ')}`,
      );
      continue;
    }
    for (const { Action: actions, Resource: resources, Condition: conditions } of parsed.data.Statement) {
      for (const right of actions.flatMap((action) =>
        resources.map((resource): Right => ({ action, resource, condition: conditionText(conditions) })),
      ))
        rights.set(keyOf(right), right);
    }
  }
  const sorted = [...rights.values()].sort((a, b) => byText(keyOf(a), keyOf(b)));
  return {
    rights: sorted,
    problems: [...new Set([...problems, ...sorted.flatMap((right) => problemsOf(right, name))])],
  };
};

/** Returns a sentence for each right of a role without a reason, and for each reason without a right. */
export const unmatched = (rights: readonly Right[], reasons: readonly Reason[], name: string): string[] => {
  const [may, explained] = [new Set(rights.map(keyOf)), new Set(reasons.map(keyOf))];
  return [
    ...rights
      .filter((right) => !explained.has(keyOf(right)))
      .map((right) => `the template lets ${name} do ${said(right)}, and no grant says why`),
    ...reasons
      .filter((reason) => !may.has(keyOf(reason)))
      .map(
        (reason) =>
          `a grant says why ${name} may do ${said(reason)} ("${reason.why}"), and the template does not let it`,
      ),
  ];
};
