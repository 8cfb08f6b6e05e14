/** What somebody asks for, as zod schemas: part of the records in `model.ts`. */
import { z } from 'zod';
import { changeWindow } from '../waiting/change-window.ts';
import {
  accountId,
  addonName,
  clusterName,
  reason,
  regionName,
  requestedBy,
  roleArn,
  serviceAccountName,
} from '../text/names.ts';
import { type ServiceAccountRef, serviceAccountRef } from './subject.ts';
import { conditionKey, trustMode } from '../trust/model.ts';
import { schemaNames } from '../text/schemas.ts';

export const target = z
  .object({
    account: accountId.describe('AWS account of the cluster: 12 digits.'),
    region: regionName.describe('AWS region of the cluster.'),
    cluster: clusterName.describe('Name of the EKS cluster.'),
  })
  .register(schemaNames, { name: 'Target' });
export type Target = z.infer<typeof target>;

export const strategy = z.enum(['auto', 'in-place', 'recreate']);
export type Strategy = z.infer<typeof strategy>;

/** `rolling`: pods roll, capacity stays. `outage`: the add-on's software is removed for a while. */
export const maxDisruption = z.enum(['rolling', 'outage']);
export type MaxDisruption = z.infer<typeof maxDisruption>;

/** What EKS does with fields that others changed; CreateAddon takes PRESERVE for NONE. */
export const resolveConflicts = z.enum(['NONE', 'OVERWRITE', 'PRESERVE']);
export type ResolveConflicts = z.infer<typeof resolveConflicts>;

/** Far more than the service accounts of any add-on: three, at the time of writing. */
const MAX_ROLES = 50;

/**
 * `injected`: the webhook has put the credentials configuration of EKS Pod Identity into every pod that counts. `api`: by
 * what EKS says alone, where nobody may look at the pods.
 */
export const verificationMode = z.enum(['injected', 'api']);
export type VerificationMode = z.infer<typeof verificationMode>;

/**
 * What becomes of a cluster without the Pod Identity agent. `require`: it blocks; `install`: its add-on is installed
 * first.
 */
export const agentMode = z.enum(['require', 'install']);
export type AgentMode = z.infer<typeof agentMode>;

/** What becomes of a service account's IRSA annotation once its pods are verified. */
export const annotationMode = z.enum(['keep', 'remove']);
export type AnnotationMode = z.infer<typeof annotationMode>;

/** Whether somebody has to approve the plan before anything is changed; the deployment may want it of every request. */
export const approvalMode = z.enum(['none', 'required']);
export type ApprovalMode = z.infer<typeof approvalMode>;

/** How long an approval is waited for, hours: a week at most. */
export const APPROVAL_HOURS = { least: 1, most: 168, usual: 24 } as const;

/**
 * The longest that a migration may be forecast to take, minutes: a week, as long as an execution waits for pods.
 */
export const MOST_DURATION_MINUTES = 7 * 24 * 60;

/** Minutes that a migration may be forecast to take. */
export const maxDurationMinutes = z.number().int().min(1).max(MOST_DURATION_MINUTES);

/** The fields of a request; see `migrationRequest`. */
export const migrationRequestFields = z.object({
  target: target.describe('Cluster that the migration is in.'),
  addon: addonName.optional().describe('Name of the EKS add-on to migrate.'),
  serviceAccount: serviceAccountRef.optional().describe('Service account to migrate that belongs to no add-on.'),
  annotation: annotationMode
    .default('keep')
    .describe(
      "What happens to the service account's IRSA annotation once its pods are verified. `keep`: it stays, and has no effect while there is an association.",
    ),
  strategy: strategy
    .default('auto')
    .describe(
      'How the add-on is changed. `auto`: by the least disruptive attempt that is possible, then by the next one if its pods are not verified.',
    ),
  preserve: z
    .boolean()
    .default(false)
    .describe(
      'Whether Kubernetes objects stay while the add-on is deleted (`preserve` of DeleteAddon). With `auto`: no attempt without it.',
    ),
  maxDisruption: maxDisruption
    .optional()
    .describe(
      'The most disruption that is allowed. `rolling`: pods are replaced one after the other. `outage`: the software of the add-on is removed for a while. Default: `rolling` with `auto`, else what the strategy needs.',
    ),
  resolveConflicts: resolveConflicts
    .optional()
    .describe(
      'What EKS does with fields that others changed. `OVERWRITE` accepts that they are reset. Default: `PRESERVE` in place, `NONE` for a create over preserved objects.',
    ),
  roles: z
    .record(serviceAccountName, roleArn)
    .refine((roles) => Object.keys(roles).length <= MAX_ROLES, `must have at most ${MAX_ROLES} entries`)
    .meta({ maxProperties: MAX_ROLES })
    .default({})
    .describe('ARN of the role for each service account, by name. Default: the role that it has by IRSA.'),
  roleArn: roleArn.optional().describe('ARN of one role for every planned service account. `roles` goes before it.'),
  trust: trustMode
    .default('validate')
    .describe(
      'What happens to a trust policy that does not allow EKS Pod Identity. `validate`: it blocks. `repair`: the statement that is missing is added.',
    ),
  acceptedKeys: z
    .array(conditionKey)
    .max(20)
    .default([])
    .describe('Condition keys whose values cannot be known beforehand, and that do not block the migration.'),
  acceptIdentityLoss: z
    .array(serviceAccountName)
    .max(MAX_ROLES)
    .default([])
    .describe("Service accounts, by name, that may lose the add-on's IRSA role without getting an association."),
  verification: verificationMode
    .default('injected')
    .describe(
      'How pods are verified. `injected`: every pod that counts has the credentials configuration of EKS Pod Identity. `api`: by the answers of EKS alone.',
    ),
  agent: agentMode
    .default('require')
    .describe(
      'What happens to a cluster without the Pod Identity agent. `require`: it blocks. `install`: its add-on is installed first.',
    ),
  approval: approvalMode
    .default('none')
    .describe('Whether a principal has to approve the plan first. The deployment may require it for every request.'),
  approvalHours: z
    .number()
    .int()
    .min(APPROVAL_HOURS.least)
    .max(APPROVAL_HOURS.most)
    .default(APPROVAL_HOURS.usual)
    .describe('Hours after which an approval expires. The migration then ends `blocked`.'),
  maxDurationMinutes: maxDurationMinutes
    .optional()
    .describe(
      'Minutes that the change may be forecast to take. A plan whose forecast is longer is blocked. A migration that takes longer than its forecast goes on.',
    ),
  changeWindow: changeWindow
    .optional()
    .describe("When the change may begin. Default: the deployment's own window if it has one, else at once."),
  dryRun: z.boolean().default(false).describe('Whether to plan only, and change nothing.'),
  requestedBy: requestedBy.optional().describe('Who requests it, as the sender states it.'),
  reason: reason.optional().describe('Why, for the people who read the migration later.'),
});

