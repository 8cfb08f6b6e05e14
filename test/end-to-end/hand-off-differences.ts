/** Compares a hand-off with the account in a sandbox: code that matches it must change nothing there. */
import { isDeepStrictEqual } from 'node:util';
import type {
  HandOff,
  HandOffAnnotation,
  HandOffAssociation,
  HandOffTrust,
} from '../../lambdas/domain/terms/hand-off.ts';
import { readTrust } from '../../lambdas/domain/trust/statements.ts';
import { isLive } from '../../sandbox/eks/association-state.ts';
import { type ClusterState, findRole, type World } from '../../sandbox/world/world.ts';
import { annotationOf } from '../simulation/cluster.ts';
import type { OpenWorld } from './world.ts';

/** What a hand-off is compared with. */
export interface Account {
  world: World;
  cluster: ClusterState;
}

export const accountOf = ({ backend, cluster }: OpenWorld): Account => ({ world: backend.sandbox.world, cluster });

/** Returns the statements of a role's trust policy in the world. */
const statementsOf = ({ world }: Account, roleArn: string): unknown[] => {
  const role = findRole(world, roleArn);
  const trust = role && readTrust(role.trustPolicy);
  return trust?.readable ? trust.statements : [];
};

const blocksOf = (associations: readonly { namespace: string; serviceAccount: string; roleArn: string }[]): string[] =>
  associations.map((one) => `${one.namespace}/${one.serviceAccount} ${one.roleArn}`).toSorted();

export const isEqual = (a: unknown, b: unknown): boolean => isDeepStrictEqual(clean(a), clean(b));
/** Without fields that are undefined. */
const clean = (value: unknown): unknown => JSON.parse(JSON.stringify(value ?? null));

const idsOf = (associations: readonly { id?: string | undefined }[]): string[] =>
  associations.map(({ id = '' }) => id).toSorted((a, b) => (a < b ? -1 : 1));

/** Returns in what the add-on differs from the hand-off. */
function addonDifferences({ cluster }: Account, { addon, associations, state }: HandOff): string[] {
  if (!addon) return [];
  const now = cluster.addons.get(addon.name);
  if (!now) return [`add-on ${addon.name} does not exist`];
  const owned = now.associationIds.flatMap((id) => cluster.associations.get(id) ?? []).filter(isLive);
  const named = associations.filter(({ action }) => action === 'do-not-import');
  const seen: [what: string, described: unknown, inAccount: unknown][] = [
    ['role', addon.addRoleArn, now.serviceAccountRoleArn],
    ['version', addon.version, now.version],
    ['blocks', blocksOf(addon.associations), blocksOf(owned)],
    // After a rollback, their new ids are not known.
    ['ids', idsOf(named), state === 'rolled-back' ? [] : idsOf(owned)],
  ];
  return seen
    .filter(([, described, inAccount]) => !isEqual(described, inAccount))
    .map((one) => `add-on: ${JSON.stringify(one)}`);
}

/** Returns in what an association differs from its entry. */
function associationDifferences({ cluster }: Account, { action, id = '', ...described }: HandOffAssociation): string[] {
  const there = cluster.associations.get(id);
  const now = there && isLive(there) ? there : undefined;
  if (action === 'remove') return now ? [`${id} still exists`] : [];
  if (action === 'do-not-import') return now?.ownerArn === undefined ? [`${id} is not owned`] : [];
  if (!now || now.ownerArn !== undefined) return [`${id} does not exist, or is owned`];
  const { namespace, serviceAccount, roleArn, targetRoleArn, policy, tags, disableSessionTags } = now;
  const same = isEqual(
    { disableSessionTags: false, ...described },
    {
      namespace,
      serviceAccount,
      roleArn,
      targetRoleArn,
      policy,
      tags,
      disableSessionTags: disableSessionTags ?? false,
    },
  );
  return same ? [] : [`${id}: ${JSON.stringify([described, now])}`];
}

function trustDifferences(account: Account, { roleArn, action, statement, kept }: HandOffTrust): string[] {
  const now = statementsOf(account, roleArn);
  const has = (wanted: unknown): boolean => now.some((one) => isEqual(one, wanted));
  const isAsDescribed = has(statement) === (action === 'add') && (kept === undefined || has(kept));
  return isAsDescribed ? [] : [`trust of ${roleArn}: ${JSON.stringify(now)}`];
}

function annotationDifferences(
  { cluster }: Account,
  { namespace, serviceAccount: name, action, roleArn }: HandOffAnnotation,
) {
  const annotation = annotationOf(cluster, { namespace, name });
  return annotation === (action === 'remove' ? undefined : roleArn) ? [] : [`annotation: ${annotation ?? 'none'}`];
}

/** Returns in what the account differs from what the hand-off describes. */
export const differences = (account: Account, handOff: HandOff | undefined): string[] =>
  handOff === undefined
    ? ['no hand-off']
    : [
        ...addonDifferences(account, handOff),
        ...handOff.associations.flatMap((one) => associationDifferences(account, one)),
        ...handOff.trust.flatMap((one) => trustDifferences(account, one)),
        ...handOff.annotations.flatMap((one) => annotationDifferences(account, one)),
      ];
