/** Reports other users of the roles of a plan, since changing or retiring a role affects all of its users. */
import { oidcProviderArn, parseRoleArn } from '../aws/arn.ts';
import type { ParsedPolicy } from '../policy/index.ts';
import type { Association } from '../terms/observed.ts';
import { type Check, GUIDE, pass, some, warn } from '../terms/check.ts';
import type { PlannedAssociation } from '../terms/planned.ts';
import { irsaRoleOf } from '../verification/irsa.ts';
import type { Facts } from './facts.ts';
import { asClause } from '../text/text.ts';

/**
 * The issuer of a cluster's tokens. With dual-stack hosts it begins with `oidc-eks`. Source: EKS User Guide, "Create an
 * IAM OIDC provider for your cluster".
 */
const EKS_ISSUER = /^oidc[.-]eks\.([a-z0-9-]+)\.[a-z.]+\/id\//;

/** Describes a federated principal. */
function providerText(provider: string, account: string): string {
  const [, owner = '', issuer = ''] = /^arn:[^:]+:iam::(\d+):oidc-provider\/(.+)$/.exec(provider) ?? [];
  if (issuer === '') return `identity provider ${provider}`;
  const whose = owner === account ? '' : ` of account ${owner}`;
  const region = EKS_ISSUER.exec(issuer)?.[1];
  return region === undefined
    ? `OIDC provider ${issuer}${whose}, which does not belong to an EKS cluster`
    : `an EKS cluster in ${region} (OIDC provider ${issuer}${whose})`;
}

/** Returns the federated principals that the trust policy allows, except the cluster's own provider. */
function otherProviders(facts: Facts, policy: ParsedPolicy): string[] {
  if (!policy.valid) return [];
  const federated = policy.statements.flatMap(({ effect, principals }) =>
    effect === 'Allow' && principals?.negated === false ? (principals.named.get('Federated') ?? []) : [],
  );
  const { request, cluster } = facts;
  const own = cluster?.oidcIssuer === undefined ? undefined : oidcProviderArn(request.target, cluster.oidcIssuer);
  return [...new Set(federated)]
    .filter((provider) => provider !== own)
    .map((provider) => providerText(provider, request.target.account));
}

const isPlanned = ({ namespace, serviceAccount }: Association, planned: readonly PlannedAssociation[]): boolean =>
  planned.some((one) => one.namespace === namespace && one.serviceAccount === serviceAccount);

function otherAssociations(
  associations: readonly Association[],
  roleArn: string,
  planned: readonly PlannedAssociation[],
): string[] {
  return associations
    .filter((one) => (one.roleArn === roleArn || one.targetRoleArn === roleArn) && !isPlanned(one, planned))
    .map(
      (one) =>
        `association ${one.id} for ${one.namespace}/${one.serviceAccount}${one.roleArn === roleArn ? '' : ' (as its target role)'}`,
    );
}

/** Returns undefined if the facts that would show it were not read. */
function checkRole(facts: Facts, roleArn: string, planned: readonly PlannedAssociation[]): Check | undefined {
  const role = facts.roles[roleArn];
  const users = facts.roleUsers;
  if (!role || !users) return undefined;
  const name = parseRoleArn(roleArn)?.name ?? roleArn;
  const others = [
    ...(users.addons ?? []).filter((one) => one.roleArn === roleArn).map((one) => `add-on ${one.name}`),
    ...otherAssociations(users.associations, roleArn, planned),
    ...otherProviders(facts, role.trustPolicy.document),
  ];
  const unseen = [
    ...(users.more ? [`the cluster has more associations than the ${users.associations.length} that were read`] : []),
    ...(users.error === undefined ? [] : [asClause(users.error)]),
  ];
  const gap = unseen.length > 0 ? ` It is not known whether there are others: ${unseen.join('; ')}.` : '';
  if (others.length > 0) {
    return warn(
      'role-sharing',
      `Role ${name} has other users: ${some(others)}.${gap}`,
      'No action is needed: the lock on the role makes migrations that change its trust policy wait for each other. Its OIDC statements must stay as long as others use them.',
      `${GUIDE}, "Assign IAM roles to Kubernetes service accounts"`,
    );
  }
  if (gap !== '')
    return warn(
      'role-sharing',
      `No other user of role ${name} was found.${gap}`,
      'Before its OIDC trust is retired, check who else uses it: aws iam get-role shows when it was last used, CloudTrail by whom.',
    );
  if (!users.addons)
    return pass(
      'role-sharing',
      `The trust policy of role ${name} allows IRSA only for the planned service accounts and names no other identity provider, and no other association of cluster ${facts.request.target.cluster} uses the role.`,
    );
  return pass(
    'role-sharing',
    `No other add-on or association of cluster ${facts.request.target.cluster} uses role ${name}, and its trust policy names no other identity provider.`,
  );
}

/** Returns the checks for each planned role, and for the IRSA role. */
export function checkSharing(facts: Facts, planned: readonly PlannedAssociation[]): Check[] {
  const irsa = irsaRoleOf(facts);
  const arns = new Set([...planned.map((one) => one.roleArn), ...(irsa === undefined ? [] : [irsa])]);
  return [...arns].flatMap((arn) => checkRole(facts, arn, planned) ?? []);
}
