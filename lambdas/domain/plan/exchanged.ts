/** The neighbours of a subject: what a trust policy must deny that means this service account and nobody else. */
import type { GrantSubject } from '../settings/role-grants.ts';

/** A character that is not the one at that place. */
const otherThan = (character: string | undefined): string => (character === 'x' ? 'y' : 'x');

/**
 * Returns texts that differ from a text by one character, replaced or inserted at each place, and one that has nothing
 * in common with it. A pattern with a wildcard that matches the text matches at least one of them; a list of names
 * matches none.
 */
export function neighboursOf(text: string): string[] {
  const locations = Array.from({ length: text.length + 1 }, (_, at) => at);
  return [
    ...new Set([
      ...locations.slice(0, -1).map((at) => text.slice(0, at) + otherThan(text[at]) + text.slice(at + 1)),
      ...locations.map((at) => text.slice(0, at) + otherThan(text[at]) + text.slice(at)),
      'q0-of-nobody',
    ]),
  ].filter((one) => one !== text);
}

type Exchanged = Partial<Omit<GrantSubject, 'target'>> & { target?: GrantSubject['target'] };

/**
 * Returns the subject with its namespace, its service account or its cluster exchanged, each by itself. A cluster of
 * the same name in another region is another cluster, and so is one whose name differs in case alone; another account's
 * is out of the question, since EKS takes roles of the cluster's own account alone.
 */
export function exchanged({ target, namespace, serviceAccount }: GrantSubject): Exchanged[] {
  const { cluster, region } = target;
  const clusters = [...neighboursOf(cluster), cluster.toUpperCase(), cluster.toLowerCase()].filter(
    (one) => one !== cluster,
  );
  return [
    ...neighboursOf(namespace).map((one) => ({ namespace: one })),
    ...neighboursOf(serviceAccount).map((one) => ({ serviceAccount: one })),
    ...clusters.map((one) => ({ target: { ...target, cluster: one } })),
    ...neighboursOf(region).map((one) => ({ target: { ...target, region: one } })),
  ];
}
