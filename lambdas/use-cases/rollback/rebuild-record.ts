/**
 * Writes the record of a migration again that was deleted by hand while the migration held its locks. What a rollback of an
 * add-on needs is left in other items: the snapshot, the step lines, and the associations and trust policies that the
 * migration has noted (ADR 119).
 */
import { subjectLock } from '../record/lock.ts';
import type { Attempt, Plan } from '../../domain/record/plan.ts';
import { isOfAddon, type Migration, newMigration } from '../../domain/record/migration.ts';
import { migrationRequest } from '../../domain/request/request.ts';
import { warn } from '../../domain/terms/check.ts';
import type { Ledger, Lock } from '../../ports/index.ts';
import { EVIDENCE_BEFORE } from '../migration/report.ts';

const ADDON_ARN = /^arn:[a-z-]+:eks:([a-z0-9-]+):(\d{12}):addon\/([^/]+)\//;

/** Whether objects were preserved is not known. This keeps them, and resets no fields of third parties. */
const RECREATED: Attempt = { strategy: 'recreate', preserve: true, disruption: 'rolling', resolveConflicts: 'NONE' };
const IN_PLACE: Attempt = {
  strategy: 'in-place',
  preserve: false,
  disruption: 'rolling',
  resolveConflicts: 'PRESERVE',
};

/** ID of the warning. */
const RECORD_REBUILT = 'record-rebuilt';

const REBUILT = warn(
  RECORD_REBUILT,
  'The record of this migration was deleted while the migration was not finished. It was written again from the snapshot, without the plan and the request.',
  'Find out in CloudTrail who deleted it.',
);

/**
 * Returns the record, or undefined where too little is left: without the snapshot of an add-on, or if the lock of its subject
 * is not held by the migration. `held`: the held locks.
 */
export async function rebuildRecord(
  migrationId: string,
  held: readonly Lock[],
  ledger: Pick<Ledger, 'getSnapshot' | 'listSteps' | 'getEvidence' | 'putMigration'>,
): Promise<Migration | undefined> {
  const snapshot = await ledger.getSnapshot(migrationId);
  if (!snapshot || !isOfAddon(snapshot)) return undefined;
  const { addon, planned, identityLosses, namespace, defaultNamespace, takenAt } = snapshot;
  const [, region = '', account = '', cluster = ''] = ADDON_ARN.exec(addon.arn) ?? [];
  const target = { account, region, cluster };
  const own = held.filter(({ holder }) => holder?.migrationId === migrationId);
  const subject = own.find(({ key }) => key === subjectLock(target, addon.name));
  if (!subject?.holder) return undefined;
  const seesPods = (await ledger.getEvidence(migrationId, EVIDENCE_BEFORE)).length > 0;
  const request = migrationRequest.parse({ target, addon: addon.name, ...(seesPods ? {} : { verification: 'api' }) });
  // The copy is noted as removed before it is deleted, and the line is written after that.
  const isDeleted = (await ledger.listSteps(migrationId)).some(({ name }) => /^delete-addon\b/.test(name));
  const plan: Plan = {
    verdict: 'migrate',
    strategy: request.strategy,
    preserve: request.preserve,
    attempts: [isDeleted ? RECREATED : IN_PLACE],
    checks: [],
    steps: [],
    addon,
    namespace,
    associations: planned,
    identityLosses,
    existing: [],
    purge: [],
    carryOver: [],
    trustRepairs: [],
    owners: [],
    found: '',
    hash: '',
    ...(defaultNamespace === undefined ? {} : { defaultNamespace }),
  };
  const { executionArn } = subject.holder;
  const record: Migration = {
    ...newMigration({ migrationId, request, executionArn, startedAt: takenAt }),
    plan,
    locks: [...new Set(own.map(({ key }) => key))],
    removed: isDeleted ? [addon.arn] : [],
    warnings: [REBUILT],
  };
  await ledger.putMigration(record);
  return record;
}
