/** The neighbors of a subject, which a trust policy must deny if it allows only this service account. */
import type { GrantSubject } from '../settings/role-grants.ts';

/** Returns a character that differs from the given one. */
const otherThan = (character: string | undefined): string => (character === 'x' ? 'y' : 'x');

/** A name that has nothing in common with another one. */
const NOBODY = 'q0-of-nobody';

/**
 * Returns texts that differ from a text by one character, replaced or inserted at each position, and a text that has
 * nothing in common with it. A pattern with a wildcard that matches the text matches at least one of them; a list of names
 * matches none.
 */
export function neighboursOf(text: string): string[] {
  const locations = Array.from({ length: text.length + 1 }, (_, at) => at);
  return [
    ...new Set([
      ...locations.slice(0, -1).map((at) => text.slice(0, at) + otherThan(text[at]) + text.slice(at + 1)),
      ...locations.map((at) => text.slice(0, at) + otherThan(text[at]) + text.slice(at)),
      NOBODY,
    ]),
  ].filter((one) => one !== text);
}

type Exchanged = Partial<Omit<GrantSubject, 'target'>> & { target?: GrantSubject['target'] };

/**
 * Returns the subject with its namespace, its service account or its cluster exchanged: one of them for each neighbor,
 * then several of them at once, since a Deny may exclude exactly those that differ in one part. A cluster of the same
 * name in another region is a different cluster, and so is a cluster whose name differs only in case. Clusters of other
 * accounts are irrelevant, since EKS accepts only roles of the cluster's account.
 */
export function exchanged({ target, namespace, serviceAccount }: GrantSubject): Exchanged[] {
  const { cluster, region } = target;
  const clusters = [...neighboursOf(cluster), cluster.toUpperCase(), cluster.toLowerCase()].filter(
    (one) => one !== cluster,
  );
  const several = [
    { namespace: NOBODY, serviceAccount: `${NOBODY}-0`, cluster: `${NOBODY}-1` },
    { namespace: `${namespace}x`, serviceAccount: `${serviceAccount}x`, cluster: `${cluster}x` },
  ].flatMap((other) => {
    const elsewhere = { target: { ...target, cluster: other.cluster } };
    const account = { namespace: other.namespace, serviceAccount: other.serviceAccount };
    return [
      account,
      { namespace: other.namespace, ...elsewhere },
      { serviceAccount: other.serviceAccount, ...elsewhere },
      { ...account, ...elsewhere },
    ];
  });
  return [
    ...neighboursOf(namespace).map((one) => ({ namespace: one })),
    ...neighboursOf(serviceAccount).map((one) => ({ serviceAccount: one })),
    ...clusters.map((one) => ({ target: { ...target, cluster: one } })),
    ...neighboursOf(region).map((one) => ({ target: { ...target, region: one } })),
    ...several,
  ];
}
