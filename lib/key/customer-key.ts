import { RemovalPolicy } from 'aws-cdk-lib';
import * as kms from 'aws-cdk-lib/aws-kms';
import { Construct } from 'constructs';
import type { Config } from '../config.ts';
import { keyPolicy } from './statements.ts';

/**
 * The customer managed key, if the deployment has one. It encrypts everything that the service stores: the table, the
 * logs, the queue, the state machines and the functions' environments. A key that is created here outlives the stack,
 * as the ledger does. The customer maintains the policy of an existing key (docs/adr/0015).
 */
export class CustomerKey extends Construct {
  readonly key: kms.IKey;

  constructor(scope: Construct, id: string, customerKey: NonNullable<Config['customerKey']>) {
    super(scope, id);
    this.key =
      customerKey === 'create'
        ? new kms.Key(this, 'Key', {
            description: 'Encrypts the data of the Pod Identity migrator.',
            enableKeyRotation: true,
            removalPolicy: RemovalPolicy.RETAIN,
            policy: keyPolicy(this),
          })
        : kms.Key.fromKeyArn(this, 'Key', customerKey.arn);
  }
}
