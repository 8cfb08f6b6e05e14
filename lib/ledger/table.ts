import { RemovalPolicy } from 'aws-cdk-lib';
import * as dynamodb from 'aws-cdk-lib/aws-dynamodb';
import * as iam from 'aws-cdk-lib/aws-iam';
import type * as kms from 'aws-cdk-lib/aws-kms';
import { Construct } from 'constructs';
import {
  attributesOfList,
  EXPIRES,
  HELD_LOCKS,
  LIST_INDEX_NAMES,
  LIST_INDEXES,
  LIST_KEY,
  PENDING,
} from '../../lambdas/adapters/indexes.ts';

/**
 * Denies plain HTTP, which DynamoDB also accepts. The resource is `*`, because the table's own ARN would be a circular
 * reference.
 * Source: DynamoDB Developer Guide, "Resource-based policy considerations".
 */
const TLS_ONLY = new iam.PolicyStatement({
  sid: 'TlsOnly',
  effect: iam.Effect.DENY,
  principals: [new iam.AnyPrincipal()],
  actions: ['dynamodb:*'],
  resources: ['*'],
  conditions: { Bool: { 'aws:SecureTransport': 'false' } },
});

/**
 * The ledger: migrations, their steps, snapshots, evidence and locks, as items of a single table (`pk`, `sk`). It has
 * what a rollback needs and what an auditor asks for, so it outlives the stack, and no item of a migration expires. Nor
 * does a lock, because its fence must never decrease. Claims and waiting slots expire, by `expires`.
 */
export class LedgerTable extends Construct {
  readonly table: dynamodb.Table;

  constructor(scope: Construct, id: string, { key }: { key?: kms.IKey } = {}) {
    super(scope, id);
    this.table = new dynamodb.Table(this, 'Table', {
      partitionKey: { name: 'pk', type: dynamodb.AttributeType.STRING },
      sortKey: { name: 'sk', type: dynamodb.AttributeType.STRING },
      // A migration makes some 200 write units (about 60 items, the record of 8 KB ten times, each lock twice for the
      // index, 16 in the indexes of lists) and 400 read units, and leaves 20 KB: 200 × 0.625 + 400 × 0.125 USD a
      // million = 0.0002 USD, and nothing between migrations. The provisioned 100 + 100 units that a sweep of a hundred
      // needs cost 57 USD a month, as much as 285,000 migrations. Standard-IA asks 25 % more for requests to save on
      // storage that is free up to 25 GB, which is 1.2 million migrations. See docs/adr/0006; prices: us-east-1, on
      // demand since November 2024.
      billingMode: dynamodb.BillingMode.PAY_PER_REQUEST,
      tableClass: dynamodb.TableClass.STANDARD,
      pointInTimeRecoverySpecification: { pointInTimeRecoveryEnabled: true },
      ...(key
        ? { encryption: dynamodb.TableEncryption.CUSTOMER_MANAGED, encryptionKey: key }
        : { encryption: dynamodb.TableEncryption.AWS_MANAGED }),
      resourcePolicy: new iam.PolicyDocument({ statements: [TLS_ONLY] }),
      timeToLiveAttribute: EXPIRES,
      deletionProtection: true,
      removalPolicy: RemovalPolicy.RETAIN,
    });
    // Sparse: it has an item for each migration in progress, so it can project all attributes of these small items.
    this.table.addGlobalSecondaryIndex({
      indexName: HELD_LOCKS,
      partitionKey: { name: 'held', type: dynamodb.AttributeType.STRING },
      sortKey: { name: 'pk', type: dynamodb.AttributeType.STRING },
      projectionType: dynamodb.ProjectionType.ALL,
    });
    // Also sparse: published events and decided approvals are not in it.
    this.table.addGlobalSecondaryIndex({
      indexName: PENDING,
      partitionKey: { name: 'pending', type: dynamodb.AttributeType.STRING },
      sortKey: { name: 'pk', type: dynamodb.AttributeType.STRING },
      projectionType: dynamodb.ProjectionType.INCLUDE,
      nonKeyAttributes: ['requestedAt'],
    });
    // Lists of migrations and sweeps. They project only what a list shows, so they are written only when a migration
    // begins and ends. See docs/adr/0057.
    for (const indexName of LIST_INDEX_NAMES)
      this.table.addGlobalSecondaryIndex({
        indexName,
        partitionKey: { name: LIST_INDEXES[indexName], type: dynamodb.AttributeType.STRING },
        sortKey: { name: LIST_KEY, type: dynamodb.AttributeType.STRING },
        projectionType: dynamodb.ProjectionType.INCLUDE,
        nonKeyAttributes: attributesOfList(indexName),
      });
  }
}
