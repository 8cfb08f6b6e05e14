/** What somebody asks for, as zod schemas: part of the records in `model.ts`. */
import { z } from 'zod';
import { changeWindow } from './change-window.ts';
import {
  accountId,
  addonName,
  clusterName,
  reason,
  regionName,
  requestedBy,
  roleArn,
  serviceAccountName,
} from './names.ts';
import { type ServiceAccountRef, serviceAccountRef } from './subject.ts';
import { conditionKey, trustMode } from './trust/model.ts';

export const target = z.object({ account: accountId, region: regionName, cluster: clusterName });
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
  target,
  /** The add-on, or a service account that is no add-on's: one of the two. */
  addon: addonName.optional(),
  serviceAccount: serviceAccountRef.optional(),
  /** Of a service account. `keep`: it stays, and does nothing as long as there is an association. */
  annotation: annotationMode.default('keep'),
  /**
   * `auto`: the least disturbing way that is possible, then the next one where the pods did not take the new identity.
   */
  strategy: strategy.default('auto'),
  /**
   * DeleteAddon's `preserve`: the Kubernetes objects keep running while EKS lets go of them. With `auto`: no way
   * without it.
   */
  preserve: z.boolean().default(false),
  /** How far it may go. Default: `rolling` with `auto`; what the chosen way takes otherwise. */
  maxDisruption: maxDisruption.optional(),
  /**
   * Default: PRESERVE in place, NONE for a create over preserved objects. OVERWRITE is the consent to reset what others
   * changed.
   */
  resolveConflicts: resolveConflicts.optional(),
  roles: z
    .record(serviceAccountName, roleArn)
    .refine((roles) => Object.keys(roles).length <= MAX_ROLES, `must have at most ${MAX_ROLES} entries`)
    .default({}),
  /** One role for every planned service account; `roles` goes before it. */
  roleArn: roleArn.optional(),
  /** What becomes of a trust policy that does not let EKS Pod Identity in. */
  trust: trustMode.default('validate'),
  /** Condition keys that can't be known beforehand, and that the caller says will not stand in the way. */
  acceptedKeys: z.array(conditionKey).max(20).default([]),
  /**
   * Service accounts, by name, that may lose the add-on's IRSA role without getting an association. One that needs AWS
   * gets an association of its own where `roles` names it.
   */
  acceptIdentityLoss: z.array(serviceAccountName).max(MAX_ROLES).default([]),
  verification: verificationMode.default('injected'),
  agent: agentMode.default('require'),
  approval: approvalMode.default('none'),
  /** Hours after which an approval that nobody gave ends the migration blocked. */
  approvalHours: z.number().int().min(APPROVAL_HOURS.least).max(APPROVAL_HOURS.most).default(APPROVAL_HOURS.usual),
  /**
   * Minutes that the migration may take from when its change begins: a plan whose forecast is longer is blocked. A
   * migration that takes longer than forecast goes on, and people are told.
   */
  maxDurationMinutes: maxDurationMinutes.optional(),
  /** When the change may begin. Default: the deployment's window, where it has one; else at once. */
  changeWindow: changeWindow.optional(),
  dryRun: z.boolean().default(false),
  requestedBy: requestedBy.optional(),
  reason: reason.optional(),
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
  .extend({ target: target.strict(), serviceAccount: serviceAccountRef.strict().optional() })
  .strict();
export const strictMigrationRequest = strictRequestFields.superRefine(checkSubject);

/** A request for an add-on. */
export type AddonRequest = MigrationRequest & { addon: string };
export const isForAddon = (request: MigrationRequest): request is AddonRequest => request.addon !== undefined;
/** A request for a service account that is no add-on's. */
export type ServiceAccountRequest = MigrationRequest & { serviceAccount: ServiceAccountRef };
