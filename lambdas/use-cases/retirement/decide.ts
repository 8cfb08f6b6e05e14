/**
 * Decides on a retirement or its reversal from one read of the ledger and the target. Changes nothing.
 */
import { acceptedNames } from '../../domain/acceptance/accept.ts';
import { MigrationError } from '../../domain/failures/errors.ts';
import { irsaRoleOf } from '../../domain/verification/irsa.ts';
import { type Check, fail, pass, unknown } from '../../domain/terms/check.ts';
import type { Migration, Snapshot } from '../../domain/record/migration.ts';
import { settingsFor } from '../../domain/access/spokes.ts';
import { accountOf, subjectOf, subjectTitle } from '../../domain/terms/subject.ts';
import type { TrustRetirement } from '../../domain/terms/trust.ts';
import { type RetirementScope, retirementProblem } from '../../domain/trust/own-changes.ts';
import { type RetirementProposal, undoRetirement } from '../../domain/trust/retire.ts';
import type { Clock, HandlerDependencies, TargetPorts } from '../../ports/index.ts';
import { listPlannedAssociations } from '../facts/planned-associations.ts';
import { assertRecordIntegrity } from '../record/integrity.ts';
import { readRoleUntilSure } from '../confirmed/reads.ts';
import { recordedMigration } from '../record/recorded.ts';
import { rollbackBegun } from '../rollback/recovery.ts';
import {
  checkNeeds,
  checkRepairable,
  checkVerified,
  isBlocking,
  type RetirementCase,
  type RetireWish,
} from './checks.ts';
import { checkReinstatable } from './reinstatement-grants.ts';
import { proposeWithPatterns } from './patterns.ts';

export type Decision = { roleArn: string } &
  /** `note` is what the ledger must contain before the write. */
  (
    | { do: 'write'; before: string; after: string; note: TrustRetirement }
    /**
     * The policy is as planned, and only its note is incomplete: an earlier attempt was cut off after its write.
     */
    | { do: 'confirm'; note: TrustRetirement }
    | { do: 'nothing'; why: string }
    | { do: 'refuse'; why: string }
  );

export interface RetirementPreview {
  checks: Check[];
  decisions: Decision[];
}

/** The reason of a refusal that the checks explain. */
const BLOCKED_BY_CHECKS = 'its checks do not pass';

/** Returns the retirements whose statements are, or may be, removed from the policy. */
const standingRetirements = ({ retirements }: Pick<Migration, 'retirements'>): TrustRetirement[] =>
  retirements.filter((one) => one.undoneAt === undefined);

/**
 * Returns a time later than the existing note about the role, even if another Lambda's clock is ahead: an older note would
 * not replace it.
 */
const notedAt = (clock: Clock, before: TrustRetirement | undefined): string =>
  new Date(Math.max(clock.now(), before ? Date.parse(before.notedAt) + 1 : 0)).toISOString();

/**
 * Returns the note to store before the write. It replaces the note of an earlier retirement of the same role that is not
 * undone, and includes that one's statements: undoing it restores all of them.
 */
function noteOf(
  { wish, record, roleArn }: RetirementCase,
  current: string,
  { after, removed }: Extract<RetirementProposal, { do: 'remove' }>,
  clock: Clock,
): TrustRetirement {
  const noted = record.retirements.find((one) => one.roleArn === roleArn);
  const standing = noted?.undoneAt === undefined ? noted : undefined;
  const earlier = standing && undoRetirement(standing, current);
  const whole =
    standing && earlier?.do === 'write'
      ? { before: earlier.document, removed: [...standing.removed, ...removed] }
      : { before: current, removed };
  const { requestedBy, reason } = wish;
  return {
    roleArn,
    ...whole,
    after,
    notedAt: notedAt(clock, noted),
    ...(requestedBy === undefined ? {} : { requestedBy }),
    ...(reason === undefined ? {} : { reason }),
  };
}

const refuse = (checks: Check[], roleArn: string, why: string): RetirementPreview => ({
  checks,
  decisions: [{ roleArn, do: 'refuse', why }],
});

/** Returns the decision if there is nothing to remove: an attempt that was cut off after its write has left its note open. */
function nothingTo(record: Migration, roleArn: string, why: string): Decision {
  const note = standingRetirements(record).find((one) => one.roleArn === roleArn);
  if (!note) return { roleArn, do: 'nothing', why };
  if (note.writtenAt === undefined) return { roleArn, do: 'confirm', note };
  return { roleArn, do: 'nothing', why: `${why}: it was removed at ${note.writtenAt}` };
}

