/**
 * Zod schemas of the identities of a cluster's workloads, as in the document of `pod-identity identities --json`. All
 * times are ISO 8601 strings in UTC. Lists are in a fixed order, so that two documents can be compared as text.
 */
import { z } from 'zod';
import { check } from '../terms/check.ts';
import { target } from '../terms/subject.ts';
import { schemaNames, shownTime } from '../text/schemas.ts';
import { shownText } from '../text/text.ts';

/**
 * The source of AWS credentials. `node-role`: the SDK falls back to the role of the node; whether a hop limit of the
 * instance metadata service prevents that is not known here. `none`: there is no fallback. `mixed`: pods, or containers of
 * one pod, differ, or one has several sources.
 */
export const SOURCES = ['pod-identity', 'irsa', 'mixed', 'static-keys', 'node-role', 'none', 'unknown'] as const;
export const source = z.enum(SOURCES);
export type Source = z.infer<typeof source>;

export const counts = z
  .partialRecord(source, z.number().int().positive())
  .meta({ openapi: { type: 'object', additionalProperties: { type: 'integer', minimum: 1 } } });
export type Counts = z.infer<typeof counts>;

/**
 * A role that pods use. `association`: EKS gives it to pods on Pod Identity. `target`: the role that the association's
 * role assumes. `irsa`: the pods name it in their environment. `node`: the role of their node.
 */
const usedRole = z
  .object({
    by: z
      .enum(['association', 'target', 'irsa', 'node'])
      .describe(
        'How pods get the role. `association`: by EKS Pod Identity. `target`: as the target role of an association. `irsa`: by IRSA. `node`: from their node.',
      ),
    roleArn: shownText.optional().describe('ARN of the role. Absent if it is not known.'),
    pods: z.number().int().positive().describe('Number of pods that get it.'),
  })
  .register(schemaNames, { name: 'UsedRole' });
export type UsedRole = z.infer<typeof usedRole>;

export const workload = z
  .object({
    namespace: shownText.describe('Kubernetes namespace of the workload.'),
    kind: shownText.describe("Kind of the pods' controller, such as `Deployment`. `Pod` for pods without one."),
    name: shownText.describe('Name of the workload.'),
    serviceAccount: shownText.describe('Service account of its pods.'),
    pods: z
      .object({
        total: z.number().int().positive().describe('Number of pods that have not ended and are not being deleted.'),
        ready: z.number().int().nonnegative().describe('Number of them that are ready.'),
        by: counts.describe('Number of them by the source of their AWS credentials.'),
      })
      .register(schemaNames, { name: 'WorkloadPods' })
      .describe('Pods of the workload.'),
    identity: source.describe(
      'Where its pods get their AWS credentials. `node-role`: from the role of their node. `none`: from nowhere. `mixed`: pods or containers differ.',
    ),
    example: z
      .object({
        pod: shownText.describe('Name of the pod.'),
        evidence: shownText.describe('What in its spec shows it.'),
      })
      .register(schemaNames, { name: 'IdentityExample' })
      .describe('One pod that shows the source.'),
    since: shownTime.describe('When its oldest pod was created.'),
    youngest: shownTime.describe('When its youngest pod was created.'),
    roles: z.array(usedRole).describe('Roles that its pods get.'),
    annotatedRole: shownText
      .optional()
      .describe("ARN in the service account's annotation `eks.amazonaws.com/role-arn`. Absent without one."),
    association: z
      .object({
        id: shownText.describe('Id of the association.'),
        roleArn: shownText.describe('ARN of the role that pods get.'),
        targetRoleArn: shownText.optional().describe('ARN of the target role. Absent without one.'),
        createdAt: shownTime.describe('When the association was created.'),
        ownerArn: shownText.optional().describe('ARN of the add-on that owns it. Absent if it is standalone.'),
      })
      .register(schemaNames, { name: 'WorkloadAssociation' })
      .optional()
      .describe('Association of the service account. Absent without one.'),
    addon: z
      .object({
        name: shownText.describe('Name of the add-on.'),
        version: shownText.describe('Installed version of the add-on.'),
        needsIam: z.boolean().describe('Whether the add-on needs AWS permissions.'),
        takesAssociation: z
          .boolean()
          .optional()
          .describe(
            'Whether the installed version takes an association for this service account. Absent if not known.',
          ),
      })
      .register(schemaNames, { name: 'WorkloadAddon' })
      .optional()
      .describe('The EKS add-on that the workload is part of. Absent if it is part of none.'),
    obstacles: z
      .array(check)
      .describe('Checks that block Pod Identity. For a workload that is on it, what is wrong with it.'),
  })
  .register(schemaNames, { name: 'WorkloadIdentity' });
export type WorkloadIdentity = z.infer<typeof workload>;

/**
 * A role whose trust policy allows service accounts through IRSA, although neither an annotation nor an association gives
 * it to them.
 */
const trustedRole = z.object({
  roleArn: shownText,
  /** `name` is `namespace/name`. `unknown`: a condition cannot be decided in advance. */
  serviceAccounts: z.array(z.object({ name: shownText, verdict: z.enum(['allowed', 'unknown']) })),
});
export type TrustedRole = z.infer<typeof trustedRole>;

export const report = z.object({
  target: target.describe('The cluster.'),
  takenAt: shownTime.describe('When the pods were read.'),
  /** Absent for all namespaces. */
  namespace: shownText.optional(),
  cluster: z
    .object({
      version: shownText.describe('Kubernetes version of the cluster.'),
      autoMode: z.boolean().describe('Whether EKS Auto Mode is enabled.'),
      oidcIssuer: shownText.optional().describe('URL of the OIDC issuer of the cluster. Absent without one.'),
    })
    .register(schemaNames, { name: 'ClusterFacts' })
    .describe('What is known of the cluster.'),
  agent: check.describe(
    'The check of the Pod Identity agent. Without the agent no pod gets credentials by Pod Identity.',
  ),
  workloads: z.array(workload).describe('Workloads by namespace, kind, name and service account.'),
  totals: z.object({
    workloads: z.number().int().nonnegative(),
    pods: z.number().int().nonnegative(),
    byWorkloads: counts,
    byPods: counts,
  }),
  /** Present only if requested. */
  trustedRoles: z.array(trustedRole).optional(),
  unread: z
    .array(
      z
        .object({
          what: shownText.describe('What could not be read.'),
          why: shownText.describe('Why not.'),
        })
        .register(schemaNames, { name: 'Unread' }),
    )
    .describe('What could not be read. It is not listed, or `unknown`.'),
});
export type IdentitiesReport = z.infer<typeof report>;
