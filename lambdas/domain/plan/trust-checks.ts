/**
 * The checks of a plan about trust policies: whether they trust the pods through Pod Identity and IRSA, and what a repair
 * would add.
 */
import { acceptedNames, acceptFlags } from '../acceptance/accept.ts';
import { carriedOver } from '../associations/associations.ts';
import { clusterArn, parseRoleArn } from '../aws/arn.ts';
import { irsaRoleOf } from '../verification/irsa.ts';
import { type Check, fail, pass, some, warn } from '../terms/check.ts';
import type { PlannedAssociation } from '../terms/planned.ts';
import {
  evaluateIrsa,
  evaluatePodIdentity,
  type Evaluation,
  type ParsedPolicy,
  parsePolicy,
  POD_IDENTITY_PRINCIPAL,
  type TrustUse,
  type Verdict,
} from '../policy/index.ts';
import type { TrustRepair } from '../terms/trust.ts';
import type { TrustPolicy } from '../trust/policy.ts';
import { proposeRepair, type RepairProposal } from '../trust/repair.ts';
import { limitFor } from '../trust/size.ts';
import type { Facts } from './facts.ts';
import { isCovered } from './pass-role.ts';
import { NOT_ASKED } from './preview.ts';
import { TRUST_SOURCE } from './trust-remedy.ts';
import { asSentence } from '../text/text.ts';

const WORST_FIRST: readonly Verdict[] = ['invalid', 'denied', 'unknown', 'allowed'];

const number = (value: number): string => value.toLocaleString('en-US');
const lengthOf = (characters: number): string => `${number(characters)} of ${number(limitFor(characters))} characters`;

/** Returns the reasons of an evaluation as sentences, at most the first few. */
function told({ reasons }: Pick<Evaluation, 'reasons'>): string {
  const sentences = [...new Set(reasons.map(({ message }) => asSentence(message)))];
  const shown = sentences.slice(0, 5);
  return [
    ...shown,
    ...(sentences.length > shown.length ? [`${sentences.length - shown.length} more reasons.`] : []),
  ].join(' ');
}

const useOf = (
  { request, cluster }: Facts,
  { namespace, serviceAccount }: PlannedAssociation,
  roleArn: string,
): TrustUse => ({
  clusterArn: clusterArn(request.target),
  namespace,
  serviceAccount,
  roleAccount: parseRoleArn(roleArn)?.account ?? request.target.account,
  ...(cluster?.oidcIssuer === undefined ? {} : { oidcIssuer: cluster.oidcIssuer }),
});

/** Returns whether the new association will lose its session tags: it is created with them and updated afterwards. */
export const losesSessionTags = ({ associations }: Pick<Facts, 'associations'>, account: PlannedAssociation): boolean =>
  carriedOver(associations, [account]).some((one) => one.disableSessionTags === true);

interface Answer {
  evaluation: Evaluation;
  disableSessionTags: boolean;
}

interface Judged extends Pick<Evaluation, 'verdict' | 'undecided' | 'accepted'> {
  account: PlannedAssociation;
  /** The answers that decided the verdict, for one form that the association will have. */
  decisive: Answer[];
  forms: number;
}

/** Evaluates one service account. If its association changes its form, the worse result of the two counts. */
function judge(facts: Facts, policy: ParsedPolicy, account: PlannedAssociation): Judged {
  const acceptedKeys = acceptedNames(facts.request, 'condition-key');
  const answers = (losesSessionTags(facts, account) ? [false, true] : [false]).map((disableSessionTags): Answer => {
    const use = { ...useOf(facts, account, account.roleArn), ...(disableSessionTags ? { disableSessionTags } : {}) };
    return { disableSessionTags, evaluation: evaluatePodIdentity(policy, use, { acceptedKeys }) };
  });
  const verdict = WORST_FIRST.find((one) => answers.some(({ evaluation }) => evaluation.verdict === one)) ?? 'unknown';
  const keys = (of: 'undecided' | 'accepted'): string[] => [
    ...new Set(answers.flatMap(({ evaluation }) => evaluation[of])),
  ];
  return {
    account,
    verdict,
    undecided: keys('undecided'),
    accepted: keys('accepted'),
    forms: answers.length,
    decisive: answers.filter(({ evaluation }) => evaluation.verdict === verdict),
  };
}

/** Describes what decided the verdict, and for which form of the association if it is only one. */
function whyOf({ decisive, forms }: Judged): string {
  const [first] = decisive;
  if (!first) return '';
  if (decisive.length === forms) return told(first.evaluation);
  return `${first.disableSessionTags ? 'Without session tags, which its association will have disabled' : 'With session tags, which its association has until they are disabled'}: ${told(first.evaluation)}`;
}

