import { Duration, RemovalPolicy, Validations } from 'aws-cdk-lib';
import type * as kms from 'aws-cdk-lib/aws-kms';
import * as s3 from 'aws-cdk-lib/aws-s3';
import { Construct } from 'constructs';

/** Retention of a sweep's inventory and report. */
const KEPT_FOR = Duration.days(400);
/** Time for which an overwritten or deleted object can still be restored. */
const OLD_VERSIONS_KEPT_FOR = Duration.days(30);
const PREFIX = 'sweeps/';

/**
 * The bucket of sweeps, for what is too large for a state: inventories and reports. A rollback needs nothing from it.
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
      // People retire the old trust based on these reports, so every overwritten or deleted version is kept for a time.
      versioned: true,
      lifecycleRules: [
        {
          prefix: PREFIX,
          expiration: KEPT_FOR,
          noncurrentVersionExpiration: OLD_VERSIONS_KEPT_FOR,
          abortIncompleteMultipartUploadAfter: Duration.days(1),
        },
        // Removes delete markers without older versions; S3 refuses this in a rule with an age.
        { prefix: PREFIX, expiredObjectDeleteMarker: true },
      ],
      removalPolicy: RemovalPolicy.RETAIN,
    });
    Validations.of(this.bucket).acknowledge({
      id: 'AwsSolutions-S1',
      reason:
        "Only the service's own functions use the bucket. CloudTrail's data events, which can be enabled, record all access; a separate log bucket would only contain the functions' requests.",
    });
  }
}
