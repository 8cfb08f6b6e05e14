/**
 * Decides whether the roles of a migration may be granted (promise 11, `domain/plan/grants.ts`), from facts that are read
 * now: in `begin`, under the lock, and in the steps directly before they write an association or a trust policy.
 */
import { isOwnedBy, oidcProviderArn } from '../../domain/aws/arn.ts';
import { type ParsedPolicy, parsePolicy } from '../../domain/policy/index.ts';
import { MigrationError } from '../../domain/failures/errors.ts';
import { irsaRoleOf } from '../../domain/verification/irsa.ts';
import type { Association } from '../../domain/terms/observed.ts';
import type { Migration, Snapshot } from '../../domain/record/migration.ts';
import type { Plan } from '../../domain/record/plan.ts';
import type { PlannedAssociation } from '../../domain/terms/planned.ts';
import type { Seen } from '../../domain/terms/seen.ts';
import { type GrantFacts, needsProvider } from '../../domain/plan/grants.ts';
import {
  grantText,
  type GrantsPlan,
  type JudgedGrant,
  judgeAssociations,
  judgeRepairs,
} from '../../domain/plan/grants-judged.ts';
import { standingTrustChanges } from '../../domain/rollback/recovery.ts';
import { MIGRATION_TAG } from '../../domain/migration/service-account.ts';
import { settingsFor } from '../../domain/access/spokes.ts';
import { withoutAdded } from '../../domain/trust/added.ts';
import type { TrustRepair } from '../../domain/terms/trust.ts';
import type { HandlerDependencies, Ledger, Roles, TargetPorts } from '../../ports/index.ts';
import { advisory } from './refused-reads.ts';
import { listPlannedAssociations } from './planned-associations.ts';

/** Reads whether IAM has the OIDC provider of the cluster's issuer, unless nothing depends on it. */
export async function readProvider(
  roles: Pick<Roles, 'getOidcProvider'>,
  facts: GrantFacts,
  accounts: readonly PlannedAssociation[],
): Promise<Seen<boolean> | undefined> {
  const { oidcIssuer, target } = facts;
  if (oidcIssuer === undefined || !needsProvider(facts, accounts)) return undefined;
  return advisory(async () => (await roles.getOidcProvider(oidcProviderArn(target, oidcIssuer))) !== undefined);
}

/** A migration that waits for a person is not finished: its associations may have to be deleted. */
const isFinished = ({ status, outcome }: Pick<Migration, 'status' | 'outcome'>): boolean =>
  status === 'ended' && outcome !== 'needs-human';

/**
 * Returns the ids of the associations that give no claim to their role: by their tag, an unfinished migration has created
 * them, or they belong to another add-on, whose own migration may be at work.
 */
export async function unfinishedAmong(
  ledger: Pick<Ledger, 'getMigration'>,
  associations: readonly Association[],
  { target, addon }: Pick<Migration['request'], 'target' | 'addon'>,
): Promise<string[]> {
  const known = new Map<string, boolean>();
  const unfinished: string[] = [];
  for (const { id, ownerArn, tags } of associations) {
    const migrationId = tags[MIGRATION_TAG];
    if (migrationId !== undefined && !known.has(migrationId)) {
      const record = await ledger.getMigration(migrationId);
      known.set(migrationId, record !== undefined && !isFinished(record));
    }
    const isOfAnother = ownerArn !== undefined && !isOwnedBy(ownerArn, target.cluster, addon ?? '');
    if (isOfAnother || known.get(migrationId ?? '') === true) unfinished.push(id);
  }
  return unfinished;
}

/** The parts of a migration that the rule applies to, from the snapshot once there is one. */
type About = Pick<Snapshot, 'addon' | 'serviceAccount'> & {
  namespace: string;
  annotated?: readonly string[] | undefined;
};

const plansOf = (
  { carryOver }: Plan,
  about: About,
  given: Pick<GrantsPlan, 'associations' | 'trustRepairs'>,
): GrantsPlan => ({
  ...given,
  irsaRole: irsaRoleOf(about),
  losesSessionTags: (account) =>
    carryOver.some(
      (one) =>
        one.namespace === account.namespace &&
        one.serviceAccount === account.serviceAccount &&
        one.disableSessionTags === true,
    ),
});

