/**
 * Promise 11 computed a second time, over trust policies of a small language whose meaning is known by construction: no
 * policy is parsed or evaluated here.
 */
import * as fc from 'fast-check';

export interface Account {
  namespace: string;
  name: string;
}

/** One statement of a trust policy. */
export type Trusting =
  /** By IRSA. `names`: service accounts of the namespace; `*`: all of them. */
  | { by: 'irsa'; issuer: 'own' | 'other'; namespace: string; names: string[] | '*' }
  /** By EKS Pod Identity. An absent field allows every namespace, name, or cluster; `SAME` a name equal to the namespace. */
  | { by: 'pods'; namespace?: string; names?: string[]; cluster?: 'own' | 'other' }
  /** Denies EKS Pod Identity every service account whose name differs from its namespace. */
  | { by: 'deny-unless-same' };

const NAMESPACE_TAG = 'aws:RequestTag/kubernetes-namespace';
const NAME_TAG = 'aws:RequestTag/kubernetes-service-account';
/** A policy variable in the place of a service account's name. */
const SAME = `\${${NAMESPACE_TAG}}`;

export interface Location {
  account: string;
  clusterArn: string;
  /** The cluster's issuer, without `https://`. */
  issuer: string;
}

const statementOf = (trusting: Trusting, { account, clusterArn, issuer }: Location): object => {
  if (trusting.by === 'irsa') {
    const from = trusting.issuer === 'own' ? issuer : `${issuer.slice(0, -4)}0000`;
    const subjects = trusting.names === '*' ? ['*'] : trusting.names;
    return {
      Effect: 'Allow',
      Principal: { Federated: `arn:aws:iam::${account}:oidc-provider/${from}` },
      Action: 'sts:AssumeRoleWithWebIdentity',
      Condition: {
        StringLike: { [`${from}:sub`]: subjects.map((name) => `system:serviceaccount:${trusting.namespace}:${name}`) },
        StringEquals: { [`${from}:aud`]: 'sts.amazonaws.com' },
      },
    };
  }
  if (trusting.by === 'deny-unless-same')
    return {
      Effect: 'Deny',
      Principal: { Service: 'pods.eks.amazonaws.com' },
      Action: 'sts:*',
      Condition: { StringNotEquals: { [NAME_TAG]: SAME } },
    };
  const { namespace, names, cluster } = trusting;
  const tags = {
    ...(namespace === undefined ? {} : { [NAMESPACE_TAG]: namespace }),
    ...(names === undefined ? {} : { [NAME_TAG]: names }),
  };
  return {
    Effect: 'Allow',
    Principal: { Service: 'pods.eks.amazonaws.com' },
    Action: ['sts:AssumeRole', 'sts:TagSession'],
    Condition: {
      ...(Object.keys(tags).length > 0 ? { StringLike: tags } : {}),
      ...(cluster === undefined
        ? {}
        : { ArnEquals: { 'aws:SourceArn': cluster === 'own' ? clusterArn : `${clusterArn}-2` } }),
    },
  };
};

/**
 * IAM accepts no policy without statements: a role that trusts no principal of the test trusts an unrelated service.
 */
export const policyFor = (
  trust: readonly Trusting[],
  location: Location,
): { Version: string; Statement: object[] } => ({
  Version: '2012-10-17',
  Statement: [
    { Effect: 'Allow', Principal: { Service: 'backup.amazonaws.com' }, Action: 'sts:AssumeRole' },
    ...trust.map((one) => statementOf(one, location)),
  ],
});

const likes = (pattern: string, text: string): boolean =>
  pattern.endsWith('*') ? text.startsWith(pattern.slice(0, -1)) : pattern === text;

const irsaAllows = (trust: readonly Trusting[], { namespace, name }: Account): boolean =>
  trust.some(
    (one) =>
      one.by === 'irsa' &&
      one.issuer === 'own' &&
      one.namespace === namespace &&
      (one.names === '*' || one.names.includes(name)),
  );

interface Place extends Account {
  cluster: string;
}
const OWN = 'own';

