/** Writes a statement of a trust policy as HCL: as a block of `aws_iam_policy_document`, or as an object for `jsonencode`. */
import { Expression, type Block, type Hcl } from './hcl.ts';

type Statement = Readonly<Record<string, unknown>>;

const isObject = (value: unknown): value is Statement =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** Returns any JSON value as HCL. */
export function hclOf(value: unknown): Hcl {
  if (Array.isArray(value)) return value.map(hclOf);
  if (isObject(value)) return Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, hclOf(inner)]));
  return typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean'
    ? value
    : new Expression('null');
}

/** Returns a text or a list of texts as a list; undefined if it is something else. Conditions may have other values. */
function textsOf(value: unknown): string[] | undefined {
  const list: unknown[] = Array.isArray(value) ? value : [value];
  return list.every((one) => typeof one === 'string' || typeof one === 'boolean' || typeof one === 'number')
    ? list.map(String)
    : undefined;
}

const LISTS: Readonly<Record<string, string>> = {
  Action: 'actions',
  NotAction: 'not_actions',
  Resource: 'resources',
  NotResource: 'not_resources',
};
const PRINCIPALS: Readonly<Record<string, string>> = { Principal: 'principals', NotPrincipal: 'not_principals' };

function principalBlocks(name: string, value: unknown): Block[] | undefined {
  // The provider writes `"Principal": "*"` for this type.
  if (value === '*') return [{ head: [name], attributes: { type: '*', identifiers: ['*'] } }];
  if (!isObject(value)) return undefined;
  const blocks = Object.entries(value).map(([type, given]): Block | undefined => {
    const identifiers = textsOf(given);
    return identifiers && { head: [name], attributes: { type, identifiers } };
  });
  return blocks.every((block) => block !== undefined) ? blocks : undefined;
}

function conditionBlocks(value: unknown): Block[] | undefined {
  if (!isObject(value)) return undefined;
  const blocks = Object.entries(value).flatMap(([test, keys]): (Block | undefined)[] =>
    isObject(keys)
      ? Object.entries(keys).map(([variable, given]) => {
          const values = textsOf(given);
          return values && { head: ['condition'], attributes: { test, variable, values } };
        })
      : [undefined],
  );
  return blocks.every((block) => block !== undefined) ? blocks : undefined;
}

/**
 * Returns the `statement` block of `aws_iam_policy_document`, or undefined if the data source cannot express the
 * statement: it has no place for other elements, and replaces `&{` by `${`.
 */
export function statementBlock(statement: Statement): Block | undefined {
  if (JSON.stringify(statement).includes('&{')) return undefined;
  const attributes: Record<string, Hcl> = {};
  const blocks: Block[] = [];
  for (const [element, value] of Object.entries(statement)) {
    const principals = PRINCIPALS[element];
    const list = LISTS[element];
    if (principals !== undefined || element === 'Condition') {
      const inner = principals === undefined ? conditionBlocks(value) : principalBlocks(principals, value);
      if (!inner) return undefined;
      blocks.push(...inner);
    } else if (list !== undefined) {
      const texts = textsOf(value);
      if (!texts) return undefined;
      attributes[list] = texts;
    } else if ((element === 'Sid' || element === 'Effect') && typeof value === 'string')
      attributes[element.toLowerCase()] = value;
    else return undefined;
  }
  return { head: ['statement'], attributes, blocks };
}