interface RoleTrust {
  arn: string;
  name: string;
  /** Whether an Allow statement names EKS Auth, rather than every principal. */
  named: boolean;
  proposal: RepairProposal;
  /** Whether the service may change the trust policy. */
  repairable: boolean;
  /** Whether that depends on a setting that is not known. */
  conditional: boolean;
}

/** Returns the statement that allows all of them, in each form that their associations will have. */
function propose(facts: Facts, trustPolicy: TrustPolicy, judged: readonly Judged[]): RepairProposal {
  const proposal = proposeRepair({
    trustPolicy,
    target: facts.request.target,
    serviceAccounts: judged.map(({ account: { namespace, serviceAccount }, verdict, decisive }) => ({
      namespace,
      serviceAccount,
      ...(verdict !== 'allowed' && decisive.some((one) => one.disableSessionTags) ? { disableSessionTags: true } : {}),
    })),
    acceptedKeys: acceptedNames(facts.request, 'condition-key'),
    ...(facts.cluster?.oidcIssuer === undefined ? {} : { oidcIssuer: facts.cluster.oidcIssuer }),
  });
  if (proposal.do !== 'repair') return proposal;
  const repaired = parsePolicy(proposal.after, 'trust');
  const still = judged
    .map(({ account }) => judge(facts, repaired, account))
    .find(({ verdict }) => verdict !== 'allowed');
  if (!still) return proposal;
  const { namespace, serviceAccount } = still.account;
  return {
    do: 'refuse',
    why: `even with a statement for it, the policy would not allow ${namespace}/${serviceAccount}. ${whyOf(still)}`,
    remedy: 'Change the conflicting statements by hand, or use a separate role.',
  };
}

const acceptance = (keys: readonly string[]): string =>
  `If you know that the pods meet these conditions, accept them by name: ${acceptFlags('condition-key', keys)} (in a request: accept).`;

/** Returns the remedy by hand, and whether the service could apply it. */
function remedyOf({ undecided }: Judged, { arn, proposal, repairable, conditional }: RoleTrust): string {
  const accept = undecided.length > 0 ? [acceptance(undecided)] : [];
  if (proposal.do === 'refuse') return [...accept, `${asSentence(proposal.why)} ${proposal.remedy}`].join(' ');
  if (proposal.do === 'nothing')
    return [...accept, `Allow ${POD_IDENTITY_PRINCIPAL} in a statement of the role's trust policy.`].join(' ');
  const enabled = repairable && !conditional ? '' : `, if the CDK context repairableRoleArns covers ${arn}`;
  const statement = `Add this statement to the role's trust policy and keep the others: ${JSON.stringify(proposal.statement)}. The policy then has ${lengthOf(proposal.length)}. --trust repair does that${enabled}.`;
  return [...accept, statement].join(' ');
}

function checkAccount(facts: Facts, judged: Judged, role: RoleTrust): Check {
  const { account, verdict, accepted } = judged;
  const { name, named, proposal, repairable } = role;
  const who = `${POD_IDENTITY_PRINCIPAL} for ${account.namespace}/${account.serviceAccount}`;
  if (verdict === 'allowed' && accepted.length === 0 && !named) {
    return warn(
      'role-trust',
      `Role ${name} trusts ${who}, but only through a statement for any principal. EKS does not document whether it accepts such a role for an association; if it does not, the migration is rolled back.`,
      `Name ${POD_IDENTITY_PRINCIPAL} in a separate statement, and allow any other principal only if that is intended.`,
      TRUST_SOURCE,
    );
  }
  if (verdict === 'allowed' && accepted.length === 0)
    return pass('role-trust', `Role ${name} trusts ${who} (sts:AssumeRole and sts:TagSession).`);
  if (verdict === 'allowed') {
    return warn(
      'role-trust',
      `Role ${name} trusts ${who}, provided that the accepted conditions hold: ${accepted.join(', ')} cannot be known beforehand.`,
      'Make sure that the pods meet these conditions of its trust policy; if they do not, they get no credentials and the migration is rolled back.',
      TRUST_SOURCE,
    );
  }
  const found = `The trust policy of role ${name} ${verdict === 'unknown' ? 'may not allow' : 'does not allow'} ${who}. ${whyOf(judged)}`;
  if (facts.request.trust === 'repair' && proposal.do === 'repair' && repairable) {
    return warn(
      'role-trust',
      `${found} A statement for it is added to the trust policy of role ${name} before anything else; the policy then has ${lengthOf(proposal.length)}. A rollback removes the statement.`,
      `To keep the trust policy as it is, omit --trust repair. The statement: ${JSON.stringify(proposal.statement)}`,
      TRUST_SOURCE,
    );
  }
  const refused = facts.request.trust === 'repair' && proposal.do === 'refuse';
  return {
    id: 'role-trust',
    status: verdict === 'unknown' && !refused ? 'unknown' : 'fail',
    message: found,
    remedy: remedyOf(judged, role),
    source: TRUST_SOURCE,
  };
}

