/**
 * Which identity the workloads of a cluster have, as zod schemas: the document of `pod-identity identities --json`. All
 * times are ISO 8601 strings in UTC; lists are in a fixed order, so that two documents can be compared as text.
 */
import { z } from 'zod';
import { check, target } from '../model.ts';
import { shownText } from '../text.ts';

/**
 * Where AWS credentials come from. `node-role`: the SDK falls back to the role of the node; a hop limit of the instance
 * metadata that keeps pods from it can't be seen here. `none`: there is nothing to fall back to. `mixed`: pods, or
 * containers of one pod, differ, or one has several sources.
 */
export const SOURCES = ['pod-identity', 'irsa', 'mixed', 'static-keys', 'node-role', 'none', 'unknown'] as const;
export const source = z.enum(SOURCES);
export type Source = z.infer<typeof source>;

export const counts = z.partialRecord(source, z.number().int().positive());
export type Counts = z.infer<typeof counts>;

/**
 * A role that pods use. `association`: EKS gives it to pods on Pod Identity; `target`: the one that it goes on to;
 * `irsa`: the pods name it in their env; `node`: their node's.
 */
export const usedRole = z.object({
  by: z.enum(['association', 'target', 'irsa', 'node']),
  /** Absent where it is not known. */
  roleArn: shownText.optional(),
  pods: z.number().int().positive(),
});
export type UsedRole = z.infer<typeof usedRole>;

export const workload = z.object({
  namespace: shownText,
  /** Of the pods' controller: Deployment, DaemonSet, StatefulSet, Job, …; Pod for pods without one. */
  kind: shownText,
  name: shownText,
  serviceAccount: shownText,
  /** Of those that are neither ended nor on their way out. */
  pods: z.object({ total: z.number().int().positive(), ready: z.number().int().nonnegative(), by: counts }),
  identity: source,
  /** One pod that shows it, and what in its spec does. */
  example: z.object({ pod: shownText, evidence: shownText }),
  /** When the oldest and the youngest of its pods were created. */
  since: shownText,
  youngest: shownText,
  roles: z.array(usedRole),
  /** By the service account's annotation `eks.amazonaws.com/role-arn`; absent without one. */
  annotatedRole: shownText.optional(),
  association: z
    .object({
      id: shownText,
      roleArn: shownText,
      targetRoleArn: shownText.optional(),
      createdAt: shownText,
      ownerArn: shownText.optional(),
    })
    .optional(),
  /**
   * The EKS add-on that it is part of. `takesAssociation`: for this service account, in the installed version; absent
   * where it could not be read.
   */
  addon: z
    .object({ name: shownText, version: shownText, needsIam: z.boolean(), takesAssociation: z.boolean().optional() })
    .optional(),
  /** What stands in the way of Pod Identity; for a workload that is on it, what is wrong with it. */
  inTheWay: z.array(check),
});
export type WorkloadIdentity = z.infer<typeof workload>;

/**
 * A role whose trust lets service accounts in by IRSA, though neither an annotation nor an association gives it to
 * them.
 */
export const trustedRole = z.object({
  roleArn: shownText,
  /** `namespace/name`. `unknown`: a condition can't be decided beforehand. */
  serviceAccounts: z.array(z.object({ name: shownText, verdict: z.enum(['allowed', 'unknown']) })),
});
export type TrustedRole = z.infer<typeof trustedRole>;

export const report = z.object({
  target,
  takenAt: shownText,
  /** Absent: all namespaces. */
  namespace: shownText.optional(),
  cluster: z.object({ version: shownText, autoMode: z.boolean(), oidcIssuer: shownText.optional() }),
  /** The Pod Identity agent: without it no pod gets credentials by Pod Identity. */
  agent: check,
  /** By namespace, kind, name and service account. */
  workloads: z.array(workload),
  totals: z.object({
    workloads: z.number().int().nonnegative(),
    pods: z.number().int().nonnegative(),
    byWorkloads: counts,
    byPods: counts,
  }),
  /** Only where it was asked for. */
  trustedRoles: z.array(trustedRole).optional(),
  /** What could not be read, and is not in here or `unknown`. */
  unread: z.array(z.object({ what: shownText, why: shownText })),
});
export type IdentitiesReport = z.infer<typeof report>;
