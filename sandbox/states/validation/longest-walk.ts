/** Finds the longest walk through states that may form loops, each of which has a declared bound. */

/** A bound on the rounds of a loop. */
export interface Loop {
  /** A state that every round of the loop visits. */
  state: string;
  /** Maximum visits of that state each time the loop is entered. */
  visits: number;
  /**
   * The state of the enclosing loop; each of its rounds may enter this loop again. The bounds of several loops within the
   * same one are bounds of each of its rounds, so that they do not multiply.
   */
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

/** Returns the outermost loop of a group; with those that are within the same one, if it is within another. */
const outermost = (loops: readonly Loop[], group: Set<string>): Loop[] => {
  const own = loops.filter(({ state }) => group.has(state));
  const found = own.find(({ within }) => within === undefined || !own.some(({ state }) => state === within));
  if (!found) throw new UnboundedLoop([...group]);
  return found.within === undefined ? [found] : own.filter(({ within }) => within === found.within);
};

/** Returns the longest walks from one node to each other node within a loop, or within loops that share their nodes. */
const walksWithin = (graph: Graph, loops: readonly Loop[], group: Set<string>, from: string): Map<string, Walk> => {
  const heads = outermost(loops, group);
  const isHead = (node: string): boolean => heads.some(({ state }) => state === node);
  // Transitions to a head lead to a terminal node instead.
  const next = new Map(
    [...group].map((node) => [
      node,
      (graph.next.get(node) ?? []).filter((to) => group.has(to)).map((to) => (isHead(to) ? arrivalAt(to) : to)),
    ]),
  );
  const opened: Graph = { next, costOf: graph.costOf };
  const others = loops.filter(({ state }) => !isHead(state));
  const toAHead = (walks: Map<string, Walk>): Walk | undefined =>
    heads.reduce<Walk | undefined>((most, { state }) => longer(most, walks.get(arrivalAt(state))), undefined);
  const first = longestWalks(opened, others, from);
  const arrived = isHead(from) ? NOWHERE : toAHead(first);
  const onward = heads.map(({ state }) => longestWalks(opened, others, state));
  const rounds = onward.map((walks) => toAHead(walks) ?? NOWHERE);
  const walks = new Map<string, Walk>();
  for (const node of group) {
    let longest = isHead(from) ? undefined : first.get(node);
    // The walk goes on from one of the heads in the end; every other visit of a head is the beginning of a whole round.
    for (const [last, { state, visits: most }] of heads.entries()) {
      if (isHead(node) && node !== state) continue;
      const onTheLast = node === state ? NOWHERE : onward[last]?.get(node);
      if (!arrived || !onTheLast || most === 0) continue;
      const whole = rounds.map((round, index) => times(round, (heads[index]?.visits ?? 0) - (index === last ? 1 : 0)));
      longest = longer(longest, joined(arrived, ...whole, onTheLast));
    }
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
