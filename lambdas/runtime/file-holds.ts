/**
 * Whether what the ledger has of a migration is about one add-on of one cluster: a way back that is made from a forged
 * record must not reach any further than its request says, whatever else it says.
 */
import { isDeepStrictEqual } from 'node:util';
import { partitionOf } from '../domain/arn.ts';
import { plannedFor } from '../domain/associations.ts';
import { MigrationError } from '../domain/errors.ts';
import type { Addon, Migration, Snapshot } from '../domain/model.ts';

/** What is not the add-on's, in words; undefined where all of it is. */
function strayIn({ request: { target, addon }, plan, removed, made, associations }: Migration, snapshot: Snapshot): string | undefined {
  const resources = `arn:${partitionOf(target.region)}:eks:${target.region}:${target.account}`;
  const copies = [snapshot.addon.arn, ...removed, ...made];
  if (snapshot.addon.name !== addon) return `add-on ${snapshot.addon.name}`;
  const copy = copies.find((arn) => !arn.startsWith(`${resources}:addon/${target.cluster}/${addon}/`));
  if (copy !== undefined) return `the copy ${copy}`;
  if (!isDeepStrictEqual(plan?.associations, snapshot.planned)) return 'the planned associations';
  const elsewhere = snapshot.planned.find(({ namespace }) => namespace !== snapshot.namespace);
  if (elsewhere) return `namespace ${elsewhere.namespace}`;
  const noted = [snapshot.associations, ...Object.values(associations)].flat();
  const association = noted.find((one) => !plannedFor(one, snapshot.planned) || !one.arn.startsWith(`${resources}:podidentityassociation/${target.cluster}/`));
  return association && `association ${association.arn} for ${association.namespace}/${association.serviceAccount}`;
}

/** Throws BadInput where the add-on is of another namespace than its record says: associations there are none of its own. */
export function assertNamespaceHolds({ namespace, addon }: Snapshot, now: Addon | undefined): void {
  if (now?.namespace === undefined || now.namespace === namespace) return;
  throw new MigrationError('BadInput', `The ledger's snapshot is not acted upon: it has namespace ${namespace} for add-on ${addon.name}, which is in ${now.namespace}. Nothing was changed by this step. Find out who wrote that into the ledger.`);
}

/** Throws BadInput where the record or its snapshot names something of another add-on, cluster or service account. */
export function assertFileHolds(record: Migration, snapshot: Snapshot): void {
  const stray = strayIn(record, snapshot);
  if (stray === undefined) return;
  const { migrationId, request } = record;
  throw new MigrationError('BadInput', `The ledger's record of migration ${migrationId} is not acted upon: ${stray} does not belong to what it was asked for, add-on ${request.addon} of cluster ${request.target.cluster}. Nothing was changed by this step. Find out who wrote that into the ledger.`);
}
