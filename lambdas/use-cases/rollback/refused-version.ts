/** Explains a create that EKS refuses because it does not offer the add-on's version for the cluster any more. */
import { isMigrationError, MigrationError } from '../../domain/failures/errors.ts';
import type { Addon } from '../../domain/terms/observed.ts';

/** EKS's message. Source: hashicorp/terraform-provider-aws#32238, nebari-dev/nebari#3016. */
const NOT_SUPPORTED = /addon version specified is not supported/i;

/**
 * Throws RestoreRefused if EKS does not offer the version: a rollback restores what was there, and leaves the choice of
 * another version to a person. Rethrows anything else.
 */
export function explainVersion(error: unknown, { name, version }: Pick<Addon, 'name' | 'version'>): never {
  if (!isMigrationError(error, 'InvalidRequest') || !NOT_SUPPORTED.test(error.message)) throw error;
  throw new MigrationError(
    'RestoreRefused',
    `EKS no longer offers version ${version} of add-on ${name} for the cluster, which was upgraded since or for which the version was withdrawn. A rollback creates no other version. Run the record's restore commands, which name an offered version.`,
    { cause: error },
  );
}
