/**
 * Checks that what the ledger has about a migration concerns one add-on, or one service account, of one cluster: a rollback
 * from a forged record must not reach further than its request, regardless of the rest of the record.
 */
import { isDeepStrictEqual } from 'node:util';
import { namespaceOf } from '../../domain/addons/registry.ts';
import { partitionOf } from '../../domain/aws/partitions.ts';
import { plannedFor } from '../../domain/associations/associations.ts';
import { MigrationError } from '../../domain/failures/errors.ts';
import type { Addon } from '../../domain/terms/observed.ts';
import { type AddonSnapshot, isOfAddon, type Migration, type Snapshot } from '../../domain/record/migration.ts';
import { isForAddon } from '../../domain/request/request.ts';
import { subjectOf, subjectText } from '../../domain/terms/subject.ts';

const ofEks = ({ request: { target } }: Migration): string =>
  `arn:${partitionOf(target.region)}:eks:${target.region}:${target.account}`;

/**
 * Returns as text an association that does not belong to the planned service accounts of the cluster; undefined if there is
 * none.
 */
function strayAssociation(record: Migration, snapshot: Snapshot): string | undefined {
  const noted = [snapshot.associations, ...Object.values(record.associations)].flat();
  const association = noted.find(
    (one) =>
      !plannedFor(one, snapshot.planned) ||
      !one.arn.startsWith(`${ofEks(record)}:podidentityassociation/${record.request.target.cluster}/`),
  );
  return association && `association ${association.arn} for ${association.namespace}/${association.serviceAccount}`;
}

/** Returns as text what does not belong to the add-on; undefined if all of it does. */
function strayOfAddon(record: Migration, addon: string, snapshot: AddonSnapshot): string | undefined {
  const copies = [snapshot.addon.arn, ...record.removed, ...record.made];
  if (snapshot.addon.name !== addon) return `add-on ${snapshot.addon.name}`;
  const copy = copies.find(
    (arn) => !arn.startsWith(`${ofEks(record)}:addon/${record.request.target.cluster}/${addon}/`),
  );
  if (copy !== undefined) return `the copy ${copy}`;
  const elsewhere = [...snapshot.planned, ...snapshot.identityLosses].find(
    ({ namespace }) => namespace !== snapshot.namespace,
  );
  return elsewhere && `namespace ${elsewhere.namespace}`;
}

/** Returns as text what does not belong to the service account. */
function strayOfAccount(
  { request, removed, made }: Migration,
  { serviceAccount: state, namespace, planned }: Snapshot,
): string | undefined {
  const [copy] = [...removed, ...made];
  if (copy !== undefined) return `the copy ${copy} of an add-on`;
  const { serviceAccount } = request;
  const named = [
    { namespace, name: serviceAccount?.name ?? '' },
    ...planned.map((one) => ({ namespace: one.namespace, name: one.serviceAccount })),
    ...(state ? [state] : []),
  ];
  const other = named.find((one) => one.namespace !== serviceAccount?.namespace || one.name !== serviceAccount.name);
  return other && `service account ${other.namespace}/${other.name}`;
}

function strayIn(record: Migration, snapshot: Snapshot): string | undefined {
  const { request, plan } = record;
  if (isForAddon(request) !== isOfAddon(snapshot))
    return `a snapshot of ${isOfAddon(snapshot) ? `add-on ${snapshot.addon.name}` : 'a service account'}`;
  const stray =
    isForAddon(request) && isOfAddon(snapshot)
      ? strayOfAddon(record, request.addon, snapshot)
      : strayOfAccount(record, snapshot);
  if (stray !== undefined) return stray;
  if (!isDeepStrictEqual(plan?.associations, snapshot.planned)) return 'the planned associations';
  if (plan?.defaultNamespace !== snapshot.defaultNamespace) return 'the default namespace';
  return strayAssociation(record, snapshot);
}

/**
 * Throws BadInput if the add-on is in another namespace than its record has: the associations in that namespace do not
 * belong to it.
 */
export function assertNamespaceMatches(
  { namespace, defaultNamespace, addon }: AddonSnapshot,
  now: Addon | undefined,
): void {
  const own = now && namespaceOf(now, defaultNamespace);
  if (own === undefined || own === namespace) return;
  throw new MigrationError(
    'BadInput',
    `The ledger's snapshot is not used: it has namespace ${namespace} for add-on ${addon.name}, which is in ${own}. This step changed nothing. Find out who created the add-on there, or who wrote to the ledger.`,
  );
}

/** Throws BadInput if the record or its snapshot names something of another add-on, cluster or service account. */
export function assertRecordIntegrity(record: Migration, snapshot: Snapshot): void {
  const stray = strayIn(record, snapshot);
  if (stray === undefined) return;
  const { migrationId, request } = record;
  throw new MigrationError(
    'BadInput',
    `The ledger's record of migration ${migrationId} is not used: ${stray} does not belong to its subject, ${subjectText(subjectOf(request))} of cluster ${request.target.cluster}. This step changed nothing. Find out who wrote that to the ledger.`,
  );
}