/** Returns the facts about the add-on. Its own service accounts are those that its version accepts, according to the plan. */
function addonFacts(plan: Plan, { addon, namespace, annotated }: About): Pick<GrantFacts, 'addon' | 'annotated'> {
  const roleArn = addon?.serviceAccountRoleArn;
  if (roleArn === undefined) return {};
  const serviceAccounts = plan.associations.filter((one) => one.standalone !== true).map((one) => one.serviceAccount);
  return {
    addon: { roleArn, namespace, serviceAccounts },
    ...(annotated ? { annotated: { seen: annotated.map((name) => ({ name, roleArn })) } } : {}),
  };
}

const notAllowed = (judged: readonly JudgedGrant[]): JudgedGrant[] =>
  judged.filter(({ answer }) => answer.verdict !== 'allowed');

function refused([first]: readonly JudgedGrant[], migrationId: string): MigrationError | undefined {
  if (!first) return undefined;
  return new MigrationError(
    'RoleNotGranted',
    `It is no longer certain that ${grantText(first).replace(' is ', ' may be ')}: ${first.answer.why.join('; ')}. Migration ${migrationId} did not do it. Plan again: the remedy of the check role-grant shows what to do.`,
  );
}

/** The facts that `begin` has read. */
export interface BegunFacts {
  associations: readonly Association[];
  trustPolicies: Readonly<Record<string, string>>;
  /** The planned service accounts that have the add-on's role by annotation; absent if they may not be read. */
  annotated?: readonly string[] | undefined;
}

/** Returns the grants that are not allowed; reads the OIDC provider only if one is not allowed without it. */
async function withProvider(
  roles: Pick<Roles, 'getOidcProvider'>,
  facts: GrantFacts,
  accounts: readonly PlannedAssociation[],
  ungranted: (facts: GrantFacts) => JudgedGrant[],
): Promise<JudgedGrant[]> {
  const left = ungranted(facts);
  const oidcProvider = left.length > 0 ? await readProvider(roles, facts, accounts) : undefined;
  return oidcProvider ? ungranted({ ...facts, oidcProvider }) : left;
}

interface BeginWork {
  migrationId: string;
  plan: Plan & { namespace: string };
  request: Migration['request'];
}

/** Throws RoleNotGranted if the rule does not allow the plan. Must be called under the lock. */
export async function assertPlanIsGranted(
  { migrationId, plan, request }: BeginWork,
  { associations, trustPolicies, annotated }: BegunFacts,
  { eks, roles }: { eks: Pick<TargetPorts['eks'], 'knownCluster'>; roles: Pick<Roles, 'getOidcProvider'> },
  { ledger, settings }: Pick<HandlerDependencies, 'ledger' | 'settings'>,
): Promise<void> {
  const { target } = request;
  const about: About = { ...plan, annotated };
  const unfinished = await unfinishedAmong(ledger, associations, request);
  const cluster = await eks.knownCluster();
  const facts: GrantFacts = {
    target,
    ...(cluster?.oidcIssuer === undefined ? {} : { oidcIssuer: cluster.oidcIssuer }),
    trustPolicies: Object.fromEntries(
      Object.entries(trustPolicies).map(([arn, text]) => [arn, parsePolicy(text, 'trust')]),
    ),
    associations: associations.filter(({ id }) => !unfinished.includes(id)),
    ...addonFacts(plan, about),
    roleGrants: settingsFor(settings, target).roleGrants ?? [],
  };
  const rule = plansOf(plan, about, plan);
  const ungranted = (all: GrantFacts): JudgedGrant[] =>
    notAllowed([...judgeAssociations(all, rule), ...judgeRepairs(all, rule)]);
  const error = refused(await withProvider(roles, facts, plan.associations, ungranted), migrationId);
  if (error) throw error;
}