/** Checks whether a requested repair is possible. Returns nothing if none was requested. */
function checkRepair(
  { request, repairableRoleArns }: Facts,
  { arn, name, proposal, repairable, conditional }: RoleTrust,
): Check[] {
  if (request.trust !== 'repair' || proposal.do === 'refuse') return [];
  if (proposal.do === 'nothing')
    return [pass('trust-repair', `The trust policy of role ${name} needs no new statement.`)];
  if (conditional)
    return [
      warn(
        'trust-repair',
        `A migration adds the missing statement to the trust policy of role ${name}. ${NOT_ASKED}, so it is not known whether its setting repairableRoleArns covers the role.`,
        `When you deploy, let repairableRoleArns cover ${arn}; or omit --trust repair and add the statement by hand.`,
      ),
    ];
  if (repairable)
    return [pass('trust-repair', `The service may add the missing statement to the trust policy of role ${name}.`)];
  const why =
    repairableRoleArns.length === 0
      ? 'this deployment does not have the repair of trust policies enabled'
      : `it may change only those of ${repairableRoleArns.join(', ')}`;
  return [
    fail(
      'trust-repair',
      `The service may not change the trust policy of role ${name}: ${why}.`,
      `Add ${arn} to the CDK context repairableRoleArns and deploy; or omit --trust repair and add the statement by hand.`,
    ),
  ];
}

export interface TrustPlan {
  checks: Check[];
  /** Present if a repair is requested, needed and allowed. */
  repair?: TrustRepair;
}

/**
 * Checks whether an existing role trusts EKS Auth for each service account that is to use it, and plans the repair if it
 * does not.
 */
export function planTrust(
  facts: Facts,
  arn: string,
  trustPolicy: TrustPolicy,
  planned: readonly PlannedAssociation[],
): TrustPlan {
  const policy = trustPolicy.document;
  const judged = planned.map((account) => judge(facts, policy, account));
  const needed = judged.some(({ verdict }) => verdict !== 'allowed');
  const role: RoleTrust = {
    arn,
    name: parseRoleArn(arn)?.name ?? arn,
    named:
      policy.valid &&
      policy.statements.some(
        ({ effect, principals }) =>
          effect === 'Allow' && principals?.named.get('Service')?.includes(POD_IDENTITY_PRINCIPAL) === true,
      ),
    proposal: needed ? propose(facts, trustPolicy, judged) : { do: 'nothing' },
    repairable: facts.preview !== undefined || isCovered(facts.repairableRoleArns, arn),
    conditional: facts.preview !== undefined,
  };
  const { proposal, repairable } = role;
  const checks = [...judged.map((one) => checkAccount(facts, one, role)), ...checkRepair(facts, role)];
  if (facts.request.trust !== 'repair' || proposal.do !== 'repair' || !repairable) return { checks };
  return {
    checks,
    repair: { roleArn: arn, before: trustPolicy.text, after: proposal.after, statement: proposal.statement },
  };
}

/** Checks the rollback: after it, the IRSA role must trust the pods through OIDC again. */
export function checkRollback(facts: Facts, planned: readonly PlannedAssociation[]): Check {
  const roleArn = irsaRoleOf(facts) ?? '';
  const found = facts.roles[roleArn];
  const remedy =
    'The migration can continue, but a rollback would restore an IRSA role that does not work. Repair the OIDC statement first to make a rollback possible.';
  const owner = parseRoleArn(roleArn)?.account;
  if (!found && owner !== undefined && owner !== facts.request.target.account)
    return warn(
      'rollback-trust',
      `The IRSA role ${roleArn} is in account ${owner}, so its trust policy was not read.`,
      'The migration does not change it. A rollback works as long as it keeps its OIDC statement for this cluster.',
    );
  if (!found || !facts.cluster?.oidcIssuer)
    return warn(
      'rollback-trust',
      facts.cluster?.oidcIssuer ? `The IRSA role ${roleArn} could not be read.` : 'The cluster has no OIDC issuer.',
      remedy,
    );
  const policy = found.trustPolicy.document;
  const acceptedKeys = acceptedNames(facts.request, 'condition-key');
  const closed = planned
    .map((account) => ({ account, evaluation: evaluateIrsa(policy, useOf(facts, account, roleArn), { acceptedKeys }) }))
    .filter(({ evaluation }) => evaluation.verdict !== 'allowed');
  const [first] = closed;
  if (!first)
    return pass('rollback-trust', 'The OIDC trust of the role exists and is kept: a rollback can return to IRSA.');
  const names = some(closed.map(({ account }) => `${account.namespace}/${account.serviceAccount}`));
  return warn(
    'rollback-trust',
    `The trust policy of ${roleArn} does not certainly allow IRSA for ${names}. ${told(first.evaluation)}`,
    remedy,
  );
}