const fits = (one: Trusting, { namespace, name, cluster }: Place): boolean =>
  one.by === 'pods' &&
  [undefined, cluster].includes(one.cluster) &&
  likes(one.namespace ?? '*', namespace) &&
  (one.names ?? ['*']).some((pattern) => (pattern === SAME ? name === namespace : likes(pattern, name)));

/** Returns the account with each combination of its parts exchanged for those of another one, up to all at once. */
const exchangedPlaces = ({ namespace, name }: Account): Place[] =>
  [namespace, `${namespace}x`, 'nobody'].flatMap((otherNamespace) =>
    [name, `${name}x`, 'nobody'].flatMap((otherName) =>
      [OWN, 'third'].map((cluster) => ({ namespace: otherNamespace, name: otherName, cluster })),
    ),
  );

/** Returns the statements that allow it, and whether each of them also allows an account with other parts. */
const podsAllow = (trust: readonly Trusting[], subject: Account) => {
  const isDenied = ({ namespace, name }: Account): boolean =>
    namespace !== name && trust.some(({ by }) => by === 'deny-unless-same');
  const allowing = isDenied(subject) ? [] : trust.filter((one) => fits(one, { ...subject, cluster: OWN }));
  const others = exchangedPlaces(subject)
    .slice(1)
    .filter((place) => !isDenied(place));
  return allowing.map((one) => ({ isOpen: others.some((place) => fits(one, place)) }));
};

export interface Claim {
  subject: Account;
  trust: readonly Trusting[];
  providerExists: boolean;
  /** An existing association that no unfinished migration created. */
  isAssociated: boolean;
  /** The role is the add-on's own, and the service account belongs to the add-on and is annotated with the role. */
  isOfAddon: boolean;
  isGranted: boolean;
  /** The request names a role that the service account has neither by IRSA nor by an association. */
  isNew: boolean;
}

/** Returns whether the service may create the association, and whether it may repair the trust policy. */
export const permitted = ({
  subject,
  trust,
  providerExists,
  isAssociated,
  isOfAddon,
  isGranted,
  isNew,
}: Claim): { association: boolean; repair: boolean } => {
  const byIrsa = providerExists && irsaAllows(trust, subject);
  const pods = podsAllow(trust, subject);
  const byPods = pods.length > 0 && pods.every(({ isOpen }) => !isOpen);
  return {
    association: isNew ? byPods || isGranted : byIrsa || isAssociated || isOfAddon || byPods || isGranted,
    repair: byIrsa || isAssociated || isGranted,
  };
};

/** Returns whether EKS Pod Identity may use the role for that service account. */
export const podsMayUse = (trust: readonly Trusting[], subject: Account): boolean =>
  podsAllow(trust, subject).length > 0;

/** Statements whose parts are compared with each other. */
export const byVariable = fc.constantFrom<Trusting>(
  { by: 'pods', names: [SAME], cluster: 'own' },
  { by: 'pods', names: [SAME], cluster: 'own' },
  { by: 'deny-unless-same' },
);

export const trustings = (namespaces: string[], names: string[]): fc.Arbitrary<Trusting[]> => {
  const patterns = [...names, `${names[0]!.slice(0, 3)}*`, SAME];
  const some = fc.subarray(patterns, { minLength: 1 });
  const byIrsa: fc.Arbitrary<Trusting> = fc.record({
    by: fc.constant('irsa' as const),
    issuer: fc.constantFrom('own' as const, 'own' as const, 'other' as const),
    namespace: fc.constantFrom(...namespaces),
    names: fc.oneof(fc.subarray(names, { minLength: 1 }), fc.constant('*' as const)),
  });
  const byPods: fc.Arbitrary<Trusting> = fc.record(
    {
      by: fc.constant('pods' as const),
      namespace: fc.constantFrom(...namespaces, `${namespaces[0]!.slice(0, 2)}*`),
      names: some,
      cluster: fc.constantFrom('own' as const, 'own' as const, 'other' as const),
    },
    { requiredKeys: ['by'] },
  );
  const each = [byIrsa, byPods].map((arbitrary) => ({ weight: 6, arbitrary }));
  return fc.array(fc.oneof(...each, { weight: 1, arbitrary: byVariable }), { maxLength: 3 });
};
