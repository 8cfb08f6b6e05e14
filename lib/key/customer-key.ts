import { RemovalPolicy } from 'aws-cdk-lib';
import * as kms from 'aws-cdk-lib/aws-kms';
import { Construct } from 'constructs';
import type { Config } from '../config.ts';
import { keyPolicy } from './statements.ts';

/**
 * The key that seals all that the service keeps, where the deployment asks for one of its own: the table, the logs, the
 * queue, the state machines and the functions' environments. One that is made here outlives the stack, as the ledger
 * does; of one that is there already the policy is the customer's (docs/adr/0015).
 */
export class CustomerKey extends Construct {
  readonly key: kms.IKey;

  constructor(scope: Construct, id: string, customerKey: NonNullable<Config['customerKey']>) {
    super(scope, id);
    this.key =
      customerKey === 'create'
        ? new kms.Key(this, 'Key', {
            description: 'Seals what the migration of EKS add-ons keeps.',
            enableKeyRotation: true,
            removalPolicy: RemovalPolicy.RETAIN,
            policy: keyPolicy(this),
          })
        : kms.Key.fromKeyArn(this, 'Key', customerKey.arn);
  }
}
