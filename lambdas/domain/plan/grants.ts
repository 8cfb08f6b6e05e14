/**
 * Decides which subjects may get a role: promise 11 of docs/promises.md.
 *
 * Subject S (cluster, namespace, service account) may get role R only on one of these grounds, evaluated on fresh facts
 * and without the request's accepted keys:
 * 1. R's IRSA trust is `allowed` for S with this cluster's current issuer, whose provider exists. Wildcards count, with a
 *    warning.
 * 2. An association of S with R exists that no unfinished migration created.
 * 3. R is the add-on's IRSA role, and S's service account belongs to that add-on and is annotated with R.
 * 4. R's trust policy allows pods.eks for S, and denies it if namespace, service account or cluster is exchanged,
 *    one or several of them; and no Allow that may apply compares them through a policy variable, as in "the name is that
 *    of the namespace", which names nobody.
 * 5. The deployment's setting `roleGrants` (roles, clusters, service accounts) names it.
 *
 * `unknown` blocks. New roles by `roleArn`, and add-ons on the node role, need (4) or (5). A trust repair needs (1), (2) or
 * (5), and its statement names cluster, namespace and service account; with session tags disabled it needs (5). An
 * annotation alone is no evidence, since anyone who may edit a service account can write it.
 *
 * Restoring OIDC trust that was retired needs (2), (4) or (5), and so does an association that a requested rollback gives
 * back. The rule does not apply to any other rollback, which restores associations, roles and annotations from the snapshot
 * because they existed before the migration (ADR 41).
 */
import { clusterArn } from '../aws/arn.ts';
import type { AttributedServiceAccount } from '../kubernetes/objects.ts';
import type { Association } from '../terms/observed.ts';
import {
  evaluateIrsa,
  evaluatePodIdentity,
  keysReadForPodIdentity,
  type ParsedPolicy,
  type TrustUse,
  withoutDeniesByVariables,
} from '../policy/index.ts';
import { type GrantSubject, isGranted, type RoleGrant } from '../settings/role-grants.ts';
import { shown } from '../text/text.ts';
import { exchanged } from './exchanged.ts';
import type { Seen } from '../terms/seen.ts';

/** The five grounds, in the order of the promise. */
const GROUNDS = ['irsa-trust', 'association', 'addon-role', 'pod-identity-trust', 'role-grants'] as const;
export type Ground = (typeof GROUNDS)[number];

/** The facts of one cluster from which the rule is decided. */
export interface GrantFacts {
  target: GrantSubject['target'];
  /** The cluster's OIDC issuer. Absent if the cluster has none. */
  oidcIssuer?: string;
  /** Whether IAM has a provider for that issuer. Absent if that was not read. */
  oidcProvider?: Seen<boolean>;
  /** Trust policies by ARN, without statements that this migration added. `undefined` for a role that does not exist. */
  trustPolicies: Readonly<Record<string, ParsedPolicy | undefined>>;
  /** Associations of the service accounts in question that no unfinished migration created. */
  associations: readonly Association[];
  /** The add-on's IRSA role, and the names of the service accounts for which its version supports associations. */
  addon?: { roleArn: string; namespace: string; serviceAccounts: readonly string[] };
  /** Service accounts of the add-on's namespace with the IRSA annotation. Absent if they may not be read. */
  annotated?: Seen<readonly Pick<AttributedServiceAccount, 'name' | 'roleArn'>[]>;
  roleGrants: readonly RoleGrant[];
}

export interface GrantQuestion {
  namespace: string;
  serviceAccount: string;
  roleArn: string;
  /** The request names the role, and the service account has it neither through IRSA nor through an association. */
  isNew: boolean;
  /** The association will lose its session tags after it is created. */
  disableSessionTags: boolean;
}

export interface GrantAnswer {
  verdict: 'allowed' | 'denied' | 'unknown';
  /** The first ground that holds. */
  ground?: Ground;
  /** Clauses with the reason why each evaluated ground does not hold. */
  why: string[];
}

type Truth = 'yes' | 'no' | 'unknown';
type Found = { truth: 'yes' } | { truth: Exclude<Truth, 'yes'>; why: string };
const YES: Found = { truth: 'yes' };
const no = (why: string): Found => ({ truth: 'no', why });
const open = (why: string): Found => ({ truth: 'unknown', why });