export interface GrantWork {
  record: Migration;
  plan: Plan;
  snapshot: Snapshot;
}

/** What a step is about to write: associations, or a trust policy that it has just read. */
export type Given = { associations: readonly PlannedAssociation[] } | { repair: TrustRepair };

/**
 * Returns a role's trust policy without the statements that this migration has added, which give no claim; undefined if it
 * cannot be read.
 */
export const withoutOwn = (
  record: Pick<Migration, 'trustChanges'>,
  roleArn: string,
  trustPolicy: string | undefined,
): string | undefined =>
  standingTrustChanges(record)
    .filter((change) => change.roleArn === roleArn)
    .reduce<string | undefined>((left, { statement }) => left && withoutAdded(left, statement), trustPolicy);

async function trustOf(
  roles: Pick<Roles, 'getRole'>,
  record: Migration,
  arns: Iterable<string>,
  known: Readonly<Record<string, string>>,
): Promise<Record<string, ParsedPolicy | undefined>> {
  const found: Record<string, ParsedPolicy | undefined> = {};
  for (const arn of arns) {
    const own = withoutOwn(record, arn, known[arn] ?? (await roles.getRole(arn))?.trustPolicy);
    found[arn] = own === undefined ? undefined : parsePolicy(own, 'trust');
  }
  return found;
}

/**
 * Returns those of the associations from before the migration that still exist, and those that only this migration has
 * deleted, either directly or with a copy of the add-on.
 */
function stillCounting({ record, snapshot }: GrantWork, there: readonly Association[]): Association[] {
  const purged = new Set(record.associations.purged.map(({ id }) => id));
  return snapshot.associations.filter(
    ({ id, ownerArn, roleArn }) =>
      there.some((one) => one.id === id && one.roleArn === roleArn) ||
      purged.has(id) ||
      (ownerArn !== undefined && record.removed.includes(ownerArn)),
  );
}

/**
 * Throws RoleNotGranted if the rule does not allow the grant by the present state. Must be called directly before an
 * association is given a role, or a trust policy a statement.
 */
export async function assertGranted(
  work: GrantWork,
  given: Given,
  { portsFor, ledger, settings }: Pick<HandlerDependencies, 'portsFor' | 'ledger' | 'settings'>,
): Promise<void> {
  const { record, plan, snapshot } = work;
  const { target } = record.request;
  const { eks, roles } = portsFor(target);
  const repairs = 'repair' in given ? [given.repair] : [];
  const accounts =
    'repair' in given
      ? plan.associations.filter(({ roleArn }) => roleArn === given.repair.roleArn)
      : given.associations;
  const cluster = await eks.describeCluster();
  const known = Object.fromEntries(repairs.map(({ roleArn, before }) => [roleArn, before]));
  const facts: GrantFacts = {
    target,
    ...(cluster?.oidcIssuer === undefined ? {} : { oidcIssuer: cluster.oidcIssuer }),
    trustPolicies: await trustOf(roles, record, new Set(accounts.map(({ roleArn }) => roleArn)), known),
    associations: [],
    ...addonFacts(plan, snapshot),
    roleGrants: settingsFor(settings, target).roleGrants ?? [],
  };
  const rule = plansOf(plan, snapshot, { associations: accounts, trustRepairs: repairs });
  const ungranted = (all: GrantFacts): JudgedGrant[] =>
    notAllowed('repair' in given ? judgeRepairs(all, rule) : judgeAssociations(all, rule));
  let left = await withProvider(roles, facts, accounts, ungranted);
  const before = snapshot.associations.filter((one) => accounts.some(({ roleArn }) => roleArn === one.roleArn));
  if (left.length > 0 && before.length > 0) {
    // EKS is asked only if nothing else gives a claim.
    const counting = stillCounting(work, await listPlannedAssociations(eks, accounts));
    const unfinished = await unfinishedAmong(ledger, counting, record.request);
    left = ungranted({ ...facts, associations: counting.filter(({ id }) => !unfinished.includes(id)) });
  }
  const error = refused(left, record.migrationId);
  if (error) throw error;
}
