/**
 * Separate schemas for bodies about an add-on and about a service account, which the document combines with `oneOf`.
 * The Lambda validates both with a single schema, so that it can name each invalid field. A test checks that the two
 * accept the same bodies.
 */
import { z } from 'zod';
import { migrationBody, planBody } from '../../lambdas/api/inputs.ts';
import { acceptOf } from '../../lambdas/domain/acceptance/accept.ts';
import { addonName, roleArn, serviceAccountName } from '../../lambdas/domain/text/names.ts';
import { strictRequestFields } from '../../lambdas/domain/request/request.ts';
import { schemaNames } from '../../lambdas/domain/text/schemas.ts';

const { addon, serviceAccount, annotation, strategy, preserve, roles, accept } = strictRequestFields.shape;
const meaningOf = (field: z.ZodType, more = ''): string => `${field.description ?? ''}${more}`;
const ADDONS_ALONE = ' Only for add-ons: leave it out.';

/** Fields that differ in a body about an add-on. */
const OF_ADDON = {
  addon: addonName.describe(meaningOf(addon)),
  annotation: z
    .literal('keep')
    .default('keep')
    .describe(meaningOf(annotation, ' EKS manages the annotations of add-ons: leave it out.')),
};
/** Fields that differ in a body about a service account. */
const OF_SERVICE_ACCOUNT = {
  serviceAccount: serviceAccount.unwrap().describe(meaningOf(serviceAccount)),
  strategy: z.literal('auto').default('auto').describe(meaningOf(strategy, ADDONS_ALONE)),
  preserve: z.literal(false).default(false).describe(meaningOf(preserve, ADDONS_ALONE)),
  roles: z
    .record(serviceAccountName, roleArn)
    .meta({ maxProperties: 0 })
    .default({})
    .describe(meaningOf(roles, ' Only for add-ons: use `roleArn`.')),
  accept: acceptOf('service-account').default([]).describe(meaningOf(accept)),
};

const migrationFields = strictRequestFields.omit({ requestedBy: true });
const planFields = migrationFields.omit({ dryRun: true, approval: true, approvalHours: true, changeWindow: true });

/** Schemas by the body that the Lambda validates. */
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
