/**
 * The ledger on one DynamoDB table (`pk`, `sk`, both strings). Items of a migration share `pk` = `MIGRATION#<id>`:
 * `sk` RECORD, SNAPSHOT, `STEP#<name>`, `EVIDENCE#<round>#<chunk>`, `ASSOCIATION#<what>#<id>`.
 * A lock is one item, `LOCK#<key>`/`LOCK`, that is never deleted: its fence must never start again.
 */
import { ConditionalCheckFailedException, type DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { DeleteCommand, DynamoDBDocumentClient, GetCommand, PutCommand, QueryCommand, UpdateCommand } from '@aws-sdk/lib-dynamodb';
import { z } from 'zod';
import { MigrationError } from '../domain/errors.ts';
import { association, migration, podEvidence, snapshot, stepLine, type Association, type Migration, type PodEvidence, type Snapshot, type StepLine } from '../domain/model.ts';
import type { Ledger, LockHolder, LockResult, StepEntry } from '../ports/ledger.ts';
import { aws } from './aws-errors.ts';

/** Pods in one evidence item: far below DynamoDB's 400 KB at under 1 KB a pod. */
const EVIDENCE_CHUNK = 100;

const lockItem = z.object({
  fence: z.number().int(),
  owner: z.object({ migrationId: z.string(), executionArn: z.string(), since: z.string() }).optional(),
});

type Item = Record<string, unknown>;
const partition = (migrationId: string): string => `MIGRATION#${migrationId}`;

class DynamoLedger implements Ledger {
  private readonly documents: DynamoDBDocumentClient;
  private readonly table: string;

  constructor(client: DynamoDBClient, table: string) {
    this.documents = DynamoDBDocumentClient.from(client, { marshallOptions: { removeUndefinedValues: true } });
    this.table = table;
  }

  async putMigration(record: Migration): Promise<void> {
    const { associations: _, ...rest } = record;
    try {
      await this.put(partition(record.migrationId), 'RECORD', rest, '#status = :running OR attribute_not_exists(pk)');
    } catch (error) {
      if (!isConditionFailed(error)) throw error;
      throw new MigrationError('BadInput', `Migration ${record.migrationId} is already over; start a new one under a new id.`, { cause: error });
    }
  }

  async getMigration(migrationId: string): Promise<Migration | undefined> {
    const record = await this.get(partition(migrationId), 'RECORD');
    if (!record) return undefined;
    const associations = { purged: [] as Association[], created: [] as Association[], restored: [] as Association[] };
    for (const item of await this.query(partition(migrationId), 'ASSOCIATION#')) {
      const { what, association: whole } = z.object({ what: z.enum(['purged', 'created', 'restored']), association }).parse(item);
      associations[what].push(whole);
    }
    return migration.parse({ ...record, associations });
  }

  async updateMigration(migrationId: string, change: Partial<Omit<Migration, 'migrationId' | 'associations'>>): Promise<void> {
    const entries = Object.entries(change).filter(([, value]) => value !== undefined);
    if (entries.length === 0) return;
    await this.update(partition(migrationId), 'RECORD', {
      ConditionExpression: 'attribute_exists(pk)',
      UpdateExpression: `SET ${entries.map((_, index) => `#n${index} = :v${index}`).join(', ')}`,
      ExpressionAttributeNames: Object.fromEntries(entries.map(([name], index) => [`#n${index}`, name])),
      ExpressionAttributeValues: Object.fromEntries(entries.map(([, value], index) => [`:v${index}`, value])),
    });
  }

  recordAssociation(migrationId: string, what: 'purged' | 'created' | 'restored', whole: Association): Promise<void> {
    return this.put(partition(migrationId), `ASSOCIATION#${what}#${whole.id}`, { what, association: whole });
  }

  async acquireLock(key: string, owner: LockHolder): Promise<LockResult> {
    try {
      const after = await this.update(`LOCK#${key}`, 'LOCK', {
        UpdateExpression: 'SET #owner = :owner ADD fence :one',
        ConditionExpression: 'attribute_not_exists(#owner) OR #owner.migrationId = :me',
        ExpressionAttributeNames: { '#owner': 'owner' },
        ExpressionAttributeValues: { ':owner': owner, ':one': 1, ':me': owner.migrationId },
        ReturnValues: 'ALL_NEW',
      });
      return { acquired: true, fence: lockItem.parse(after).fence };
    } catch (error) {
      if (!isConditionFailed(error)) throw error;
      const held = await this.readLock(key);
      // Let go between the refusal and this look: the next try will get it.
      if (!held?.owner) throw new MigrationError('Busy', `The lock ${key} changed hands just now.`, { cause: error });
      return { acquired: false, holder: held.owner };
    }
  }

  async assertLock(key: string, migrationId: string, fence: number): Promise<void> {
    const held = await this.readLock(key);
    if (held?.owner?.migrationId === migrationId && held.fence === fence) return;
    const now = held?.owner ? `migration ${held.owner.migrationId} since ${held.owner.since}` : 'nobody';
    throw new MigrationError('LockLost', `The lock ${key} is no longer held by migration ${migrationId} (fence ${fence}) but by ${now}; nothing more is changed.`);
  }

  async releaseLock(key: string, migrationId: string): Promise<void> {
    try {
      await this.update(`LOCK#${key}`, 'LOCK', {
        UpdateExpression: 'REMOVE #owner',
        ConditionExpression: '#owner.migrationId = :me',
        ExpressionAttributeNames: { '#owner': 'owner' },
        ExpressionAttributeValues: { ':me': migrationId },
      });
    } catch (error) {
      if (!isConditionFailed(error)) throw error;
    }
  }

  putSnapshot(migrationId: string, taken: Snapshot): Promise<void> {
    return this.put(partition(migrationId), 'SNAPSHOT', { snapshot: taken });
  }

  async getSnapshot(migrationId: string): Promise<Snapshot | undefined> {
    const item = await this.get(partition(migrationId), 'SNAPSHOT');
    return item ? snapshot.parse(item['snapshot']) : undefined;
  }

  async recordStep(migrationId: string, entry: StepEntry): Promise<void> {
    await this.update(partition(migrationId), `STEP#${entry.name}`, {
      UpdateExpression: `SET #name = :name, startedAt = if_not_exists(startedAt, :started), endedAt = :ended${entry.result === undefined ? '' : ', #result = :result'}${entry.error ? ', #error = :error' : ''}${entry.error ? '' : ' REMOVE #error'} ADD attempts :one`,
      ExpressionAttributeNames: { '#name': 'name', '#error': 'error', ...(entry.result === undefined ? {} : { '#result': 'result' }) },
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
    const lines = (await this.query(partition(migrationId), 'STEP#')).map((item) => stepLine.parse(item));
    return lines.sort((a, b) => a.startedAt.localeCompare(b.startedAt) || a.endedAt.localeCompare(b.endedAt));
  }

  async putEvidence(migrationId: string, round: string, pods: PodEvidence[]): Promise<void> {
    const chunks = Math.max(1, Math.ceil(pods.length / EVIDENCE_CHUNK));
    const sortKey = (chunk: number): string => `EVIDENCE#${round}#${String(chunk).padStart(5, '0')}`;
    for (let chunk = 0; chunk < chunks; chunk += 1) {
      await this.put(partition(migrationId), sortKey(chunk), { pods: pods.slice(chunk * EVIDENCE_CHUNK, (chunk + 1) * EVIDENCE_CHUNK) });
    }
    for (const item of await this.query(partition(migrationId), `EVIDENCE#${round}#`)) {
      const sk = String(item['sk']);
      if (sk > sortKey(chunks - 1)) await aws('dynamodb:DeleteItem', () => this.documents.send(new DeleteCommand({ TableName: this.table, Key: { pk: partition(migrationId), sk } })));
    }
  }

  async getEvidence(migrationId: string, round: string): Promise<PodEvidence[]> {
    const items = await this.query(partition(migrationId), `EVIDENCE#${round}#`);
    return items.flatMap((item) => z.array(podEvidence).parse(item['pods']));
  }

  private async readLock(key: string): Promise<z.infer<typeof lockItem> | undefined> {
    const item = await this.get(`LOCK#${key}`, 'LOCK');
    return item ? lockItem.parse(item) : undefined;
  }

  private async put(pk: string, sk: string, item: Item, condition?: string): Promise<void> {
    await aws(`dynamodb:PutItem ${sk}`, () =>
      this.documents.send(
        new PutCommand({
          TableName: this.table,
          Item: { ...item, pk, sk },
          ...(condition
            ? { ConditionExpression: condition, ExpressionAttributeNames: { '#status': 'status' }, ExpressionAttributeValues: { ':running': 'running' } }
            : {}),
        }),
      ),
    );
  }

  private async get(pk: string, sk: string): Promise<Item | undefined> {
    const answer = await aws(`dynamodb:GetItem ${sk}`, () => this.documents.send(new GetCommand({ TableName: this.table, Key: { pk, sk }, ConsistentRead: true })));
    return answer.Item;
  }

  private async update(pk: string, sk: string, change: Omit<ConstructorParameters<typeof UpdateCommand>[0], 'TableName' | 'Key'>): Promise<Item | undefined> {
    const answer = await aws(`dynamodb:UpdateItem ${sk}`, () => this.documents.send(new UpdateCommand({ TableName: this.table, Key: { pk, sk }, ...change })));
    return answer.Attributes;
  }

  private async query(pk: string, prefix: string): Promise<Item[]> {
    const items: Item[] = [];
    let from: Item | undefined;
    do {
      const answer = await aws(`dynamodb:Query ${prefix}`, () =>
        this.documents.send(
          new QueryCommand({
            TableName: this.table,
            KeyConditionExpression: 'pk = :pk AND begins_with(sk, :prefix)',
            ExpressionAttributeValues: { ':pk': pk, ':prefix': prefix },
            ConsistentRead: true,
            ...(from ? { ExclusiveStartKey: from } : {}),
          }),
        ),
      );
      items.push(...(answer.Items ?? []));
      from = answer.LastEvaluatedKey;
    } while (from);
    return items;
  }
}

/** A refused condition stays recognisable behind the MigrationError that every SDK error becomes. */
const isConditionFailed = (error: unknown): boolean => error instanceof MigrationError && error.cause instanceof ConditionalCheckFailedException;

export const createDynamoLedger = (options: { client: DynamoDBClient; tableName: string }): Ledger => new DynamoLedger(options.client, options.tableName);
