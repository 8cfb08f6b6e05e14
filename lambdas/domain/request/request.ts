/** The request for a migration, as zod schemas: part of the record in `record/migration.ts`. */
import { z } from 'zod';
import { changeWindow } from '../terms/change-window.ts';
import { addonName, reason, requestedBy, roleArn, serviceAccountName } from '../text/names.ts';
import { type ServiceAccountRef, serviceAccountRef, target } from '../terms/subject.ts';
import { acceptedNames, acceptOf } from '../acceptance/accept.ts';
import { ownerTool } from '../owners/model.ts';
import { trustMode } from '../terms/trust.ts';
import { schemaNames } from '../text/schemas.ts';

export const strategy = z.enum(['auto', 'in-place', 'recreate']);
export type Strategy = z.infer<typeof strategy>;

/** `rolling`: pods are replaced in a rolling update. `outage`: the add-on's software is removed for a while. */
export const maxDisruption = z.enum(['rolling', 'outage']);
export type MaxDisruption = z.infer<typeof maxDisruption>;

/** What EKS does with fields that another field manager changed. CreateAddon treats PRESERVE as NONE. */
export const resolveConflicts = z.enum(['NONE', 'OVERWRITE', 'PRESERVE']);
export type ResolveConflicts = z.infer<typeof resolveConflicts>;

/** Far more than the service accounts of any add-on, which has at most three at the time of writing. */
const MAX_ROLES = 50;

/**
 * The level of evidence that a request asks for. `injected`: the webhook has put the credentials configuration of EKS Pod
 * Identity into every pod that counts. `ready`: in addition, the pods stay ready for a settling time without a restart,
 * which does not show that they use the credentials. `api`: only the state that EKS reports is checked, for clusters whose
 * pods the service may not read.
 */
export const verificationMode = z.enum(['injected', 'ready', 'api']);
export type VerificationMode = z.infer<typeof verificationMode>;

/** Returns whether the verification reads pods: at every level but `api`. */
export const readsPods = ({ verification }: { verification: VerificationMode }): boolean => verification !== 'api';

/**
 * What happens to a cluster without the Pod Identity agent. `require`: the migration is blocked. `install`: the agent's
 * add-on is installed first.
 */
export const agentMode = z.enum(['require', 'install']);

/** What happens to a service account's IRSA annotation once its pods are verified. */
export const annotationMode = z.enum(['keep', 'remove']);
export type AnnotationMode = z.infer<typeof annotationMode>;

/** `required`: the plan must be approved before the first change. The deployment can require it for every request. */
export const approvalMode = z.enum(['none', 'required']);
export type ApprovalMode = z.infer<typeof approvalMode>;

/** How long a migration waits for an approval, in hours: at most a week. */
export const APPROVAL_HOURS = { least: 1, most: 168, usual: 24 } as const;

/**
 * The upper limit for `maxDurationMinutes`: a week, which is as long as an execution waits for pods.
 */
export const MOST_DURATION_MINUTES = 7 * 24 * 60;

