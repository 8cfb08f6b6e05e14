/**
 * Repair of a role's trust policy: adds one least-privilege statement, and only if the evaluation shows that it is
 * needed. Existing statements stay; a Deny is explained, never removed. Source of the statement: EKS User Guide, "Create
 * IAM role with trust policy required by EKS Pod Identity".
 */
import { createHash } from 'node:crypto';
import { acceptFlags } from '../acceptance/accept.ts';
import { clusterArn } from '../aws/arn.ts';
import type { Target } from '../terms/subject.ts';
import {
  evaluateIrsa,
  evaluatePodIdentity,
  type Evaluation,
  parsePolicy,
  POD_IDENTITY_PRINCIPAL,
  type TrustUse,
} from '../policy/index.ts';
import type { TrustChange } from '../terms/trust.ts';
import type { TrustPolicy } from './policy.ts';
import { limitFor, alternatives } from './size.ts';
import {
  isObject,
  type JsonObject,
  nameOf,
  readTrust,
  replaceMember,
  sameJson,
  samePolicy,
  type ServiceAccountUse,
  sidsOf,
  textsOf,
  type TrustDocument,
  uniqueAccounts,
  writeStatements,
} from './statements.ts';

export { samePolicy } from './statements.ts';

export interface RepairRequest {
  /** The role's current trust policy. */
  trustPolicy: TrustPolicy;
  target: Target;
  /** Service accounts that must be able to use the role. */
  serviceAccounts: readonly ServiceAccountUse[];
  /** The cluster's OIDC issuer. The repair must not change what IRSA allows. */
  oidcIssuer?: string;
  /** Condition keys that the caller accepts by name: an undecided condition on one of them does not count against the role. */
  acceptedKeys?: readonly string[];
  /** Maximum length of the policy in characters. Default: IAM's quota. */
  maxLength?: number;
}

export interface Refusal {
  do: 'refuse';
  /** A sentence without its full stop. */
  why: string;
  remedy: string;
}

export type RepairProposal =
  | { do: 'nothing' }
  /** `after` is the whole policy without white space, `length` characters long. */
  | { do: 'repair'; statement: JsonObject; after: string; length: number }
  | Refusal;

const refuse = (why: string, remedy: string): Refusal => ({ do: 'refuse', why, remedy });

/** The form of the Sids that `freshSid` generates. */
const SID = /^PodIdentity[0-9a-f]{12}$/;

/**
 * Generates a Sid of letters and digits that is not in `taken`. It is the same each time for the same cluster and
 * accounts.
 */
function freshSid(parts: readonly string[], taken: ReadonlySet<string>): string {
  for (let attempt = 0; ; attempt += 1) {
    const sid = `PodIdentity${createHash('sha256')
      .update(JSON.stringify([...parts, attempt]))
      .digest('hex')
      .slice(0, 12)}`;
    if (!taken.has(sid)) return sid;
  }
}

const oneOrMany = (values: string[]): string | string[] => (values.length === 1 ? (values[0] ?? '') : values);

/**
 * Returns the statement that allows EKS Auth to assume the role for these service accounts, all of one namespace. If
 * session tags are disabled, the statement cannot restrict the service account, since there are no tags to compare.
 */
export function statementFor(
  target: Target,
  accounts: readonly ServiceAccountUse[],
  taken: ReadonlySet<string>,
): JsonObject {
  const arn = clusterArn(target);
  const namespace = accounts[0]?.namespace ?? '';
  const names = accounts.map((one) => one.serviceAccount).sort();
  const tagged = accounts.every((one) => one.disableSessionTags !== true);
  return {
    Sid: freshSid([arn, namespace, ...names, String(tagged)], taken),
    Effect: 'Allow',
    Principal: { Service: POD_IDENTITY_PRINCIPAL },
    Action: ['sts:AssumeRole', 'sts:TagSession'],
    Condition: {
      StringEquals: {
        'aws:SourceAccount': target.account,
        ...(tagged
          ? {
              'aws:RequestTag/kubernetes-namespace': namespace,
              'aws:RequestTag/kubernetes-service-account': oneOrMany(names),
            }
          : {}),
      },
      ArnEquals: { 'aws:SourceArn': arn },
    },
  };
}

/** Returns whether a repair would add this statement for the cluster, for no other service accounts than these. */
export function isRepairStatement(
  statement: JsonObject,
  target: Target,
  accounts: readonly ServiceAccountUse[],
): boolean {
  const condition = isObject(statement['Condition']) ? statement['Condition'] : {};
  const equals = isObject(condition['StringEquals']) ? condition['StringEquals'] : {};
  const names = textsOf(equals['aws:RequestTag/kubernetes-service-account']);
  const [namespace] = textsOf(equals['aws:RequestTag/kubernetes-namespace']);
  const meant =
    names.length > 0
      ? accounts
          .filter((one) => one.namespace === namespace && names.includes(one.serviceAccount))
          .map((one) => ({ ...one, disableSessionTags: false }))
      : accounts.slice(0, 1).map((one) => ({ ...one, disableSessionTags: true }));
  const sid = statement['Sid'];
  return (
    meant.length > 0 &&
    typeof sid === 'string' &&
    SID.test(sid) &&
    sameJson(replaceMember(statementFor(target, meant, new Set()), 'Sid', sid), statement)
  );
}

const unique = (texts: readonly (string | undefined)[]): string[] => [
  ...new Set(texts.filter((text) => text !== undefined)),
];