async function readRetirementCase(
  one: RetirementCase,
  checks: Check[],
  ports: TargetPorts,
  clock: Clock,
): Promise<RetirementPreview> {
  const { wish, record, roleArn, serviceAccounts, trustBefore } = one;
  const { target } = record.request;
  const acceptedKeys = acceptedNames(record.request, 'condition-key');
  const role = await readRoleUntilSure(ports.roles, roleArn, clock);
  if (!role) return { checks, decisions: [{ roleArn, do: 'nothing', why: 'the role no longer exists in IAM' }] };
  const oidcIssuer = (await ports.eks.describeCluster())?.oidcIssuer;
  if (oidcIssuer === undefined) {
    const unread = unknown(
      'retire-issuer',
      `EKS shows no OIDC issuer for cluster ${target.cluster}, so that the cluster's own statement can't be determined.`,
      `Check whether the cluster still exists: aws eks describe-cluster --region ${target.region} --name ${target.cluster} . If it is gone, remove the statement by hand.`,
    );
    return refuse([...checks, unread], roleArn, BLOCKED_BY_CHECKS);
  }
  const { proposal, checks: ofPatterns } = await proposeWithPatterns(
    { trustPolicy: role.trustPolicy, target, oidcIssuer, serviceAccounts, acceptedKeys },
    { roleArn, accept: wish.accept, trustBefore },
    ports,
  );
  // Without the statement, no workload can use the trust any more: there is nothing to protect.
  if (proposal?.do === 'nothing') return { checks, decisions: [nothingTo(record, roleArn, proposal.why)] };
  const losing = proposal?.do === 'remove' ? proposal.others : [];
  const all = [...checks, ...(await checkNeeds(one, losing, ports, clock)), ...ofPatterns];
  if (!proposal) return refuse(all, roleArn, BLOCKED_BY_CHECKS);
  if (proposal.do === 'refuse') return refuse(all, roleArn, `${proposal.why}. ${proposal.remedy}`);
  if (all.some(isBlocking)) return refuse(all, roleArn, BLOCKED_BY_CHECKS);
  return {
    checks: all,
    decisions: [
      {
        roleArn,
        do: 'write',
        before: role.trustPolicy,
        after: proposal.after,
        note: noteOf(one, role.trustPolicy, proposal, clock),
      },
    ],
  };
}

async function decideRetirement(
  wish: RetireWish,
  record: Migration,
  { ledger, portsFor, settings, clock }: HandlerDependencies,
): Promise<RetirementPreview> {
  const { migrationId } = wish;
  const verified = checkVerified(record, await rollbackBegun(ledger, record));
  const snapshot = await ledger.getSnapshot(migrationId);
  if (snapshot) assertRecordIntegrity(record, snapshot);
  const roleArn = snapshot && irsaRoleOf(snapshot);
  if (!snapshot || roleArn === undefined) {
    const none = fail(
      'retire-role',
      `${subjectTitle(subjectOf(record.request))} had no IRSA role before migration ${migrationId}${snapshot ? '' : ', as far as the ledger shows: that migration has changed nothing'}.`,
      'There is no OIDC trust to retire.',
    );
    return { checks: [verified, none], decisions: [] };
  }
  const checks = [
    verified,
    checkRepairable(roleArn, record, settingsFor(settings, record.request.target).repairableRoleArns),
  ];
  if (checks.some(isBlocking)) return refuse(checks, roleArn, BLOCKED_BY_CHECKS);
  const ports = portsFor(record.request.target);
  const associations = await listPlannedAssociations(ports.eks, snapshot.planned);
  const found = snapshot.planned.map(({ namespace, serviceAccount }) => ({
    namespace,
    serviceAccount,
    is: associations.find((one) => one.namespace === namespace && one.serviceAccount === serviceAccount),
  }));
  const serviceAccounts = found.map(({ namespace, serviceAccount, is }) => ({
    namespace,
    serviceAccount,
    ...(is?.disableSessionTags === undefined ? {} : { disableSessionTags: is.disableSessionTags }),
  }));
  const lacking = found.filter(({ is }) => !is).map(accountOf);
  const trustBefore = snapshot.trustPolicies[roleArn];
  return readRetirementCase({ wish, record, roleArn, serviceAccounts, lacking, trustBefore }, checks, ports, clock);
}

interface Scope {
  snapshot: Snapshot;
  oidcIssuer: string;
  /** What a retirement of the migration may change, by role. */
  of: (roleArn: string) => RetirementScope;
}

/** Returns what retirements of that migration may change; undefined if that can't be determined. */
async function scopeOf(
  record: Migration,
  { ledger, portsFor }: Pick<HandlerDependencies, 'ledger' | 'portsFor'>,
): Promise<Scope | undefined> {
  const snapshot = await ledger.getSnapshot(record.migrationId);
  if (!snapshot) return undefined;
  assertRecordIntegrity(record, snapshot);
  const { target } = record.request;
  const oidcIssuer = (await portsFor(target).eks.describeCluster())?.oidcIssuer;
  if (oidcIssuer === undefined) return undefined;
  const { planned: serviceAccounts, trustPolicies } = snapshot;
  const of = (roleArn: string): RetirementScope => ({
    target,
    serviceAccounts,
    oidcIssuer,
    trustBefore: trustPolicies[roleArn],
  });
  return { snapshot, oidcIssuer, of };
}