/** The difference from the use in question: another subject, or another form of the association. */
type Changed = Partial<GrantSubject> & Pick<TrustUse, 'disableSessionTags'>;

const useOf = (
  { target, oidcIssuer }: GrantFacts,
  question: GrantQuestion,
  { target: cluster = target, ...changed }: Changed = {},
): TrustUse => ({
  clusterArn: clusterArn(cluster),
  namespace: question.namespace,
  serviceAccount: question.serviceAccount,
  roleAccount: target.account,
  ...(oidcIssuer === undefined ? {} : { oidcIssuer }),
  ...changed,
});

const trustIn = ({ trustPolicies }: GrantFacts, { roleArn }: GrantQuestion): ParsedPolicy | undefined =>
  trustPolicies[roleArn];

/** Ground 1. */
function byIrsaTrust(facts: GrantFacts, question: GrantQuestion): Found {
  const policy = trustIn(facts, question);
  if (!policy) return no('IAM does not return the role');
  if (facts.oidcIssuer === undefined) return no('the cluster has no OIDC issuer');
  const { verdict } = evaluateIrsa(policy, useOf(facts, question));
  if (verdict === 'unknown')
    return open('it is not known whether its trust policy allows IRSA for the service account');
  if (verdict !== 'allowed') return no('its trust policy does not allow IRSA for the service account');
  const { oidcProvider } = facts;
  if (!oidcProvider) return open("it was not read whether IAM has the cluster's OIDC provider");
  if ('error' in oidcProvider)
    return open(
      `it could not be read whether IAM has the cluster's OIDC provider (${oidcProvider.error.replace(/\.$/, '')})`,
    );
  return oidcProvider.seen ? YES : no("IAM has no OIDC provider for the cluster's issuer");
}

/** Returns whether ground 1 depends on IAM's OIDC provider for one of them, since the trust policies may already deny it. */
export const needsProvider = (
  facts: GrantFacts,
  accounts: readonly Pick<GrantQuestion, 'namespace' | 'serviceAccount' | 'roleArn'>[],
): boolean =>
  accounts.some((account) => {
    const question = { ...account, isNew: false, disableSessionTags: false };
    const policy = trustIn(facts, question);
    return policy !== undefined && evaluateIrsa(policy, useOf(facts, question)).verdict === 'allowed';
  });

/** Ground 2. */
const byAssociation = ({ associations }: GrantFacts, { namespace, serviceAccount, roleArn }: GrantQuestion): Found =>
  associations.some(
    (one) => one.namespace === namespace && one.serviceAccount === serviceAccount && one.roleArn === roleArn,
  )
    ? YES
    : no('no finished association gives it to the service account');

/** Ground 3. */
function byAddonRole({ addon, annotated }: GrantFacts, { namespace, serviceAccount, roleArn }: GrantQuestion): Found {
  if (addon?.roleArn !== roleArn) return no("it is not an add-on's IRSA role");
  if (addon.namespace !== namespace || !addon.serviceAccounts.includes(serviceAccount))
    return no("the service account is not one of the add-on's");
  if (!annotated) return open("the service account's IRSA annotation was not read");
  if ('error' in annotated)
    return open(`the service account's IRSA annotation could not be read (${annotated.error.replace(/\.$/, '')})`);
  return annotated.seen.some((one) => one.name === serviceAccount && one.roleArn === roleArn)
    ? YES
    : no('the service account is not annotated with it');
}

