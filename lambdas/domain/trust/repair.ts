/**
 * Repair of a role's trust policy: one statement more, least privilege, only where the evaluation says that it is
 * needed. What is there stays; a Deny is explained, never taken out. Source of the statement: EKS User Guide, "Create
 * IAM role with trust policy required by EKS Pod Identity".
 */
import { createHash } from 'node:crypto';
import { clusterArn } from '../aws/arn.ts';
import type { Target } from '../migration/model.ts';
import {
  evaluateIrsa,
  evaluatePodIdentity,
  type Evaluation,
  parsePolicy,
  POD_IDENTITY_PRINCIPAL,
  type TrustUse,
} from '../policy/index.ts';
import type { TrustChange } from './model.ts';
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
  /** As the role has it. */
  trustPolicy: TrustPolicy;
  target: Target;
  /** Those that shall use the role. */
  serviceAccounts: readonly ServiceAccountUse[];
  /** Of the cluster; what IRSA may do must stay as it is. */
  oidcIssuer?: string;
  /** Condition keys that the caller says will not stand in the way. */
  acceptedKeys?: readonly string[];
  /** Characters that the policy may have. Default: IAM's quota. */
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
  /** `after`: the whole policy without white space, of `length` characters. */
  | { do: 'repair'; statement: JsonObject; after: string; length: number }
  | Refusal;

const refuse = (why: string, remedy: string): Refusal => ({ do: 'refuse', why, remedy });

/** A Sid as `freshSid` makes them. */
const SID = /^PodIdentity[0-9a-f]{12}$/;

/** Only letters and digits; stable for the same cluster and accounts, and not one of `taken`. */
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
 * Returns the statement that lets EKS Auth in for these service accounts, all of one namespace. Without session tags
 * there is no tag to look at.
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

/** Whether a statement is one that a repair adds for that cluster, and for no other service accounts than these. */
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

/** Why the statement would not help, in the words of the evaluation. */
function blocked(account: ServiceAccountUse, { verdict, reasons, undecided }: Evaluation): Refusal {
  const denying = reasons.filter((reason) => reason.effect === 'Deny');
  const decisive = denying.length > 0 ? denying : reasons;
  const which = unique(decisive.map((reason) => reason.statement)).join(', ') || 'the policy';
  const keys = unique([...decisive.map((reason) => reason.key), ...undecided]);
  return refuse(
    `With a statement for it, ${POD_IDENTITY_PRINCIPAL} ${verdict === 'unknown' ? 'may still not be' : 'would still not be'} let in for ${nameOf(account)}: ${decisive.map((reason) => reason.message).join('; ')}`,
    [
      `A Deny goes before every Allow, and is not taken out here, since somebody meant it. Change ${which} by hand so that it leaves out ${POD_IDENTITY_PRINCIPAL} for this cluster${keys.length > 0 ? ` (it looks at ${keys.join(', ')})` : ''}, or give the add-on a role of its own.`,
      ...(undecided.length > 0
        ? [
            `Where you know that ${undecided.join(', ')} will not stand in the way, accept the key by name (acceptedKeys).`,
          ]
        : []),
    ].join(' '),
  );
}

/** Whether the policy as it would be keeps its promises for every account; `undefined`: it does. */
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
        `The repaired policy would change what IRSA may do for ${nameOf(use)}: it was ${was} and would be ${is}`,
        'Give the add-on a role of its own.',
      );
  }
  return undefined;
}

/** The one statement that the policy lacks for these service accounts, as the whole policy would be with it. */
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
      `${lacking.map(nameOf).join(', ')} are of several namespaces, and one statement for all would let in each name in each of them`,
      `Give the service accounts of ${namespaces.slice(1).join(', ')} a role of their own.`,
    );
  }
  const statement = statementFor(target, lacking, sidsOf(trust.statements));
  const after = writeStatements(trust.document, [...trust.statements, statement]);
  const objected = objection(trust, after, uses, options);
  if (objected) return objected;
  const limit = limitFor(trust.length, maxLength);
  if (after.length > limit) {
    return refuse(
      `The trust policy would have ${after.length} characters without white space, and IAM takes ${limit} (it has ${trust.length} now)`,
      alternatives(after.length, limit, trust.statements, target),
    );
  }
  return { do: 'repair', statement, after, length: after.length };
}

export type Undo = { do: 'write'; document: string } | { do: 'nothing' } | { do: 'refuse'; why: string };

/**
 * How a change is taken back from the policy that is there now: exactly what was there before, or, where somebody else
 * has changed more since, their policy without our statement.
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
        why: `Our statement ${sid} is the only one left of the trust policy of ${change.roleArn}, and IAM takes none without statements. Write by hand what it shall be; it was: ${change.before}`,
      };
    return { do: 'write', document: writeStatements(trust.document, others) };
  }
  if (sid === undefined || !sidsOf(trust.statements).has(sid)) return { do: 'nothing' };
  return {
    do: 'refuse',
    why: `Somebody has changed our statement ${sid} in the trust policy of ${change.roleArn} since. It was: ${JSON.stringify(change.statement)}. Take it out by hand, or keep it`,
  };
}
