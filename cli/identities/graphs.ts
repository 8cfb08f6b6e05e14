/** Renders the graph of a report as a Mermaid flowchart, or in Graphviz's DOT. */
import type { Edge, IdentityGraph } from '../../lambdas/domain/identities/graph.ts';
import { SOURCES, type Source } from '../../lambdas/domain/identities/model.ts';
import { printable } from '../../lambdas/domain/text/text.ts';

const LABELS: Record<Edge['by'], string> = {
  association: 'Pod Identity',
  target: 'target role',
  irsa: 'IRSA',
  node: 'node',
  'static-keys': 'static keys',
  trust: 'trusts through IRSA',
};
/** Light fills, on which black text is readable. */
const FILLS: Record<Source, string> = {
  'pod-identity': '#b3e2cd',
  irsa: '#fdd0a2',
  mixed: '#f4b6c2',
  'static-keys': '#e6a0a0',
  'node-role': '#fff2ae',
  none: '#eeeeee',
  unknown: '#d9d9d9',
};

const pods = (n: number): string => `${n} ${n === 1 ? 'pod' : 'pods'}`;
const edgeText = ({ by, pods: n }: Edge): string => (n === undefined ? LABELS[by] : `${LABELS[by]}, ${pods(n)}`);

/** Returns a function from names to ids that need no quoting; the label of a node has its name. */
const idsOf = ({ accounts, roles }: IdentityGraph): ((name: string) => string) => {
  // Names cannot collide: a service account has a slash after lower-case letters, digits and dashes, a role's ARN not.
  const ids = new Map([
    ...accounts.map(({ name }, index) => [name, `s${index + 1}`] as const),
    ...roles.map((name, index) => [name, `r${index + 1}`] as const),
  ]);
  return (name) => ids.get(name) ?? 'unknown';
};

/**
 * Returns a quoted label. Mermaid's only escapes are entities that begin with # instead of & (its documentation,
 * "Flowcharts", "Entity codes to escape characters"). Everything except letters, digits and characters of ARNs is
 * escaped.
 */
const mermaidText = (text: string): string =>
  `"${printable(text).replaceAll(/[^\p{L}\p{N} ,./:=@+_-]/gu, (character) => `#${character.codePointAt(0) ?? 0};`)}"`;

/** Returns the class of a source, without dashes, which could be parsed as the beginning of an arrow. */
const classOf = (source: Source): string => source.replaceAll(/-(.)/g, (_, letter: string) => letter.toUpperCase());

/** Returns a `flowchart LR`: service accounts in the colour of their identity, then roles. */
export const mermaid = (graph: IdentityGraph): string => {
  const idOf = idsOf(graph);
  const used = SOURCES.filter((source) => graph.accounts.some(({ identity }) => identity === source));
  return [
    'flowchart LR',
    ...graph.accounts.map(
      ({ name, pods: n, identity }) =>
        `  ${idOf(name)}[${mermaidText(`${name}, ${pods(n)}, ${identity}`)}]:::${classOf(identity)}`,
    ),
    ...graph.roles.map((name) => `  ${idOf(name)}(${mermaidText(name)})`),
    ...graph.edges.map(
      (edge) =>
        `  ${idOf(edge.from)} ${edge.by === 'trust' ? '-.->' : '-->'}|${mermaidText(edgeText(edge))}| ${idOf(edge.to)}`,
    ),
    ...used.map((source) => `  classDef ${classOf(source)} fill:${FILLS[source]},stroke:#333333,color:#000000`),
    '',
  ].join('\n');
};

/**
 * Returns a quoted string of DOT. Escapes quotes, and backslashes and ampersands, which would begin an escape or an
 * entity in a label (Graphviz documentation, "DOT Language" and "escString").
 */
const dotText = (text: string): string =>
  `"${printable(text)
    .replaceAll('&', '&amp;')
    .replaceAll(/[\\"]/g, (character) => `\\${character}`)}"`;

/** Returns a `digraph`, from left to right. */
export const graphviz = (graph: IdentityGraph): string => {
  const idOf = idsOf(graph);
  return [
    'digraph identities {',
    '  rankdir=LR;',
    '  node [shape=box, style=filled, fillcolor=white];',
    ...graph.accounts.map(
      ({ name, pods: n, identity }) =>
        `  ${idOf(name)} [label=${dotText(`${name}, ${pods(n)}, ${identity}`)}, fillcolor=${dotText(FILLS[identity])}];`,
    ),
    ...graph.roles.map((name) => `  ${idOf(name)} [label=${dotText(name)}, shape=ellipse];`),
    ...graph.edges.map(
      (edge) =>
        `  ${idOf(edge.from)} -> ${idOf(edge.to)} [label=${dotText(edgeText(edge))}${edge.by === 'trust' ? ', style=dashed' : ''}];`,
    ),
    '}',
    '',
  ].join('\n');
};
