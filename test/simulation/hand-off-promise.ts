/** The promise about the hand-off: what the owner's code is to contain is what the account has. */
import { handOffOf } from '../../lambdas/domain/hand-off/of-record.ts';
import type { Migration } from '../../lambdas/domain/record/migration.ts';
import { subjectOf } from '../../lambdas/domain/terms/subject.ts';
import { differences } from '../end-to-end/hand-off-differences.ts';
import { allMigrations } from './observe.ts';
import { interfered, type Promised } from './promised.ts';

/** Returns the roles whose trust policies the record's retirement has changed after that time. */
const retiredSince = (record: Migration | undefined, time: string): Set<string> => {
  const { endedAt = '', dryRun, roles = [] } = record?.retirement ?? {};
  const changed = roles.filter(({ result }) => result === 'removed' || result === 'restored');
  return new Set(dryRun === false && endedAt > time ? changed.map(({ roleArn }) => roleArn) : []);
};

export const handOffIsTrue: Promised = {
  name: 'hand-off-is-true',
  statement:
    'After a migration or a rollback, the hand-off describes the account: code that matches it changes nothing at its next apply.',
  broken: (result) => {
    const { sandbox, cluster, restoreCommands } = result;
    // What another principal has changed since, and what a person has left, no record contains.
    if (interfered(result) || restoreCommands.length > 0) return [];
    const migrations = allMigrations(result);
    return migrations.flatMap(({ migrationId, request, record }, index) => {
      if (record?.status !== 'ended' || (record.outcome !== 'migrated' && record.outcome !== 'rolled-back')) return [];
      // A later migration of the same subject may have changed it again.
      if (migrations.slice(index + 1).some((later) => subjectOf(later.request) === subjectOf(request))) return [];
      const handOff = handOffOf(record);
      // A retirement that failed may have written to the trust policy; the hand-off says so.
      const { retirement } = record;
      const isFailed = retirement?.error !== undefined && retirement.state !== 'refused';
      // It describes what this migration left: a retirement of another migration may have changed the role since.
      const ended = retirement?.endedAt ?? record.endedAt ?? '';
      const isOfLater = (roleArn: string): boolean =>
        migrations.some((other) => other.migrationId !== migrationId && retiredSince(other.record, ended).has(roleArn));
      const trust = isFailed ? [] : handOff?.trust.filter((one) => !isOfLater(one.roleArn));
      const known = handOff && trust && { ...handOff, trust };
      return differences({ world: sandbox.world, cluster }, known).map((how) => `${migrationId}: ${how}`);
    });
  },
};
