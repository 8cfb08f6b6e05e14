/** Finds the longest walk through states that may form loops, each of which has a declared bound. */

/** A bound on the rounds of a loop. */
export interface Loop {
  /** A state that every round of the loop visits. */
  state: string;
  /** Maximum visits of that state each time the loop is entered. */
  visits: number;
  /** The state of the enclosing loop; each of its rounds may enter this loop again. */
  within?: string;
}

/** The transitions between nodes, and the cost of a visit; costs are not negative. */
export interface Graph {
  next: ReadonlyMap<string, readonly string[]>;
  costOf: (node: string) => number;
}

/** The visits of each node on a walk, excluding the last one, and their cost. */
export interface Walk {
  cost: number;
  visits: ReadonlyMap<string, number>;
}

const NOWHERE: Walk = { cost: 0, visits: new Map() };

const times = ({ cost, visits }: Walk, count: number): Walk => ({
  cost: cost * count,
  visits: new Map([...visits].map(([node, each]) => [node, each * count])),
});

const joined = (...walks: Walk[]): Walk => {
  const visits = new Map<string, number>();
  for (const walk of walks) for (const [node, count] of walk.visits) visits.set(node, (visits.get(node) ?? 0) + count);
  return { cost: walks.reduce((sum, { cost }) => sum + cost, 0), visits };
};

const longer = (one: Walk | undefined, other: Walk | undefined): Walk | undefined =>
  one === undefined || (other !== undefined && other.cost > one.cost) ? other : one;

type Next = Graph['next'];

const reachableFrom = (next: Next, start: string): Set<string> => {
  const reached = new Set([start]);
  for (const node of reached) for (const other of next.get(node) ?? []) reached.add(other);
  return reached;
};

/** Returns groups of nodes that reach each other; each group comes before the groups that it leads to. */
const groupsOf = (next: Next, start: string): Set<string>[] => {
  const reach = new Map([...reachableFrom(next, start)].map((node) => [node, reachableFrom(next, node)]));
  const groups: Set<string>[] = [];
  for (const [node, reached] of reach) {
    if (groups.some((group) => group.has(node))) continue;
    groups.push(new Set([...reached].filter((other) => reach.get(other)?.has(node))));
  }
  // The more nodes a group reaches, the earlier it comes.
  const sizeOf = (group: Set<string>): number => reach.get([...group][0] ?? '')?.size ?? 0;
  return groups.sort((one, other) => sizeOf(other) - sizeOf(one));
};

const isLoop = (next: Next, group: Set<string>): boolean =>
  group.size > 1 || [...group].some((node) => next.get(node)?.includes(node));

/** A loop has no declared bound. */
export class UnboundedLoop extends Error {
  override readonly name = 'UnboundedLoop';
  constructor(states: readonly string[]) {
    super(
      `The states ${states.join(', ')} form a loop without a declared bound. Declare the maximum number of visits of one of them.`,
    );
  }
}

/** Returns the name of a terminal node that replaces a loop's own state as a target. */
const arrivalAt = (node: string): string => `${node} again`;

const outermost = (loops: readonly Loop[], group: Set<string>): Loop => {
  const own = loops.filter(({ state }) => group.has(state));
  const found = own.find(({ within }) => within === undefined || !own.some(({ state }) => state === within));
  if (!found) throw new UnboundedLoop([...group]);
  return found;
};

/** Returns the longest walks from one node to each other node within a loop. */
const walksWithin = (graph: Graph, loops: readonly Loop[], group: Set<string>, from: string): Map<string, Walk> => {
  const { state: head, visits } = outermost(loops, group);
  // Transitions to the head lead to the terminal node instead.
  const next = new Map(
    [...group].map((node) => [
      node,
      (graph.next.get(node) ?? []).filter((to) => group.has(to)).map((to) => (to === head ? arrivalAt(head) : to)),
    ]),
  );
  const opened: Graph = { next, costOf: graph.costOf };
  const others = loops.filter(({ state }) => state !== head);
  const first = longestWalks(opened, others, from);
  const onward = longestWalks(opened, others, head);
  const arrived = from === head ? NOWHERE : first.get(arrivalAt(head));
  const round = onward.get(arrivalAt(head)) ?? NOWHERE;
  const walks = new Map<string, Walk>();
  for (const node of group) {
    const onTheLast = node === head ? NOWHERE : onward.get(node);
    const through =
      arrived && onTheLast && visits > 0 ? joined(arrived, times(round, visits - 1), onTheLast) : undefined;
    const longest = longer(from === head ? undefined : first.get(node), through);
    if (longest) walks.set(node, longest);
  }
  return walks;
};

/** Returns the longest walk from a node to each node that it reaches. Throws UnboundedLoop. */
export const longestWalks = (graph: Graph, loops: readonly Loop[], from: string): Map<string, Walk> => {
  const walks = new Map<string, Walk>([[from, NOWHERE]]);
  for (const group of groupsOf(graph.next, from)) {
    const inside = isLoop(graph.next, group);
    const entries = [...group].flatMap((node) => (walks.has(node) ? [[node, walks.get(node) as Walk] as const] : []));
    if (inside) {
      const within = new Map(entries.map(([entry]) => [entry, walksWithin(graph, loops, group, entry)]));
      for (const [entry, before] of entries)
        for (const [node, walk] of within.get(entry) ?? []) {
          const longest = longer(walks.get(node), joined(before, walk));
          if (longest) walks.set(node, longest);
        }
    }
    for (const node of group) {
      const walk = walks.get(node);
      if (!walk) continue;
      const passed = joined(walk, { cost: graph.costOf(node), visits: new Map([[node, 1]]) });
      for (const to of graph.next.get(node) ?? []) {
        if (group.has(to)) continue;
        const longest = longer(walks.get(to), passed);
        if (longest) walks.set(to, longest);
      }
    }
  }
  return walks;
};
