/** The promise about associations: which ones may be deleted, and that none is lost. */
import { accepts } from '../../lambdas/domain/acceptance/accept.ts';
import { isOwnedBy } from '../../lambdas/domain/aws/arn.ts';
import { subjectOf } from '../../lambdas/domain/terms/subject.ts';
import { managingTool } from '../../lambdas/domain/owners/signs.ts';
import type { AssociationState } from '../../sandbox/world/world.ts';
import { inputOf, keyOf } from './calls.ts';
import { allMigrations, changes, effective, migrationOf } from './observe.ts';
import { liveAssociations } from './cluster.ts';
import { about, interfered, migratedSince, plannedOf, type Promised, sameTags } from './promised.ts';

const sameAssociation = (a: AssociationState, b: AssociationState): boolean =>
  a.roleArn === b.roleArn &&
  a.targetRoleArn === b.targetRoleArn &&
  a.policy === b.policy &&
  (a.disableSessionTags ?? false) === (b.disableSessionTags ?? false) &&
  sameTags(a.tags, b.tags);

export const associations: Promised = {
  name: 'associations-are-safe',
  statement:
    'No third-party association and none outside the plan is deleted; the ledger stores each one completely before it is deleted, and a rollback restores it.',
  broken: (result) => {
    const { cluster, before } = result;
    const { calls } = result.sandbox.world.log;
    const problems: string[] = [];
    for (const call of effective(changes(result)).filter((one) => one.operation === 'DeletePodIdentityAssociation')) {
      const id = String(inputOf(call)['associationId']);
      const was = before.associations.get(id);
      const migrationId = migrationOf(result, call.execution);
      const migration = allMigrations(result).find((one) => one.migrationId === migrationId);
      if (
        was &&
        !plannedOf(migration?.record).some(
          (one) => one.namespace === was.namespace && one.serviceAccount === was.serviceAccount,
        )
      )
        problems.push(`${about(call)} deleted ${id}, which is not in the plan`);
      if (was?.ownerArn !== undefined && !isOwnedBy(was.ownerArn, cluster.name, migration?.request.addon ?? ''))
        problems.push(`${about(call)} deleted ${id}, which another add-on owns`);
      const owner = was?.ownerArn === undefined && was ? managingTool(was.tags) : undefined;
      if (owner && !accepts(migration?.request ?? { accept: [] }, 'owner', owner.tool))
        problems.push(`${about(call)} deleted ${id}, which another tool manages`);
      const noted = calls.some(
        (one) =>
          one.n < call.n &&
          one.status < 300 &&
          /^(Put|Update)Item$/.test(one.operation) &&
          keyOf(one)?.pk === `MIGRATION#${migrationId}` &&
          (keyOf(one)?.sk === `ASSOCIATION#purged#${id}` || keyOf(one)?.sk.startsWith('ASSOCIATION#created#')),
      );
      if (!noted) problems.push(`${about(call)} deleted ${id} before the ledger had stored it`);
    }
    if (interfered(result)) return problems;
    const now = liveAssociations(cluster);
    for (const was of before.associations.values()) {
      const migration = result.migrations.find(({ record }) =>
        plannedOf(record).some((one) => one.namespace === was.namespace && one.serviceAccount === was.serviceAccount),
      );
      const there = now.find((one) => one.namespace === was.namespace && one.serviceAccount === was.serviceAccount);
      if (migration?.record?.outcome === 'migrated' && there) {
        const lost = (['targetRoleArn', 'policy', 'disableSessionTags'] as const).filter(
          (field) => was[field] !== undefined && was[field] !== false && was[field] !== there[field],
        );
        const lostTags = Object.keys(was.tags).filter((tag) => there.tags[tag] !== was.tags[tag]);
        if (lost.length + lostTags.length > 0)
          problems.push(`the new association of ${was.serviceAccount} lost ${[...lost, ...lostTags].join(', ')}`);
      }
      if (
        migration &&
        migration.record?.outcome !== 'rolled-back' &&
        migration.record?.outcome !== 'blocked' &&
        migration.record?.outcome !== 'needs-human'
      )
        continue;
      // A person has released the lock and left everything unchanged.
      if (result.restoreCommands.some((one) => one.released && one.migrationId === migration?.migrationId)) continue;
      if (result.repeated.length > 0 || (migration && migratedSince(result, subjectOf(migration.request)))) continue;
      if (!there || !sameAssociation(was, there))
        problems.push(
          `association ${was.id} of ${was.namespace}/${was.serviceAccount} was not restored to its original state`,
        );
    }
    if (result.repeated.length === 0) {
      for (const { record } of result.migrations.filter(
        (one) => one.record?.outcome === 'rolled-back' && !migratedSince(result, subjectOf(one.request)),
      )) {
        for (const { namespace, serviceAccount } of plannedOf(record)) {
          const left = now.find((one) => one.namespace === namespace && one.serviceAccount === serviceAccount);
          if (
            left &&
            ![...before.associations.values()].some(
              (was) => was.namespace === namespace && was.serviceAccount === serviceAccount,
            )
          )
            problems.push(`rolled back, but association ${left.id} of ${serviceAccount} remains`);
        }
      }
    }
    return problems;
  },
};
