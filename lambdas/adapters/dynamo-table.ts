import { ConditionalCheckFailedException, type DynamoDBClient } from '@aws-sdk/client-dynamodb';
import {
  DeleteCommand,
  DynamoDBDocumentClient,
  GetCommand,
  PutCommand,
  QueryCommand,
  UpdateCommand,
  type PutCommandInput,
  type QueryCommandInput,
  type UpdateCommandInput,
} from '@aws-sdk/lib-dynamodb';
import { MigrationError } from '../domain/failures/errors.ts';
import { aws } from './aws-errors.ts';
import { TAKES_DOCUMENTS } from './clients.ts';

export type Item = Record<string, unknown>;
export interface Key {
  pk: string;
  sk: string;
}

export const partition = (migrationId: string): string => `MIGRATION#${migrationId}`;
/** Returns the key of an item of a migration. */
export const itemOf = (migrationId: string, sk: string): Key => ({ pk: partition(migrationId), sk });

/** Returns whether an error, also as the cause of a `MigrationError`, is a failed condition. */
export const isConditionFailed = (error: unknown): boolean =>
  error instanceof MigrationError && error.cause instanceof ConditionalCheckFailedException;

/** Returns an update that sets attributes. */
export function setting(attributes: [string, unknown][]): {
  UpdateExpression: string;
  ExpressionAttributeNames: Record<string, string>;
  ExpressionAttributeValues: Record<string, unknown>;
} {
  return {
    UpdateExpression: `SET ${attributes.map((_, index) => `#n${index} = :v${index}`).join(', ')}`,
    ExpressionAttributeNames: Object.fromEntries(attributes.map(([name], index) => [`#n${index}`, name])),
    ExpressionAttributeValues: Object.fromEntries(attributes.map(([, value], index) => [`:v${index}`, value])),
  };
}

/** Returns a client for plain values, based on the given client. */
export const documentsOf = (client: DynamoDBClient): DynamoDBDocumentClient =>
  TAKES_DOCUMENTS in client
    ? client
    : DynamoDBDocumentClient.from(client, { marshallOptions: { removeUndefinedValues: true } });

/**
 * A DynamoDB table with the keys `pk` and `sk`. Refusals are thrown as `MigrationError` that name the call and the sort
 * key.
 */
export class DynamoTable {
  private readonly documents: DynamoDBDocumentClient;
  private readonly name: string;

  constructor(client: DynamoDBClient, name: string) {
    this.documents = documentsOf(client);
    this.name = name;
  }

  /** Reads an item, strongly consistent. */
  async get(key: Key): Promise<Item | undefined> {
    const answer = await aws(`dynamodb:GetItem ${key.sk}`, () =>
      this.documents.send(new GetCommand({ TableName: this.name, Key: key, ConsistentRead: true })),
    );
    return answer.Item;
  }

  async put(
    key: Key,
    item: Item,
    condition: Pick<
      PutCommandInput,
      'ConditionExpression' | 'ExpressionAttributeNames' | 'ExpressionAttributeValues'
    > = {},
  ): Promise<void> {
    await aws(`dynamodb:PutItem ${key.sk}`, () =>
      this.documents.send(new PutCommand({ TableName: this.name, Item: { ...item, ...key }, ...condition })),
    );
  }

  /** Removes an item, if it exists. */
  async remove(key: Key): Promise<void> {
    await aws(`dynamodb:DeleteItem ${key.sk}`, () =>
      this.documents.send(new DeleteCommand({ TableName: this.name, Key: key })),
    );
  }

  /** Updates an item. Returns what `ReturnValues` requests. */
  async update(key: Key, change: Omit<UpdateCommandInput, 'TableName' | 'Key'>): Promise<Item | undefined> {
    const answer = await aws(`dynamodb:UpdateItem ${key.sk}`, () =>
      this.documents.send(new UpdateCommand({ TableName: this.name, Key: key, ...change })),
    );
    return answer.Attributes;
  }

  /** Returns a partition's items whose sort key has a prefix, in order, strongly consistent. */
  under(pk: string, prefix: string): Promise<Item[]> {
    return this.query(prefix, {
      KeyConditionExpression: 'pk = :pk AND begins_with(sk, :prefix)',
      ExpressionAttributeValues: { ':pk': pk, ':prefix': prefix },
      ConsistentRead: true,
    });
  }

  /** Returns a partition's items whose sort key comes before a key, in order, strongly consistent. */
  before(pk: string, end: string): Promise<Item[]> {
    return this.query(`before ${end}`, {
      KeyConditionExpression: 'pk = :pk AND sk < :end',
      ExpressionAttributeValues: { ':pk': pk, ':end': end },
      ConsistentRead: true,
    });
  }

  /** Reads all pages of a query. `what` names the query in messages. */
  async query(what: string, question: Omit<QueryCommandInput, 'TableName' | 'ExclusiveStartKey'>): Promise<Item[]> {
    const items: Item[] = [];
    let from: Item | undefined;
    do {
      const page = await this.page(what, { ...question, ...(from ? { ExclusiveStartKey: from } : {}) });
      items.push(...page.items);
      from = page.next;
    } while (from);
    return items;
  }

  /**
   * Reads a page. `next` is the key after which the next page begins; `scanned` is the number of items read before the
   * filter.
   */
  async page(
    what: string,
    question: Omit<QueryCommandInput, 'TableName'>,
  ): Promise<{ items: Item[]; next?: Item | undefined; scanned: number }> {
    const answer = await aws(`dynamodb:Query ${what}`, () =>
      this.documents.send(new QueryCommand({ TableName: this.name, ...question })),
    );
    const { Items: items = [], ScannedCount: scanned = items.length } = answer;
    return { items, next: answer.LastEvaluatedKey, scanned };
  }
}
