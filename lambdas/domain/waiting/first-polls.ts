/**
 * When a migration first looks at what EKS does by itself: shortly before it is likely to be over. An earlier look finds
 * nothing, a later one is time lost, in which software may be gone.
 */
import { z } from 'zod';
import type { Forecast } from '../rollout/model.ts';

/**
 * Seconds that EKS takes at least beside the add-on's pods, which start meanwhile. EKS publishes none of them. A create
 * was seen to take 30 seconds to 4 minutes (upbound/configuration-aws-eks#11,
 * crossplane-contrib/provider-upjet-aws#149); an update is said to take "a few seconds"
 * (hashicorp/terraform-provider-aws#30645), and one to three minutes with the pods of a Deployment. Of a delete nobody
 * says anything: it counts as an update does.
 */
const LEAST_SECONDS = { updated: 20, created: 30, deleted: 20 } as const;

/** Seconds: what goes wrong with pods, or with the add-on itself, is to be seen by then, however long they take. */
export const LONGEST_UNSEEN = 300;

/** The part of the forecast after which the first look comes. */
export const FIRST_POLL = 0.9;

export const firstPolls = z.object({
  updated: z.number().int().positive(),
  created: z.number().int().positive(),
  deleted: z.number().int().positive(),
});

/** Seconds until the slowest workload is forecast to be done, without the waits around it. */
export const rolloutSeconds = (forecast: Pick<Forecast, 'workloads'> | undefined): number =>
  Math.max(0, ...(forecast?.workloads ?? []).map(({ seconds }) => seconds));

/** Seconds from each call to the first look, by how long the plan's workloads are forecast to take. */
export function firstPollsOf(forecast: Pick<Forecast, 'workloads'> | undefined): z.infer<typeof firstPolls> {
  const rollout = rolloutSeconds(forecast);
  // The add-on is ACTIVE once its pods are ready.
  const after = (least: number): number => Math.min(LONGEST_UNSEEN, Math.floor(FIRST_POLL * Math.max(least, rollout)));
  return {
    updated: after(LEAST_SECONDS.updated),
    created: after(LEAST_SECONDS.created),
    deleted: LEAST_SECONDS.deleted,
  };
}