/** Decides about one retirement that is not undone. Adds the checks of a statement that would be restored. */
async function decideRestoring(
  record: Migration,
  note: TrustRetirement,
  scope: Scope | undefined,
  checks: Check[],
  dependencies: HandlerDependencies,
): Promise<Decision> {
  const { roleArn } = note;
  const { target } = record.request;
  const refused = (why: string): Decision => ({ roleArn, do: 'refuse', why });
  const strange = scope
    ? retirementProblem(note, scope.of(roleArn))
    : `EKS shows no OIDC issuer for cluster ${target.cluster}, or the ledger has no snapshot`;
  if (!scope || strange !== undefined)
    return refused(
      `the ledger contains a retirement that may not be this service's own: ${strange}. Find out who wrote it, and restore by hand what is missing`,
    );
  const role = await readRoleUntilSure(dependencies.portsFor(target).roles, roleArn, dependencies.clock);
  if (!role) return refused('the role no longer exists in IAM');
  const current = role.trustPolicy;
  const undo = undoRetirement(note, current);
  if (undo.do === 'refuse') return refused(undo.why);
  if (undo.do === 'nothing') return { roleArn, do: 'confirm', note };
  const { snapshot, oidcIssuer } = scope;
  const { document } = undo;
  const granted = await checkReinstatable({ record, snapshot, note, oidcIssuer, current, document }, dependencies);
  checks.push(granted);
  if (isBlocking(granted)) return refused(BLOCKED_BY_CHECKS);
  return { roleArn, do: 'write', before: current, after: document, note };
}

async function decideReinstatement(record: Migration, dependencies: HandlerDependencies): Promise<RetirementPreview> {
  const { migrationId, status, request } = record;
  const checks: Check[] = [
    status === 'ended'
      ? pass('reinstate-over', `Migration ${migrationId} has ended.`)
      : fail(
          'reinstate-over',
          `Migration ${migrationId} has not ended.`,
          `Wait until it has ended: pod-identity show ${migrationId} --deployed`,
        ),
  ];
  const decisions: Decision[] = [];
  const standing = standingRetirements(record);
  const scope = standing.length > 0 ? await scopeOf(record, dependencies) : undefined;
  const { repairableRoleArns } = settingsFor(dependencies.settings, request.target);
  for (const note of standing) {
    const { roleArn } = note;
    const covered = checkRepairable(roleArn, record, repairableRoleArns);
    checks.push(covered);
    // A role that may not be changed may not be read either.
    decisions.push(
      isBlocking(covered)
        ? { roleArn, do: 'refuse', why: BLOCKED_BY_CHECKS }
        : await decideRestoring(record, note, scope, checks, dependencies),
    );
  }
  if (decisions.length === 0)
    return {
      checks: [
        ...checks,
        pass('reinstate-retired', `Everything that migration ${migrationId} has retired is restored.`),
      ],
      decisions,
    };
  if (!checks.some(isBlocking)) return { checks, decisions };
  return { checks, decisions: decisions.map(({ roleArn }) => ({ roleArn, do: 'refuse', why: BLOCKED_BY_CHECKS })) };
}

/** Returns the decisions without a change. Throws BadInput if the ledger has no such migration. */
export async function previewRetirement(
  wish: RetireWish,
  dependencies: HandlerDependencies,
): Promise<RetirementPreview & { record: Migration }> {
  const record = await recordedMigration(dependencies.ledger, wish.migrationId);
  return {
    record,
    ...(await (wish.action === 'retire'
      ? decideRetirement(wish, record, dependencies)
      : decideReinstatement(record, dependencies))),
  };
}

/** Returns whether nothing blocks the retirement. */
export const isAllowed = ({ checks, decisions }: RetirementPreview): boolean =>
  decisions.every((one) => one.do !== 'refuse') && !(decisions.length === 0 && checks.some(isBlocking));

/** Throws RetireRefused, with every reason and remedy, if something blocks the retirement. */
export function assertMay(preview: RetirementPreview, action: RetireWish['action']): void {
  if (isAllowed(preview)) return;
  const { checks, decisions } = preview;
  const refused = decisions.filter((one) => one.do === 'refuse');
  const reasons = [
    ...checks
      .filter(isBlocking)
      .map(({ id, message, remedy }) => `${id}: ${message}${remedy === undefined ? '' : ` ${remedy}`}`),
    ...refused.filter(({ why }) => why !== BLOCKED_BY_CHECKS).map(({ roleArn, why }) => `${roleArn}: ${why}`),
  ];
  throw new MigrationError(
    'RetireRefused',
    `${action === 'retire' ? 'The OIDC trust was not retired' : 'The OIDC trust was not restored'}, and nothing was changed. ${reasons.join(' ')}`,
  );
}
