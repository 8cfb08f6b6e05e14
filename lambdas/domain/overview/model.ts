/** The overview of one cluster: the plan of every add-on and every annotated service account, in one document. */
import { z } from 'zod';
import { namespaceName, roleArn } from '../text/names.ts';
import { shownText } from '../text/text.ts';
import { target } from '../terms/subject.ts';
import { blockingCheck } from '../sweep/model.ts';

/** How the pods of an item get AWS credentials now, as far as EKS and the annotations show it. */
export const ITEM_IDENTITIES = ['irsa', 'pod-identity', 'both', 'node-role', 'none', 'unknown'] as const;
/**
 * `migrate`: it can be migrated. `blocked`: checks block it. `keep-irsa`: IRSA is the better fit. `migrated`: nothing is left
 * to do. `nothing-to-migrate`: it has no IRSA role. `unknown`: what decides it could not be read.
 */
export const ITEM_VERDICTS = ['migrate', 'blocked', 'keep-irsa', 'unknown', 'migrated', 'nothing-to-migrate'] as const;

export const overviewItem = z.object({
  kind: z.enum(['add-on', 'service-account']),
  /** The add-on's name, or `namespace/name` of the service account. */
  name: shownText,
  version: shownText.optional(),
  identity: z.enum(ITEM_IDENTITIES),
  verdict: z.enum(ITEM_VERDICTS),
  /** The attempts of the plan, the first one first, such as `in place`. */
  attempts: z.array(shownText),
  forecastSeconds: z.number().int().optional(),
  roles: z.array(roleArn),
  blockedBy: z.array(blockingCheck),
  /** Why there is nothing to migrate, or why it is unknown, in one sentence. */
  reason: shownText.optional(),
});
export type OverviewItem = z.output<typeof overviewItem>;

/** Items that the same check blocks, or for which it shows that IRSA is the better fit, with its message and remedy for the first. */
const overviewCause = z.object({
  id: shownText,
  items: z.array(shownText),
  message: shownText,
  remedy: shownText.optional(),
  /** Whether message and remedy are the same for all items. */
  isCommon: z.boolean(),
});
export type OverviewCause = z.output<typeof overviewCause>;

export const overview = z.object({
  target,
  kubernetesVersion: shownText,
  readAt: z.string(),
  namespace: namespaceName.optional(),
  counts: z.record(z.enum(ITEM_VERDICTS), z.number().int()),
  items: z.array(overviewItem),
  /** What could not be read, and why. The items do not include what depends on it, or show it as `unknown`. */
  unread: z.array(z.object({ what: shownText, why: shownText, remedy: shownText.optional() })),
  /** Of the items that are `blocked`. */
  causes: z.array(overviewCause),
  /** The reasons of the items that are `keep-irsa`. */
  keepIrsa: z.array(overviewCause),
});
export type Overview = z.output<typeof overview>;
