import { Duration, RemovalPolicy, Validations } from 'aws-cdk-lib';
import type * as kms from 'aws-cdk-lib/aws-kms';
import * as s3 from 'aws-cdk-lib/aws-s3';
import { Construct } from 'constructs';

/** How long what a sweep has found, and its report, are kept. */
const KEPT_FOR = Duration.days(400);

/**
 * Where sweeps keep what is too much for a state: what they found, and their reports. Nothing in it is needed to go
 * back.
 */
export class SweepBucket extends Construct {
  readonly bucket: s3.Bucket;

  constructor(scope: Construct, id: string, { key }: { key?: kms.IKey } = {}) {
    super(scope, id);
    this.bucket = new s3.Bucket(this, 'Bucket', {
      blockPublicAccess: s3.BlockPublicAccess.BLOCK_ALL,
      objectOwnership: s3.ObjectOwnership.BUCKET_OWNER_ENFORCED,
      enforceSSL: true,
      ...(key
        ? { encryption: s3.BucketEncryption.KMS, encryptionKey: key, bucketKeyEnabled: true }
        : { encryption: s3.BucketEncryption.S3_MANAGED }),
      lifecycleRules: [
        { prefix: 'sweeps/', expiration: KEPT_FOR, abortIncompleteMultipartUploadAfter: Duration.days(1) },
      ],
      removalPolicy: RemovalPolicy.RETAIN,
    });
    Validations.of(this.bucket).acknowledge({
      id: 'AwsSolutions-S1',
      reason:
        "Only the service's own functions use it, and CloudTrail's data events, which a deployment may switch on, say who read what; a log bucket of its own would only hold their requests.",
    });
  }
}
