/**
 * Finds policies that must never be allowed, from their JSON alone: it uses nothing of the parser or the evaluator, so
 * that it does not repeat their mistakes.
 */

type Json = Record<string, unknown>;
const isObject = (value: unknown): value is Json =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/**
 * Returns the policy as JSON.parse reads it, which keeps the last of two equal keys; `undefined` for anything but a
 * JSON object.
 */
function documentOf(source: unknown): Json | undefined {
  const read = (text: string): unknown => {
    try {
      return JSON.parse(text);
    } catch {
      return undefined;
    }
  };
  let value: unknown = source;
  if (typeof source === 'string') {
    value = read(source);
    if (value === undefined && source.trimStart().startsWith('%')) {
      try {
        value = read(decodeURIComponent(source));
      } catch {
        return undefined;
      }
    }
  } else value = read(JSON.stringify(source) ?? '');
  return isObject(value) ? value : undefined;
}

const statementsOf = (document: Json): Json[] => [document['Statement']].flat().filter(isObject);

const MULTIVALUED = /^(aws:tagkeys|sts:transitivetagkeys|aws:(principal|source|resource)orgpaths)$/i;
const PROVIDER_ARN = /^arn:aws:iam::\d{12}:oidc-provider\//i;

/** Operators that are false for an absent key: neither negated, nor `IfExists`, nor `ForAllValues`, nor `Null`. */
const NEEDS_KEY = /^(foranyvalue:)?(string(equals|equalsignorecase|like)|arn(equals|like)|bool|binaryequals)$/i;

/** Returns whether one condition of the statement certainly prevents it from allowing anything. */
const isUncertain = (statement: Json): boolean =>
  Object.entries(isObject(statement['Condition']) ? statement['Condition'] : {}).some(
    ([operator, keys]) =>
      isObject(keys) &&
      Object.keys(keys).some(
        (key) =>
          (MULTIVALUED.test(key) && !/^(forallvalues:|foranyvalue:|null$)/i.test(operator)) ||
          (PROVIDER_ARN.test(key) && NEEDS_KEY.test(operator)),
      ),
  );

const namesEveryService = (statement: Json): boolean =>
  [statement['Principal'], statement['NotPrincipal']].some(
    (principal) => isObject(principal) && [principal['Service']].flat().includes('*'),
  );

const hasWildcardService = (statement: Json): boolean =>
  [statement['Action'] ?? [], statement['NotAction'] ?? []]
    .flat()
    .some((action) => typeof action === 'string' && /[*?]/.test(action.split(':').slice(0, -1)[0] ?? ''));

/** Returns why the policy cannot allow any principal; `undefined` if no reason is known. */
export function whyNeverAllowed(source: unknown): string | undefined {
  const document = documentOf(source);
  if (!document) return undefined;
  const statements = statementsOf(document);
  if (statements.some((one) => 'NotPrincipal' in one)) return 'a statement has NotPrincipal';
  if (statements.some((one) => one['Principal'] === '*')) return 'a principal is * and not {"AWS": "*"}';
  if (statements.some(hasWildcardService)) return 'a service of an action has a wildcard';
  if (statements.some(namesEveryService)) return 'a service is *';
  const allows = statements.filter((one) => one['Effect'] === 'Allow');
  return allows.length > 0 && allows.every(isUncertain)
    ? 'each Allow depends on a multivalued key without a set operator, or on a key that begins with an ARN'
    : undefined;
}
