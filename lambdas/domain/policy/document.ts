/**
 * Reads IAM policy documents. Only their form is judged here, not what they allow.
 * Source: IAM User Guide, "Grammar of the IAM JSON policy language".
 */
export type ConditionBlock = Record<string, Record<string, string[]>>;

export interface Statement {
  /** `Sid`, or `statement N` counted from 1. */
  label: string;
  effect: 'Allow' | 'Deny';
  /** By type (`Service`, `AWS`, `Federated`, `CanonicalUser`); `*` for everybody. */
  principal?: '*' | Record<string, string[]>;
  notPrincipal?: '*' | Record<string, string[]>;
  action?: string[];
  notAction?: string[];
  condition: ConditionBlock;
}

export type ParsedPolicy = { valid: true; statements: Statement[] } | { valid: false; reason: string };

const isRecord = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null && !Array.isArray(value);

class PolicyError extends Error {}

function strings(value: unknown, where: string): string[] {
  const list = Array.isArray(value) ? value : [value];
  return list.map((item: unknown) => {
    if (typeof item === 'string') return item;
    if (typeof item === 'boolean' || typeof item === 'number') return String(item);
    throw new PolicyError(`${where} must be a string or a list of strings`);
  });
}

function principals(value: unknown, where: string): '*' | Record<string, string[]> {
  if (value === '*') return '*';
  if (!isRecord(value)) throw new PolicyError(`${where} must be "*" or an object such as {"Service": "pods.eks.amazonaws.com"}`);
  return Object.fromEntries(Object.entries(value).map(([type, who]) => [type, strings(who, `${where}.${type}`)]));
}

function conditions(value: unknown, where: string): ConditionBlock {
  if (value === undefined) return {};
  if (!isRecord(value)) throw new PolicyError(`${where} must be an object`);
  return Object.fromEntries(
    Object.entries(value).map(([operator, keys]) => {
      if (!isRecord(keys)) throw new PolicyError(`${where}.${operator} must be an object of condition keys`);
      return [operator, Object.fromEntries(Object.entries(keys).map(([key, wanted]) => [key, strings(wanted, `${where}.${operator}.${key}`)]))];
    }),
  );
}

function statement(value: unknown, index: number): Statement {
  const where = `Statement[${index}]`;
  if (!isRecord(value)) throw new PolicyError(`${where} must be an object`);
  if (value['Effect'] !== 'Allow' && value['Effect'] !== 'Deny') throw new PolicyError(`${where}.Effect must be "Allow" or "Deny"`);
  if ((value['Principal'] === undefined) === (value['NotPrincipal'] === undefined)) {
    throw new PolicyError(`${where} must have Principal or NotPrincipal, and not both`);
  }
  if ((value['Action'] === undefined) === (value['NotAction'] === undefined)) {
    throw new PolicyError(`${where} must have Action or NotAction, and not both`);
  }
  return {
    label: typeof value['Sid'] === 'string' && value['Sid'] !== '' ? value['Sid'] : `statement ${index + 1}`,
    effect: value['Effect'],
    ...(value['Principal'] === undefined ? {} : { principal: principals(value['Principal'], `${where}.Principal`) }),
    ...(value['NotPrincipal'] === undefined ? {} : { notPrincipal: principals(value['NotPrincipal'], `${where}.NotPrincipal`) }),
    ...(value['Action'] === undefined ? {} : { action: strings(value['Action'], `${where}.Action`) }),
    ...(value['NotAction'] === undefined ? {} : { notAction: strings(value['NotAction'], `${where}.NotAction`) }),
    condition: conditions(value['Condition'], `${where}.Condition`),
  };
}

/** Parses a trust policy's JSON text, decoded. Never throws. */
export function parseTrustPolicy(text: string): ParsedPolicy {
  let document: unknown;
  try {
    document = JSON.parse(text);
  } catch {
    return { valid: false, reason: 'the trust policy is not JSON' };
  }
  if (!isRecord(document) || document['Statement'] === undefined) return { valid: false, reason: 'the trust policy has no Statement' };
  const list = Array.isArray(document['Statement']) ? document['Statement'] : [document['Statement']];
  try {
    return { valid: true, statements: list.map((item: unknown, index) => statement(item, index)) };
  } catch (error) {
    if (error instanceof PolicyError) return { valid: false, reason: `the trust policy's ${error.message}` };
    throw error;
  }
}
