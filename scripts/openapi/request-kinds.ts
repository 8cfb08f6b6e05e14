/**
 * Bodies that are about an add-on or about a service account, as one schema for each: the document has them as `oneOf`.
 * The Lambda checks both by one schema, so that it can name each field that is wrong; a test holds the two equal.
 */
import { z } from 'zod';
import { migrationBody, planBody } from '../../lambdas/api/inputs.ts';
import { addonName, roleArn, serviceAccountName } from '../../lambdas/domain/text/names.ts';
import { strictRequestFields } from '../../lambdas/domain/migration/request.ts';
import { schemaNames } from '../../lambdas/domain/text/schemas.ts';

const { addon, serviceAccount, annotation, strategy, preserve, roles, acceptIdentityLoss } = strictRequestFields.shape;
const meaningOf = (field: z.ZodType, more = ''): string => `${field.description ?? ''}${more}`;
const ADDONS_ALONE = ' It is for add-ons: leave it out.';

/** Fields that differ where the body is about an add-on. */
const OF_ADDON = {
  addon: addonName.describe(meaningOf(addon)),
  annotation: z
    .literal('keep')
    .default('keep')
    .describe(meaningOf(annotation, ' EKS manages the annotations of add-ons: leave it out.')),
};
/** The same where it is about a service account. */
const OF_SERVICE_ACCOUNT = {
  serviceAccount: serviceAccount.unwrap().describe(meaningOf(serviceAccount)),
  strategy: z.literal('auto').default('auto').describe(meaningOf(strategy, ADDONS_ALONE)),
  preserve: z.literal(false).default(false).describe(meaningOf(preserve, ADDONS_ALONE)),
  roles: z
    .record(serviceAccountName, roleArn)
    .meta({ maxProperties: 0 })
    .default({})
    .describe(meaningOf(roles, ' It is for add-ons: use `roleArn`.')),
  acceptIdentityLoss: z
    .array(serviceAccountName)
    .max(0)
    .default([])
    .describe(meaningOf(acceptIdentityLoss, ADDONS_ALONE)),
};

const migrationFields = strictRequestFields.omit({ requestedBy: true });
const planFields = migrationFields.omit({ dryRun: true, approval: true, approvalHours: true, changeWindow: true });

/** By the body that the Lambda checks. */
export const REQUEST_KINDS: ReadonlyMap<z.ZodType, readonly z.ZodType[]> = new Map<z.ZodType, readonly z.ZodType[]>([
  [
    planBody,
    [
      planFields.omit({ serviceAccount: true }).extend(OF_ADDON).register(schemaNames, { name: 'AddonPlanRequest' }),
      planFields
        .omit({ addon: true, resolveConflicts: true })
        .extend(OF_SERVICE_ACCOUNT)
        .register(schemaNames, { name: 'ServiceAccountPlanRequest' }),
    ],
  ],
  [
    migrationBody,
    [
      migrationFields
        .omit({ serviceAccount: true })
        .extend(OF_ADDON)
        .register(schemaNames, { name: 'AddonMigrationRequest' }),
      migrationFields
        .omit({ addon: true, resolveConflicts: true })
        .extend(OF_SERVICE_ACCOUNT)
        .register(schemaNames, { name: 'ServiceAccountMigrationRequest' }),
    ],
  ],
]);
