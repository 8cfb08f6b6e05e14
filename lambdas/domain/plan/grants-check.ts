/** The checks of a plan about which subjects may get its roles: the rule of `grants.ts`, and the remedies. */
import { clusterArn, parseRoleArn } from '../aws/arn.ts';
import { irsaRoleOf } from '../verification/irsa.ts';
import { type Check, fail, pass, unknown, warn } from '../terms/check.ts';
import type { PlannedAssociation } from '../terms/planned.ts';
import { grantFor } from '../settings/role-grants.ts';
import type { TrustRepair } from '../terms/trust.ts';
import { statementFor } from '../trust/repair.ts';
import type { Facts } from './facts.ts';
import { type Ground, type GrantFacts, isWideIrsaTrust } from './grants.ts';
import { grantText, type GrantsPlan, type JudgedGrant, judgeAssociations, judgeRepairs } from './grants-judged.ts';
import { losesSessionTags } from './trust-checks.ts';

const ID = 'role-grant';
const SOURCE = 'docs/adr/0041-who-may-be-given-a-role.md';

const HOLDS: Record<Ground, string> = {
  'irsa-trust': 'its trust policy allows IRSA for that service account of this cluster',
  association: 'an existing association already gives it to that service account',
  'addon-role': "it is the add-on's IRSA role, and the add-on's service account is annotated with it",
  'pod-identity-trust': 'its trust policy allows EKS Pod Identity for that service account of this cluster only',
  'role-grants': 'the setting roleGrants names it',
};

/** Facts from the API server do not count if the request does not verify pods. */
export const grantFactsOf = (facts: Facts): GrantFacts => {
  const { request, cluster, addon, namespace, annotated, oidcProvider, unfinished = [], roleGrants = [] } = facts;
  const role = addon?.serviceAccountRoleArn;
  return {
    target: request.target,
    ...(cluster?.oidcIssuer === undefined ? {} : { oidcIssuer: cluster.oidcIssuer }),
    ...(oidcProvider === undefined ? {} : { oidcProvider }),
    trustPolicies: Object.fromEntries(
      Object.entries(facts.roles).map(([arn, found]) => [arn, found?.trustPolicy.document]),
    ),
    associations: facts.associations.filter(({ id }) => !unfinished.includes(id)),
    ...(role === undefined || namespace === undefined
      ? {}
      : {
          addon: {
            roleArn: role,
            namespace,
            serviceAccounts: facts.podIdentity.map(({ serviceAccount }) => serviceAccount),
          },
        }),
    ...(annotated === undefined || request.verification === 'api' ? {} : { annotated }),
    roleGrants,
  };
};

const sentence = (text: string): string => `${text.replace(/^./, (first) => first.toUpperCase())}.`;

/** Two remedies, which need the owner of the role or of the deployment. */
function remedyOf({ request: { target } }: Facts, { what, question }: JudgedGrant): string {
  const { roleArn, namespace, serviceAccount } = question;
  const entry = `Add ${JSON.stringify(grantFor(roleArn, { target, namespace, serviceAccount }))} to the setting roleGrants and deploy, if the owner of the role agrees; then plan again.`;
  if (what === 'repair' || question.disableSessionTags) return entry;
  const statement = JSON.stringify(statementFor(target, [{ namespace, serviceAccount }], new Set()));
  return `Have the owner of the role replace its statements for EKS Pod Identity with this statement: ${statement}. Or: ${entry}`;
}

function checkOne(facts: Facts, rule: GrantFacts, judged: JudgedGrant): Check {
  const { question, answer } = judged;
  const { roleArn, namespace, serviceAccount } = question;
  const name = parseRoleArn(roleArn)?.name ?? roleArn;
  const may = `${judged.what === 'repair' ? 'The trust policy of role' : 'Role'} ${name} may be ${judged.what === 'repair' ? 'repaired for' : 'given to'} ${namespace}/${serviceAccount}`;
  if (answer.verdict === 'allowed' && answer.ground === 'irsa-trust' && isWideIrsaTrust(rule, question))
    return warn(
      ID,
      `${may} because its trust policy allows IRSA for it, but through a wildcard, which also allows other service accounts.`,
      'If that is not intended, name the service accounts in the condition on the claim sub.',
      SOURCE,
    );
  if (answer.verdict === 'allowed' && answer.ground) return pass(ID, `${may}: ${HOLDS[answer.ground]}.`);
  const clauses = answer.why.map(sentence).join(' ');
  const isNew = judged.what === 'association' && question.isNew ? ', which does not have it now,' : '';
  return answer.verdict === 'unknown'
    ? unknown(
        ID,
        `It cannot be decided whether ${grantText(judged).replace(' is ', ' may be ')}${isNew} in cluster ${clusterArn(facts.request.target)}. ${clauses}`,
        remedyOf(facts, judged),
        SOURCE,
      )
    : fail(
        ID,
        `Nothing shows that ${grantText(judged).replace(' is ', ' may be ')}${isNew} in cluster ${clusterArn(facts.request.target)}. ${clauses}`,
        remedyOf(facts, judged),
        SOURCE,
      );
}

/** The part of a plan to which the rule applies: the planned roles that exist in IAM. */
export const grantsPlanOf = (
  facts: Facts,
  planned: readonly PlannedAssociation[],
  trustRepairs: readonly TrustRepair[],
): GrantsPlan => ({
  associations: planned.filter(({ roleArn }) => facts.roles[roleArn] !== undefined),
  trustRepairs,
  irsaRole: irsaRoleOf(facts),
  losesSessionTags: (account) => losesSessionTags(facts, account),
});

/** Checks the planned roles that exist in IAM. Other checks report problems with the others. */
export function checkGrants(
  facts: Facts,
  planned: readonly PlannedAssociation[],
  trustRepairs: readonly TrustRepair[],
): Check[] {
  const rule = grantFactsOf(facts);
  const plan = grantsPlanOf(facts, planned, trustRepairs);
  return [...judgeAssociations(rule, plan), ...judgeRepairs(rule, plan)].map((judged) => checkOne(facts, rule, judged));
}