/** The longest allowed forecast of a migration, in minutes. */
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
      'How the add-on is changed. `auto`: by the least disruptive attempt that is possible, then by the next attempt if the pods are not verified.',
    ),
  preserve: z
    .boolean()
    .default(false)
    .describe(
      'Whether Kubernetes objects are kept while the add-on is deleted (`preserve` of DeleteAddon). With `auto`: no attempt without it.',
    ),
  maxDisruption: maxDisruption
    .optional()
    .describe(
      'The maximum disruption that is allowed. `rolling`: pods are replaced in a rolling update. `outage`: the software of the add-on is removed for a while. Default: `rolling` with `auto`, else what the strategy needs.',
    ),
  resolveConflicts: resolveConflicts
    .optional()
    .describe(
      'What EKS does with fields that another field manager changed. `OVERWRITE` accepts that they are reset. Default: `PRESERVE` in place, `NONE` for a create over preserved objects.',
    ),
  roles: z
    .record(serviceAccountName, roleArn)
    .refine((roles) => Object.keys(roles).length <= MAX_ROLES, `must have at most ${MAX_ROLES} entries`)
    .meta({ maxProperties: MAX_ROLES })
    .default({})
    .describe('ARN of the role for each service account, by name. Default: the role that it has by IRSA.'),
  roleArn: roleArn.optional().describe('ARN of one role for every planned service account. `roles` takes precedence.'),
  trust: trustMode
    .default('validate')
    .describe(
      'What happens to a trust policy that does not allow EKS Pod Identity. `validate`: the migration is blocked. `repair`: the missing statement is added.',
    ),
  accept: acceptOf('add-on')
    .default([])
    .describe(
      'What must not block the migration, as `KIND:NAME`. The remedy of a check that can be accepted has the entry, such as `image:registry.k8s.io/external-dns/external-dns:v0.13.6`.',
    ),
  iac: ownerTool
    .optional()
    .describe(
      'The tool whose code defines what the migration changes, for what shows no owner. Terraform and CloudFormation leave no sign on an add-on by themselves.',
    ),
  verification: verificationMode
    .default('ready')
    .describe(
      'How pods are verified. `injected`: every pod that counts has the credentials configuration of EKS Pod Identity. `ready`: in addition, the pods stay ready for a settling time without a restart. `api`: only the state that EKS reports is checked.',
    ),
  agent: agentMode
    .default('require')
    .describe(
      'What happens to a cluster without the Pod Identity agent. `require`: the migration is blocked. `install`: the add-on of the agent is installed first.',
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
      'The longest allowed forecast of the change, in minutes. A plan with a longer forecast is blocked. A migration that takes longer than its forecast continues.',
    ),
  changeWindow: changeWindow
    .optional()
    .describe("When the change may begin. Default: the deployment's window if it has one, else immediately."),
  dryRun: z.boolean().default(false).describe('Whether to plan only, and change nothing.'),
  requestedBy: requestedBy.optional().describe('Who requests it, as stated by the sender.'),
  reason: reason.optional().describe('Why, for the people who read the migration later.'),
});

/** Options that apply only to add-ons, which are updated, or deleted and created again. */
const OF_ADDONS = {
  strategy: ({ strategy: chosen }: SubjectFields) => chosen !== 'auto',
  preserve: ({ preserve }: SubjectFields) => preserve,
  resolveConflicts: ({ resolveConflicts: wanted }: SubjectFields) => wanted !== undefined,
  roles: ({ roles }: SubjectFields) => Object.keys(roles).length > 0,
  accept: (request: SubjectFields) => acceptedNames(request, 'identity-loss').length > 0,
};
type SubjectFields = Pick<
  z.infer<typeof migrationRequestFields>,
  'addon' | 'serviceAccount' | 'annotation' | 'strategy' | 'preserve' | 'resolveConflicts' | 'roles' | 'accept'
>;

/** Checks that a request is about an add-on or a service account, and has no option that applies only to the other. */
export function checkSubject(
  request: SubjectFields,
  { addIssue }: { addIssue: (issue: { code: 'custom'; path: string[]; message: string }) => void },
): void {
  const { addon, serviceAccount, annotation } = request;
  if ((addon === undefined) === (serviceAccount === undefined)) {
    addIssue({
      code: 'custom',
      path: [addon === undefined ? 'addon' : 'serviceAccount'],
      message: addon === undefined ? 'addon or serviceAccount is required' : 'must not be set together with addon',
    });
  } else if (addon !== undefined && annotation === 'remove') {
    addIssue({
      code: 'custom',
      path: ['annotation'],
      message: 'can only be remove for a service account: EKS manages the annotations of add-ons',
    });
  }
  for (const [option, isGiven] of Object.entries(OF_ADDONS)) {
    if (serviceAccount !== undefined && isGiven(request))
      addIssue({
        code: 'custom',
        path: [option],
        message: `${option === 'accept' ? 'has kind identity-loss, which applies' : 'applies'} only to add-ons, and this request is about a service account: leave it out`,
      });
  }
}

/**
 * The request for a migration. `roles` maps the name of a service account to the role that it gets; default: the role
 * that the add-on, or the service account, has by IRSA. A service account for which the add-on takes no association
 * gets
 * a standalone association if `roles` names it.
 */
export const migrationRequest = migrationRequestFields.superRefine(checkSubject);
export type MigrationRequest = z.infer<typeof migrationRequest>;
export type MigrationRequestInput = z.input<typeof migrationRequest>;

/**
 * The fields of a request from outside. An unknown field is refused: a `dryrun` instead of `dryRun` must not lead to a
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
/** A request for a service account that belongs to no add-on. */
export type ServiceAccountRequest = MigrationRequest & { serviceAccount: ServiceAccountRef };
