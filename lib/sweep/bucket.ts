import { Duration, RemovalPolicy, Validations } from 'aws-cdk-lib';
import type * as kms from 'aws-cdk-lib/aws-kms';
import * as s3 from 'aws-cdk-lib/aws-s3';
import { Construct } from 'constructs';

/** How long what a sweep has found, and its report, are kept. */
const KEPT_FOR = Duration.days(400);
/** How long an object that was overwritten or deleted can still be restored. */
export const OLD_VERSIONS_KEPT_FOR = Duration.days(30);
const PREFIX = 'sweeps/';

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
      // People delete the old trust because of these reports: none is overwritten or deleted without a trace.
      versioned: true,
      lifecycleRules: [
        {
          prefix: PREFIX,
          expiration: KEPT_FOR,
          noncurrentVersionExpiration: OLD_VERSIONS_KEPT_FOR,
          abortIncompleteMultipartUploadAfter: Duration.days(1),
        },
        // Removes delete markers without a version behind them; S3 refuses this in a rule with an age.
        { prefix: PREFIX, expiredObjectDeleteMarker: true },
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
