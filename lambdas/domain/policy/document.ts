/**
 * Reads IAM policy documents, and checks only their form, not what they allow. Element names, Effect and Version are
 * case-sensitive, since the grammar has them as literal strings. Source: IAM User Guide, "Grammar of the IAM JSON policy
 * language" and "IAM policy validation check reference".
 * https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_grammar.html
 */
import { below, eitherOf, object, onlyElements, PolicyProblem, strings } from './elements.ts';
import { readJson, type Json } from './json.ts';

/**
 * A role's trust policy names principals and no resource; an identity policy names resources and no principal. IAM stores
 * both. A resource policy, such as a bucket's, names principals and may name resources; its service stores it.
 */
export type PolicyKind = 'trust' | 'identity' | 'resource';
export type PolicyVersion = '2008-10-17' | '2012-10-17';

/** The patterns of `Action` or `Resource` or, negated, of `NotAction` or `NotResource`. */
export interface Patterns {
  negated: boolean;
  patterns: string[];
}

export type PrincipalType = 'AWS' | 'Service' | 'Federated' | 'CanonicalUser';

/** `Principal` or, negated, `NotPrincipal`. */
export interface Principals {
  negated: boolean;
  /** `*` or `{"AWS": "*"}`. */
  everybody: boolean;
  named: ReadonlyMap<PrincipalType, string[]>;
}

/** One key of one operator, both as written in the policy. */
export interface Condition {
  operator: string;
  key: string;
  wanted: string[];
}

export interface Statement {
  /** The `Sid`, or `statement N`, counted from 1. */
  label: string;
  effect: 'Allow' | 'Deny';
  action: Patterns;
  principals?: Principals;
  resource?: Patterns;
  conditions: Condition[];
  /** The version of its policy, which decides whether it can have policy variables. */
  version: PolicyVersion;
}

/**
 * A policy, or what is wrong with it. `path` is the position, such as `Statement[2].Condition.StringEquals` (counted
 * from 0) or `line 3, column 7`.
 */
export type ParsedPolicy =
  | { valid: true; version: PolicyVersion; statements: Statement[] }
  | { valid: false; reason: string; path: string };

/**
 * About ten times the longest policy that IAM stores (10,240 characters without white space). Source: IAM User Guide,
 * "IAM and AWS STS quotas".
 */
export const MAX_POLICY_CHARACTERS = 100_000;

/**
 * IAM refuses a wildcard in the name of a service: "Action vendors (e.g., aws, ec2, etc.) must not contain wildcards"
 * (theserverlessway/aws-baseline#1, boogy/iam-policy-validator#172).
 */
const hasWildcardService = (pattern: string): boolean =>
  /[*?]/.test(pattern.slice(0, Math.max(0, pattern.indexOf(':'))));

function actions(statement: Map<string, Json>, path: string, kind: PolicyKind): Patterns {
  const found = eitherOf(statement, 'Action', path);
  const patterns = strings(found.value, found.path);
  const open = kind === 'resource' ? undefined : patterns.find(hasWildcardService);
  if (open !== undefined)
    throw new PolicyProblem(
      found.path,
      `${JSON.stringify(open.slice(0, 100))} has a wildcard in its service: write the service's name, as in sts:AssumeRole*`,
    );
  const bare = patterns.find((pattern) => !/^(?:\*+|[^:]+:.+)$/s.test(pattern));
  if (bare !== undefined)
    throw new PolicyProblem(
      found.path,
      `${JSON.stringify(bare.slice(0, 100))} must be * or a service and an action, such as sts:AssumeRole`,
    );
  return { negated: found.negated, patterns };
}

function resources(statement: Map<string, Json>, path: string): Patterns {
  const found = eitherOf(statement, 'Resource', path);
  return { negated: found.negated, patterns: strings(found.value, found.path) };
}

const principalTypes: readonly string[] = ['AWS', 'Service', 'Federated', 'CanonicalUser'] satisfies PrincipalType[];

