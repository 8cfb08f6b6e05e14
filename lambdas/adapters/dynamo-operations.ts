/** What rollbacks and retirements have in common in the table: each change is a single conditional write. */

/** Identity and progress of an operation. */
interface Standing {
  id: string;
  state: string;
  executionArn?: string | undefined;
}

/** Returns the condition that the operation in an attribute is unchanged since it was read. */
export function stillAs(
  attribute: string,
  one: Standing | undefined,
): { condition: string; names: Record<string, string>; values: Record<string, unknown> } {
  const names: Record<string, string> = { '#operation': attribute };
  const values: Record<string, unknown> = {};
  if (!one) return { condition: 'attribute_not_exists(#operation)', names, values };
  const conditions: string[] = [];
  for (const name of ['id', 'state', 'executionArn'] as const) {
    names[`#${name}`] = name;
    if (one[name] === undefined) conditions.push(`attribute_not_exists(#operation.#${name})`);
    else {
      conditions.push(`#operation.#${name} = :${name}`);
      values[`:${name}`] = one[name];
    }
  }
  return { condition: conditions.join(' AND '), names, values };
}