/** Returns a refusal for a statement that would not help, with the reasons of the evaluation. */
function blocked(account: ServiceAccountUse, { verdict, reasons, undecided }: Evaluation): Refusal {
  const denying = reasons.filter((reason) => reason.effect === 'Deny');
  const decisive = denying.length > 0 ? denying : reasons;
  const which = unique(decisive.map((reason) => reason.statement)).join(', ') || 'the policy';
  const keys = unique([...decisive.map((reason) => reason.key), ...undecided]);
  return refuse(
    `Even with a statement for it, ${POD_IDENTITY_PRINCIPAL} ${verdict === 'unknown' ? 'might' : 'would'} still not be allowed for ${nameOf(account)}: ${decisive.map((reason) => reason.message).join('; ')}`,
    [
      `A Deny overrides every Allow. The service does not remove it, since it may be there for a reason. Change ${which} by hand so that it excludes ${POD_IDENTITY_PRINCIPAL} for this cluster${keys.length > 0 ? ` (it depends on ${keys.join(', ')})` : ''}, or use a separate role for the add-on.`,
      ...(undecided.length > 0
        ? [
            `If you know that the condition on ${undecided.join(', ')} will not deny the call, accept the key by name: ${acceptFlags('condition-key', undecided)} (in a request: accept).`,
          ]
        : []),
    ].join(' '),
  );
}

/** Returns a refusal if the proposed policy would not work for every account, or would change what IRSA allows. */
function objection(
  before: TrustDocument,
  after: string,
  uses: readonly TrustUse[],
  options: { acceptedKeys: readonly string[] },
): Refusal | undefined {
  const policy = parsePolicy(after, 'trust');
  for (const use of uses) {
    const podIdentity = evaluatePodIdentity(policy, use, options);
    if (podIdentity.verdict !== 'allowed') return blocked(use, podIdentity);
    const was = evaluateIrsa(before.policy, use, options).verdict;
    const is = evaluateIrsa(policy, use, options).verdict;
    if (was !== is)
      return refuse(
        `The repaired policy would change access through IRSA for ${nameOf(use)} from ${was} to ${is}`,
        'Use a separate role for the add-on.',
      );
  }
  return undefined;
}

/** Proposes the one statement that the policy lacks for these service accounts, and the whole policy with it. */
export function proposeRepair({
  trustPolicy,
  target,
  serviceAccounts,
  oidcIssuer,
  acceptedKeys = [],
  maxLength,
}: RepairRequest): RepairProposal {
  const options = { acceptedKeys };
  const uses = uniqueAccounts(serviceAccounts).map((one): TrustUse & ServiceAccountUse => ({
    ...one,
    clusterArn: clusterArn(target),
    ...(oidcIssuer === undefined ? {} : { oidcIssuer }),
  }));
  const lacking = uses.filter((use) => evaluatePodIdentity(trustPolicy.document, use, options).verdict !== 'allowed');
  if (lacking.length === 0) return { do: 'nothing' };
  const trust = readTrust(trustPolicy);
  if (!trust.readable) return refuse(trust.why, trust.remedy);
  const namespaces = unique(lacking.map((use) => use.namespace));
  if (namespaces.length > 1) {
    return refuse(
      `${lacking.map(nameOf).join(', ')} are in several namespaces, and one statement for all would allow each name in each namespace`,
      `Use a separate role for the service accounts of ${namespaces.slice(1).join(', ')}.`,
    );
  }
  const statement = statementFor(target, lacking, sidsOf(trust.statements));
  const after = writeStatements(trust.document, [...trust.statements, statement]);
  const objected = objection(trust, after, uses, options);
  if (objected) return objected;
  const limit = limitFor(trust.length, maxLength);
  if (after.length > limit) {
    return refuse(
      `The trust policy would have ${after.length} characters without white space, and IAM allows ${limit} (it has ${trust.length} now)`,
      alternatives(after.length, limit, trust.statements, target),
    );
  }
  return { do: 'repair', statement, after, length: after.length };
}

export type Undo = { do: 'write'; document: string } | { do: 'nothing' } | { do: 'refuse'; why: string };

/**
 * Returns how to undo a repair: write exactly the policy before it, or, if the policy has changed since, the current
 * policy without the added statement.
 */
export function undoRepair(change: TrustChange, current: string): Undo {
  if (samePolicy(current, change.after)) return { do: 'write', document: change.before };
  if (samePolicy(current, change.before)) return { do: 'nothing' };
  const trust = readTrust(current);
  if (!trust.readable) return { do: 'refuse', why: `${trust.why}. ${trust.remedy}` };
  const others = trust.statements.filter((one) => !sameJson(one, change.statement));
  const sid = textsOf(change.statement['Sid'])[0];
  if (others.length < trust.statements.length) {
    if (others.length === 0)
      return {
        do: 'refuse',
        why: `The added statement ${sid} is the only one left in the trust policy of ${change.roleArn}, and IAM does not accept a policy without statements. Write the policy by hand; before the migration it was: ${change.before}`,
      };
    return { do: 'write', document: writeStatements(trust.document, others) };
  }
  if (sid === undefined || !sidsOf(trust.statements).has(sid)) return { do: 'nothing' };
  return {
    do: 'refuse',
    why: `The added statement ${sid} in the trust policy of ${change.roleArn} has been changed since the repair. It was: ${JSON.stringify(change.statement)}. Remove it by hand, or keep it`,
  };
}