/** The check reference has "Error – Unsupported wildcard in principal". A wildcard never matches a part of a name. */
function services(value: Json, path: string): string[] {
  const names = strings(value, path);
  if (names.includes('*'))
    throw new PolicyProblem(path, '"*" does not match services: name each service, such as pods.eks.amazonaws.com');
  return names;
}

/**
 * "NotPrincipal must be used with "Effect":"Deny". Using it with "Effect":"Allow" is not supported. You cannot use the
 * NotPrincipal element in an IAM role trust policy" (IAM User Guide, "NotPrincipal"). `"Principal": "*"` is refused in
 * one, too: `AssumeRolepolicy contained an invalid principal: "STAR":"*"` (aws/aws-cdk#5732; with Deny: aws/aws-cdk#10994).
 */
function principals(statement: Map<string, Json>, path: string, kind: PolicyKind): Principals {
  const { negated, value, path: where } = eitherOf(statement, 'Principal', path);
  if (negated && statement.get('Effect') === 'Allow')
    throw new PolicyProblem(where, 'cannot be used with "Effect": "Allow": name the allowed principals with Principal');
  if (negated && kind === 'trust')
    throw new PolicyProblem(
      where,
      'is not supported in a trust policy: use Principal {"AWS": "*"} and a condition on aws:PrincipalArn',
    );
  if (value === '*' && kind === 'trust')
    throw new PolicyProblem(where, '"*" is not supported in a trust policy: write {"AWS": "*"}');
  if (value === '*') return { negated, everybody: true, named: new Map() };
  const named = new Map<PrincipalType, string[]>();
  const form = `${kind === 'trust' ? '' : '"*" or '}an object such as {"Service": "pods.eks.amazonaws.com"}`;
  for (const [type, who] of object(value, where, form)) {
    if (!principalTypes.includes(type))
      throw new PolicyProblem(below(where, type), `is not a principal type: use one of ${principalTypes.join(', ')}`);
    named.set(
      type as PrincipalType,
      type === 'Service' ? services(who, below(where, type)) : strings(who, below(where, type)),
    );
  }
  return { negated, everybody: named.get('AWS')?.includes('*') ?? false, named };
}

function conditions(value: Json | undefined, path: string): Condition[] {
  if (value === undefined) return [];
  return [...object(value, path, 'an object of condition operators')].flatMap(([operator, keys]) => {
    const where = below(path, operator);
    const seen = new Set<string>();
    return [...object(keys, where, 'an object of condition keys')].map(([key, wanted]) => {
      // The check reference has "Error – Duplicate keys with different case".
      if (seen.has(key.toLowerCase())) throw new PolicyProblem(below(where, key), 'occurs twice, in different case');
      seen.add(key.toLowerCase());
      return { operator, key, wanted: strings(wanted, below(where, key)) };
    });
  });
}

function effect(statement: Map<string, Json>, path: string): 'Allow' | 'Deny' {
  const value = statement.get('Effect');
  if (value === 'Allow' || value === 'Deny') return value;
  throw new PolicyProblem(below(path, 'Effect'), value === undefined ? 'is missing' : 'must be "Allow" or "Deny"');
}

function sid(statement: Map<string, Json>, path: string): string | undefined {
  const value = statement.get('Sid');
  if (value === undefined || typeof value === 'string') return value === '' ? undefined : value;
  throw new PolicyProblem(below(path, 'Sid'), 'must be a string');
}

const elements = [
  'Sid',
  'Effect',
  'Principal',
  'NotPrincipal',
  'Action',
  'NotAction',
  'Resource',
  'NotResource',
  'Condition',
];

/** IAM reports "Has prohibited field Resource". */
const prohibited: Record<PolicyKind, { names: readonly string[]; why: string }> = {
  trust: {
    names: ['Resource', 'NotResource'],
    why: 'is prohibited in a trust policy: the role itself is the resource',
  },
  identity: {
    names: ['Principal', 'NotPrincipal'],
    why: 'is prohibited in an identity policy: the role itself is the principal',
  },
  resource: { names: [], why: '' },
};

