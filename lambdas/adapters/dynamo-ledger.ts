/**
 * The ledger on one DynamoDB table (`pk`, `sk`, both strings). Items of a migration share `pk` = `MIGRATION#<id>`: `sk`
 * `APPROVAL#<round>`, `ASSOCIATION#<what>#<id>`, CANCEL, RECORD, `REPAIR#<role>`, RETIREMENT, `RETIREMENT#<role>`,
 * SNAPSHOT, then `STEP#<name>`, `VERIFICATION#<round>#<chunk>`: in that order, so that one query reads what a step
 * works from. Changes of trust policies are in `dynamo-trust.ts`, locks in `dynamo-locks.ts`, approvals in
 * `dynamo-approvals.ts`, outbox events in `dynamo-outbox.ts`, claims and lists in `dynamo-lists.ts`, waiting slots in
 * `dynamo-waiting.ts`, rollbacks in `dynamo-rollbacks.ts`, and the last retirement in `dynamo-retirements.ts`.
 */
import type { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { z } from 'zod';
import type { OutboxEvent } from '../domain/events/outbox-events.ts';
import { MigrationError } from '../domain/failures/errors.ts';
import { association, type Association } from '../domain/terms/observed.ts';
import {
  cancellation as cancellationSchema,
  migration,
  snapshot,
  type AnnotationMoment,
  type Cancellation,
  type Migration,
  type Snapshot,
} from '../domain/record/migration.ts';
import { podEvidence, stepLine, type PodEvidence, type StepLine } from '../domain/terms/evidence.ts';
import type { Outcome } from '../domain/terms/outcome.ts';
import type { Plan } from '../domain/record/plan.ts';
import type { Recovery } from '../domain/record/rollback.ts';
import type { Ledger, MigrationFile, StepEntry } from '../ports/ledger.ts';
import { approvalsOf } from './dynamo-approvals.ts';
import { listedAs } from './dynamo-lists.ts';
import { withOutboxEvents } from './dynamo-outbox.ts';
import { DynamoTable, isConditionFailed, itemOf, partition, setting, type Item } from './dynamo-table.ts';
import { annotationUpdate, type ItemUpdate } from './dynamo-updates.ts';
import { trustOf } from './dynamo-trust.ts';
import { DynamoRetirements, retirementOf } from './dynamo-retirements.ts';
import { stored } from './stored.ts';

/** Maximum number of pods in an evidence item: at less than 1 KB for a pod, far below DynamoDB's limit of 400 KB. */
const EVIDENCE_CHUNK = 100;

// Created only once, because zod compiles a schema at its first use.
const associationItem = z.object({ what: z.enum(['purged', 'created', 'restored']), association });
const evidenceItem = z.object({ pods: z.array(podEvidence) });

/** Parts of a record that are stored as separate items. */
const APART: ReadonlySet<string> = new Set<keyof Migration>([
  'approvals',
  'associations',
  'trustChanges',
  'retirements',
  'retirement',
]);

/** Returns a cancellation. An item that cannot be parsed counts as one too, so that the migration stops. */
const cancelOf = (item: Item): Cancellation =>
  cancellationSchema.safeParse(item).data ?? { requestedAt: 'a time that is not noted' };

class DynamoLedger extends DynamoRetirements implements Ledger {
  /** Updates instead of putting, so that what an earlier try recorded is kept unless this call changes it. */
  async putMigration(record: Migration): Promise<void> {
    const says = ([name, value]: [string, unknown]): boolean =>
      !APART.has(name) && value !== undefined && !(Array.isArray(value) && value.length === 0);
    const listed = Object.entries(listedAs(record));
    const change = setting([
      ...Object.entries(record).filter(says),
      ...listed.filter(([, value]) => value !== undefined),
    ]);
    const notListed = listed.filter(([, value]) => value === undefined).map(([name]) => name);
    try {
      await this.table.update(itemOf(record.migrationId, 'RECORD'), {
        ...change,
        UpdateExpression: [
          change.UpdateExpression,
          ...(notListed.length > 0 ? ['REMOVE', notListed.join(', ')] : []),
        ].join(' '),
        ConditionExpression: `(#status = :running AND (attribute_not_exists(executionArn)${record.executionArn === undefined ? '' : ' OR executionArn = :mine'})) OR attribute_not_exists(pk)`,
        ExpressionAttributeNames: { ...change.ExpressionAttributeNames, '#status': 'status' },
        ExpressionAttributeValues: {
          ...change.ExpressionAttributeValues,
          ':running': 'running',
          ...(record.executionArn === undefined ? {} : { ':mine': record.executionArn }),
        },
      });
    } catch (error) {
      if (!isConditionFailed(error)) throw error;
      throw new MigrationError(
        'BadInput',
        `Migration ${record.migrationId} has already ended, or another execution is working on it. Start a new migration with a new id.`,
        { cause: error },
      );
    }
  }

  async getFile(migrationId: string): Promise<MigrationFile> {
    const items = await this.table.before(partition(migrationId), 'STEP#');
    const find = (sk: string): Item | undefined => items.find((item) => item['sk'] === sk);
    const [record, taken, cancel] = [find('RECORD'), find('SNAPSHOT'), find('CANCEL')];
    const associations = { purged: [] as Association[], created: [] as Association[], restored: [] as Association[] };
    for (const item of items) {
      if (!String(item['sk']).startsWith('ASSOCIATION#')) continue;
      const { what, association: whole } = stored('an association', associationItem, item);
      associations[what].push(whole);
    }
    return {
      ...(record
        ? {
            migration: stored('a migration', migration, {
              ...record,
              associations,
              approvals: approvalsOf(items),
              ...trustOf(items),
              ...retirementOf(items),
            }),
          }
        : {}),
      ...(taken ? { snapshot: stored('a snapshot', snapshot, taken['snapshot']) } : {}),
      ...(cancel ? { cancel: cancelOf(cancel) } : {}),
    };
  }

  async getMigration(migrationId: string): Promise<Migration | undefined> {
    return (await this.getFile(migrationId)).migration;
  }

  async recordPlan(
    migrationId: string,
    plan: Plan,
    end?: { outcome: Outcome; endedAt: string } & Pick<Migration, 'failure' | 'heldBy'>,
    planningSince?: string,
  ): Promise<void> {
    const noted = setting(Object.entries({ plan, ...(end ? { ...end, status: 'ended' } : {}) }));
    const change = end ? withOutboxEvents(noted, end.outcome) : noted;
    try {
      // `begin` records the first attempt.
      await this.table.update(itemOf(migrationId, 'RECORD'), {
        ...change,
        ConditionExpression: `attribute_exists(pk) AND attribute_not_exists(attempt)${planningSince === undefined ? '' : ' AND planningSince = :since'}`,
        ExpressionAttributeValues: {
          ...change.ExpressionAttributeValues,
          ...(planningSince === undefined ? {} : { ':since': planningSince }),
        },
      });
    } catch (error) {
      if (!isConditionFailed(error)) throw error;
      throw new MigrationError(
        'BadInput',
        `Migration ${migrationId} has already begun, or has been planned again, so its plan cannot be replaced.`,
        { cause: error },
      );
    }
  }

  noteAttempt(migrationId: string, attempt: number): Promise<void> {
    return this.change(migrationId, { attempt }, 'attribute_not_exists(attempt) OR attempt < :v0');
  }

  recordRecovery(migrationId: string, recovery: Recovery): Promise<void> {
    const { executionArn } = recovery;
    return this.change(
      migrationId,
      { executionArn, recovery, status: 'running' },
      'attribute_not_exists(#n1) OR #n1.#n0 <> :v0',
    );
  }

  /**
   * Sets attributes if the condition holds; otherwise does nothing. The condition may refer to them as `setting` does.
   */
  private async change(migrationId: string, attributes: Record<string, unknown>, condition: string): Promise<void> {
    try {
      await this.table.update(itemOf(migrationId, 'RECORD'), {
        ConditionExpression: `attribute_exists(pk) AND (${condition})`,
        ...setting(Object.entries(attributes)),
      });
    } catch (error) {
      if (!isConditionFailed(error)) throw error;
    }
  }

  async updateMigration(
    migrationId: string,
    change: Partial<Omit<Migration, 'migrationId' | 'associations' | 'annotationChange'>>,
    event?: OutboxEvent,
  ): Promise<void> {
    const entries = Object.entries(change).filter(([name, value]) => !APART.has(name) && value !== undefined);
    if (entries.length === 0) return;
    const noted = setting(entries);
    await this.table.update(itemOf(migrationId, 'RECORD'), {
      ConditionExpression: 'attribute_exists(pk)',
      ...(event === undefined ? noted : withOutboxEvents(noted, event)),
    });
  }

  recordAssociation(migrationId: string, what: 'purged' | 'created' | 'restored', whole: Association): Promise<void> {
    return this.table.put(itemOf(migrationId, `ASSOCIATION#${what}#${whole.id}`), { what, association: whole });
  }

  recordCopy(migrationId: string, what: 'removed' | 'made', addonArn: string): Promise<void> {
    return this.recordOnce(migrationId, {
      UpdateExpression: 'SET #what = list_append(if_not_exists(#what, :none), :one)',
      ConditionExpression: 'attribute_exists(pk) AND NOT contains(#what, :arn)',
      ExpressionAttributeNames: { '#what': what },
      ExpressionAttributeValues: { ':none': [], ':one': [addonArn], ':arn': addonArn },
    });
  }

  recordAnnotation(migrationId: string, what: AnnotationMoment, at: string): Promise<void> {
    return this.recordOnce(migrationId, annotationUpdate(what, at));
  }

  /** Makes an update whose condition fails if the record has its content. Throws `BadInput` if there is no record. */
  private async recordOnce(migrationId: string, update: ItemUpdate): Promise<void> {
    try {
      await this.table.update(itemOf(migrationId, 'RECORD'), update);
    } catch (error) {
      if (!isConditionFailed(error)) throw error;
      if (!(await this.table.get(itemOf(migrationId, 'RECORD'))))
        throw new MigrationError('BadInput', `The ledger has no migration ${migrationId}.`, { cause: error });
    }
  }

  async requestCancel(migrationId: string, cancellation: Cancellation): Promise<boolean> {
    try {
      await this.table.put(
        itemOf(migrationId, 'CANCEL'),
        { ...cancellation },
        { ConditionExpression: 'attribute_not_exists(pk)' },
      );
      return true;
    } catch (error) {
      if (!isConditionFailed(error)) throw error;
      return false;
    }
  }

  async getCancel(migrationId: string): Promise<Cancellation | undefined> {
    const item = await this.table.get(itemOf(migrationId, 'CANCEL'));
    return item && cancelOf(item);
  }

  async putSnapshot(migrationId: string, taken: Snapshot): Promise<void> {
    try {
      await this.table.put(
        itemOf(migrationId, 'SNAPSHOT'),
        { snapshot: taken },
        { ConditionExpression: 'attribute_not_exists(pk)' },
      );
    } catch (error) {
      if (!isConditionFailed(error)) throw error;
    }
  }

  async getSnapshot(migrationId: string): Promise<Snapshot | undefined> {
    const item = await this.table.get(itemOf(migrationId, 'SNAPSHOT'));
    return item ? stored('a snapshot', snapshot, item['snapshot']) : undefined;
  }

  async recordStep(migrationId: string, entry: StepEntry): Promise<void> {
    await this.table.update(itemOf(migrationId, `STEP#${entry.name}`), {
      UpdateExpression: `SET #name = :name, startedAt = if_not_exists(startedAt, :started), endedAt = :ended${entry.result === undefined ? '' : ', #result = :result'}${entry.error ? ', #error = :error' : ''}${entry.error ? '' : ' REMOVE #error'} ADD tries :one`,
      ExpressionAttributeNames: {
        '#name': 'name',
        '#error': 'error',
        ...(entry.result === undefined ? {} : { '#result': 'result' }),
      },
      ExpressionAttributeValues: {
        ':name': entry.name,
        ':started': entry.startedAt,
        ':ended': entry.endedAt,
        ':one': 1,
        ...(entry.result === undefined ? {} : { ':result': entry.result }),
        ...(entry.error ? { ':error': entry.error } : {}),
      },
    });
  }

  async listSteps(migrationId: string): Promise<StepLine[]> {
    const lines = (await this.table.under(partition(migrationId), 'STEP#')).map((item) =>
      stored('the line of a step', stepLine, item),
    );
    return lines.sort((a, b) => a.startedAt.localeCompare(b.startedAt) || a.endedAt.localeCompare(b.endedAt));
  }

  async putEvidence(migrationId: string, round: string, pods: PodEvidence[], observedAt: string): Promise<void> {
    const chunks = Math.max(1, Math.ceil(pods.length / EVIDENCE_CHUNK));
    // The first chunk is written last. It has the number of chunks, so that chunks of an earlier, longer list are
    // ignored.
    for (let chunk = chunks - 1; chunk >= 0; chunk -= 1) {
      const item = {
        observedAt,
        pods: pods.slice(chunk * EVIDENCE_CHUNK, (chunk + 1) * EVIDENCE_CHUNK),
        ...(chunk === 0 ? { chunks } : {}),
      };
      try {
        await this.table.put(itemOf(migrationId, `VERIFICATION#${round}#${String(chunk).padStart(5, '0')}`), item, {
          ConditionExpression: 'attribute_not_exists(pk) OR observedAt <= :at',
          ExpressionAttributeValues: { ':at': observedAt },
        });
      } catch (error) {
        if (!isConditionFailed(error)) throw error;
        return;
      }
    }
  }

  async getEvidence(migrationId: string, round: string): Promise<PodEvidence[]> {
    const items = await this.table.under(partition(migrationId), `VERIFICATION#${round}#`);
    return items
      .slice(0, Number(items[0]?.['chunks'] ?? 0))
      .flatMap((item) => stored('evidence', evidenceItem, item).pods);
  }
}

export const createDynamoLedger = (options: { client: DynamoDBClient; tableName: string }): Ledger =>
  new DynamoLedger(new DynamoTable(options.client, options.tableName));