/** Ground 4: in each form that the association will have, by names, and for no other service account. */
function byPodIdentityTrust(facts: GrantFacts, question: GrantQuestion): Found {
  const policy = trustIn(facts, question);
  if (!policy) return no('IAM does not return the role');
  const forms = question.disableSessionTags ? [false, true] : [false];
  const usesOf = (changed: Changed): TrustUse[] =>
    forms.map((disableSessionTags) => useOf(facts, question, { ...changed, disableSessionTags }));
  const verdictsOf = (trust: ParsedPolicy, changed: Changed): Truth[] =>
    usesOf(changed).map((use) => {
      const { verdict } = evaluatePodIdentity(trust, use);
      return verdict === 'allowed' ? 'yes' : verdict === 'unknown' ? 'unknown' : 'no';
    });
  const own = verdictsOf(policy, {});
  if (own.includes('no')) return no('its trust policy does not allow EKS Pod Identity for the service account');
  const [key] = usesOf({}).flatMap((use) => keysReadForPodIdentity(policy, use));
  if (key !== undefined)
    return no(
      `its trust policy compares with the policy variable ${shown(`\${${key}}`, 100)} instead of naming the service account and its cluster for EKS Pod Identity`,
    );
  if (own.includes('unknown'))
    return open('it is not known whether its trust policy allows EKS Pod Identity for the service account');
  const whom = 'for other subjects than this service account of this cluster';
  const wider = withoutDeniesByVariables(policy);
  let isUndecided = false;
  // Most policies already allow the first of the other subjects.
  for (const changed of exchanged({ ...question, target: facts.target })) {
    const verdicts = verdictsOf(wider, changed);
    if (verdicts.includes('yes')) return no(`its trust policy also allows EKS Pod Identity ${whom}`);
    isUndecided ||= verdicts.includes('unknown');
  }
  return isUndecided ? open(`it is not known whether its trust policy also allows EKS Pod Identity ${whom}`) : YES;
}

/** Ground 5. */
const byRoleGrants = ({ roleGrants, target }: GrantFacts, { roleArn, ...question }: GrantQuestion): Found =>
  isGranted(roleGrants, roleArn, { target, ...question }) ? YES : no('the setting roleGrants does not name it');

const FINDERS: Record<Ground, (facts: GrantFacts, question: GrantQuestion) => Found> = {
  'irsa-trust': byIrsaTrust,
  association: byAssociation,
  'addon-role': byAddonRole,
  'pod-identity-trust': byPodIdentityTrust,
  'role-grants': byRoleGrants,
};

/** The verdict is `unknown` if no ground holds and one of them cannot be decided. */
function judge(facts: GrantFacts, question: GrantQuestion, grounds: readonly Ground[]): GrantAnswer {
  const why: string[] = [];
  let verdict: GrantAnswer['verdict'] = 'denied';
  for (const ground of grounds) {
    const found = FINDERS[ground](facts, question);
    if (found.truth === 'yes') return { verdict: 'allowed', ground, why: [] };
    if (found.truth === 'unknown') verdict = 'unknown';
    why.push(found.why);
  }
  return { verdict, why };
}

const OF_NEW_ROLES: readonly Ground[] = ['pod-identity-trust', 'role-grants'];
const OF_REPAIRS: readonly Ground[] = ['irsa-trust', 'association', 'role-grants'];

/** Returns whether the service account may get an association with the role. */
export const judgeGrant = (facts: GrantFacts, question: GrantQuestion): GrantAnswer =>
  judge(facts, question, question.isNew ? OF_NEW_ROLES : GROUNDS);

/**
 * Returns whether the role's trust policy may be repaired for the service account. `isNarrow` is true if the statement
 * names cluster, namespace and service account.
 */
export const judgeRepair = (
  facts: GrantFacts,
  question: GrantQuestion,
  { isNarrow }: { isNarrow: boolean },
): GrantAnswer => judge(facts, question, isNarrow ? OF_REPAIRS : ['role-grants']);

/**
 * Returns whether the service account may get back what a finished migration took: OIDC trust that was retired, or an
 * association. Ground 1 is no ground for it: IRSA trust that is there needs no restoring. Nor is ground 3: a migrated
 * add-on has no IRSA role.
 */
export const judgeReturn = (
  facts: GrantFacts,
  question: Pick<GrantQuestion, 'namespace' | 'serviceAccount' | 'roleArn'>,
): GrantAnswer =>
  judge(facts, { ...question, isNew: false, disableSessionTags: false }, ['association', ...OF_NEW_ROLES]);

/** Returns whether the role's IRSA trust allows other service accounts too, as a wildcard in it does. */
export function isWideIrsaTrust(facts: GrantFacts, question: GrantQuestion): boolean {
  const policy = trustIn(facts, question);
  if (!policy) return false;
  const others = [
    ...[`${question.serviceAccount}x`, `x${question.serviceAccount}`].map((serviceAccount) => ({ serviceAccount })),
    ...[`${question.namespace}x`, `x${question.namespace}`].map((namespace) => ({ namespace })),
  ];
  return others.some((one) => evaluateIrsa(policy, useOf(facts, question, one)).verdict === 'allowed');
}