function readStatement(value: Json, path: string, index: number, kind: PolicyKind, version: PolicyVersion): Statement {
  const statement = object(value, path, 'an object');
  onlyElements(statement, elements, path);
  const misplaced = prohibited[kind].names.find((name) => statement.has(name));
  if (misplaced !== undefined) throw new PolicyProblem(below(path, misplaced), prohibited[kind].why);
  const hasResource = kind === 'identity' || statement.has('Resource') || statement.has('NotResource');
  return {
    label: sid(statement, path) ?? `statement ${index + 1}`,
    effect: effect(statement, path),
    ...(kind === 'identity' ? {} : { principals: principals(statement, path, kind) }),
    action: actions(statement, path, kind),
    ...(hasResource ? { resource: resources(statement, path) } : {}),
    conditions: conditions(statement.get('Condition'), below(path, 'Condition')),
    version,
  };
}

function readVersion(value: Json | undefined): PolicyVersion {
  if (value === undefined || value === '2008-10-17') return '2008-10-17';
  if (value === '2012-10-17') return value;
  throw new PolicyProblem('Version', 'must be "2012-10-17" or "2008-10-17"');
}

/** "In IAM, the Sid value must be unique within a JSON policy" (IAM User Guide, "Sid"). An empty Sid does not count. */
function refuseSameSid(statements: readonly Map<string, Json>[]): void {
  const seen = new Set<string>();
  for (const [index, statement] of statements.entries()) {
    const value = statement.get('Sid');
    if (typeof value !== 'string' || value === '') continue;
    if (seen.has(value))
      throw new PolicyProblem(
        `Statement[${index}].Sid`,
        `${JSON.stringify(value.slice(0, 100))} is the Sid of an earlier statement`,
      );
    seen.add(value);
  }
}

function readDocument(text: string, kind: PolicyKind): ParsedPolicy {
  if (text.length > MAX_POLICY_CHARACTERS)
    throw new PolicyProblem('policy', `has ${text.length} characters, and the limit is ${MAX_POLICY_CHARACTERS}`);
  const read = readJson(text);
  if (!read.ok) throw new PolicyProblem(`line ${read.line}, column ${read.column}`, `not JSON: ${read.message}`);
  const document = object(read.value, 'policy', 'a JSON object');
  onlyElements(document, ['Version', 'Id', 'Statement'], '');
  const version = readVersion(document.get('Version'));
  if (document.has('Id') && typeof document.get('Id') !== 'string') throw new PolicyProblem('Id', 'must be a string');
  const list = document.get('Statement');
  if (list === undefined) throw new PolicyProblem('Statement', 'is missing');
  if (!Array.isArray(list))
    return { valid: true, version, statements: [readStatement(list, 'Statement', 0, kind, version)] };
  if (list.length === 0) throw new PolicyProblem('Statement', 'must have at least one statement');
  const statements = list.map((item, index) => readStatement(item, `Statement[${index}]`, index, kind, version));
  refuseSameSid(list.filter((item) => item instanceof Map));
  return { valid: true, version, statements };
}

/**
 * Returns the JSON text of a policy that may be URL-encoded (RFC 3986), as GetRole returns it. A JSON text never begins
 * with `%`. Source: IAM API Reference, GetRole.
 */
export function decodePolicy(text: string): string {
  if (!/^\s*%/.test(text)) return text;
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/**
 * Returns the text of a policy that is an object, or undefined for a value that is not JSON, such as a cyclic one.
 */
function textOf(source: unknown): string | undefined {
  try {
    return JSON.stringify(source);
  } catch {
    return undefined;
  }
}

/** Parses a policy, given as an object, as JSON text, or as URL-encoded JSON text. Never throws. */
export function parsePolicy(source: unknown, kind: PolicyKind): ParsedPolicy {
  const text = typeof source === 'string' ? decodePolicy(source) : textOf(source);
  try {
    if (text === undefined) throw new PolicyProblem('policy', 'must be a JSON object or JSON text');
    return readDocument(text, kind);
  } catch (error) {
    if (error instanceof PolicyProblem) return { valid: false, reason: error.message, path: error.path };
    throw error;
  }
}