/** Options that only make sense where an add-on is updated, or deleted and created again. */
const OF_ADDONS = {
  strategy: ({ strategy: chosen }: SubjectFields) => chosen !== 'auto',
  preserve: ({ preserve }: SubjectFields) => preserve,
  resolveConflicts: ({ resolveConflicts: wanted }: SubjectFields) => wanted !== undefined,
  roles: ({ roles }: SubjectFields) => Object.keys(roles).length > 0,
  acceptIdentityLoss: ({ acceptIdentityLoss }: SubjectFields) => acceptIdentityLoss.length > 0,
};
type SubjectFields = Pick<
  z.infer<typeof migrationRequestFields>,
  | 'addon'
  | 'serviceAccount'
  | 'annotation'
  | 'strategy'
  | 'preserve'
  | 'resolveConflicts'
  | 'roles'
  | 'acceptIdentityLoss'
>;

/** What a request is about: an add-on or a service account, and no option of the other. */
export function checkSubject(
  request: SubjectFields,
  { addIssue }: { addIssue: (issue: { code: 'custom'; path: string[]; message: string }) => void },
): void {
  const { addon, serviceAccount, annotation } = request;
  if ((addon === undefined) === (serviceAccount === undefined)) {
    addIssue({
      code: 'custom',
      path: [addon === undefined ? 'addon' : 'serviceAccount'],
      message: `name either addon or serviceAccount, ${addon === undefined ? 'and neither is there' : 'not both'}`,
    });
  } else if (addon !== undefined && annotation === 'remove') {
    addIssue({
      code: 'custom',
      path: ['annotation'],
      message: "is of service accounts that are no add-on's: EKS looks after those of add-ons itself",
    });
  }
  for (const [option, isGiven] of Object.entries(OF_ADDONS)) {
    if (serviceAccount !== undefined && isGiven(request))
      addIssue({
        code: 'custom',
        path: [option],
        message: 'is of add-ons, and this request is about a service account: leave it out',
      });
  }
}

/**
 * What somebody asks for. `roles` maps a service account's name to the role it shall use; default: the role that the
 * add-on, or the service account, has by IRSA. A service account of the add-on for which the add-on takes no
 * association gets a standalone one where `roles` names it.
 */
export const migrationRequest = migrationRequestFields.superRefine(checkSubject);
export type MigrationRequest = z.infer<typeof migrationRequest>;
export type MigrationRequestInput = z.input<typeof migrationRequest>;

/**
 * As somebody outside says them. A field that is not known is refused: a `dryrun` in place of `dryRun` must not be a
 * change.
 */
export const strictRequestFields = migrationRequestFields
  .extend({
    target: target.strict().register(schemaNames, { name: 'Target' }).describe('Cluster that the migration is in.'),
    serviceAccount: serviceAccountRef
      .strict()
      .register(schemaNames, { name: 'ServiceAccount' })
      .optional()
      .describe('Service account to migrate that belongs to no add-on.'),
  })
  .strict();
export const strictMigrationRequest = strictRequestFields.superRefine(checkSubject);

/** A request for an add-on. */
export type AddonRequest = MigrationRequest & { addon: string };
export const isForAddon = (request: MigrationRequest): request is AddonRequest => request.addon !== undefined;
/** A request for a service account that is no add-on's. */
export type ServiceAccountRequest = MigrationRequest & { serviceAccount: ServiceAccountRef };
