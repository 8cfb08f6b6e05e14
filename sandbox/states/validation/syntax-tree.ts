/** Finds what a JSONata expression reads, in the syntax tree of jsonata 2.0.6. */

/** A node; its type determines its members. */
export interface Node {
  type: string;
  value?: unknown;
  steps?: Node[];
  expression?: Node;
  expressions?: Node[];
  lhs?: Node | [Node, Node][];
  rhs?: Node;
  procedure?: Node;
  arguments?: Node[];
  body?: Node;
  condition?: Node;
  then?: Node;
  else?: Node;
  /** Names that a path binds from this step on: `@$name` and `#$name`. */
  focus?: string;
  index?: string;
}

const isNode = (value: unknown): value is Node =>
  typeof value === 'object' && value !== null && !Array.isArray(value) && 'type' in value;

const asText = (value: unknown): string => (typeof value === 'string' ? value : '');

const some = (...nodes: (Node | undefined)[]): Node[] => nodes.filter((node) => node !== undefined);

/** Returns the nodes that are evaluated in the same context as the node itself. */
const onSameContext = (node: Node): Node[] => {
  switch (node.type) {
    case 'path':
      return some(node.steps?.[0]);
    case 'unary':
      if (node.value === '[') return node.expressions ?? [];
      return Array.isArray(node.lhs) ? node.lhs.flat() : some(node.expression);
    case 'binary':
    case 'apply':
      return some(isNode(node.lhs) ? node.lhs : undefined, node.rhs);
    case 'function':
    case 'partial':
      return [...some(node.procedure), ...(node.arguments ?? [])];
    case 'lambda':
      return some(node.body);
    case 'condition':
      return some(node.condition, node.then, node.else);
    case 'block':
      return node.expressions ?? [];
    case 'bind':
      return some(node.rhs);
    default:
      return [];
  }
};

/**
 * Returns what an expression reads from a context that Step Functions does not provide: names, `$`, and `$$`, each
 * once. A later step of a path, a filter, a sort term and a group have their own context, and may read anything.
 */
export const readsOfContext = (node: Node): string[] => {
  if (node.type === 'name') return [asText(node.value)];
  if (node.type === 'variable' && (node.value === '' || node.value === '$')) return [`$${node.value}`];
  return [...new Set(onSameContext(node).flatMap(readsOfContext))];
};

/** Returns all nodes directly within a node, regardless of their purpose. */
const partsOf = (value: unknown): Node[] => {
  if (Array.isArray(value)) return value.flatMap((each: unknown) => (isNode(each) ? [each] : partsOf(each)));
  if (typeof value !== 'object' || value === null) return [];
  return Object.values(value).flatMap((each: unknown) => (isNode(each) ? [each] : partsOf(each)));
};

const namesOf = (nodes: readonly Node[]): string[] => nodes.map(({ value }) => asText(value));

/** Adds the variables that a list of nodes reads to `found`; each node may bind names for the following nodes. */
const inOrder = (nodes: readonly Node[], bound: ReadonlySet<string>, found: Set<string>): void => {
  const names = new Set(bound);
  for (const node of nodes) {
    if (node.type === 'bind' && isNode(node.lhs)) {
      // A function may call itself.
      const own = asText(node.lhs.value);
      if (node.rhs?.type === 'lambda') names.add(own);
      if (node.rhs) collect(node.rhs, names, found);
      names.add(own);
      continue;
    }
    if (node.focus !== undefined) names.add(node.focus);
    if (node.index !== undefined) names.add(node.index);
    collect(node, names, found);
  }
};

const collect = (node: Node, bound: ReadonlySet<string>, found: Set<string>): void => {
  if (node.type === 'variable') {
    const name = asText(node.value);
    if (name !== '' && name !== '$' && !bound.has(name)) found.add(name);
  }
  if (node.type === 'lambda') {
    const names = new Set([...bound, ...namesOf(node.arguments ?? [])]);
    if (node.body) collect(node.body, names, found);
    return;
  }
  if (node.type === 'block') return inOrder(node.expressions ?? [], bound, found);
  if (node.type === 'path') {
    inOrder(node.steps ?? [], bound, found);
    const { steps: _, ...others } = node;
    for (const part of partsOf(others)) collect(part, bound, found);
    return;
  }
  for (const part of partsOf(node)) collect(part, bound, found);
};

/** Returns the variables and functions that an expression uses but does not bind itself, without the dollar sign. */
export const variablesOf = (node: Node): Set<string> => {
  const found = new Set<string>();
  inOrder([node], new Set(), found);
  return found;
};

/** Returns the members of `$states` that an expression reads. */
export const membersOfStates = (node: Node): string[] => {
  const [first, second] = node.type === 'path' ? (node.steps ?? []) : [];
  const own =
    first?.type === 'variable' && first.value === 'states' && second?.type === 'name' ? [asText(second.value)] : [];
  return [...new Set([...own, ...partsOf(node).flatMap(membersOfStates)])];
};
