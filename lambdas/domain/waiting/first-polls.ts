/**
 * When a migration first polls an asynchronous operation of EKS: shortly before it is likely to complete. An earlier
 * poll
 * finds nothing; a later poll loses time during which software may be unavailable.
 */
import { z } from 'zod';
import type { Forecast } from '../rollout/model.ts';

/**
 * Minimum seconds that EKS takes, apart from the add-on's pods, which start at the same time. EKS publishes no
 * durations.
 * Creates were reported to take 30 seconds to 4 minutes (upbound/configuration-aws-eks#11,
 * crossplane-contrib/provider-upjet-aws#149); an update "a few seconds" (hashicorp/terraform-provider-aws#30645), and
 * one
 * to three minutes with the pods of a Deployment. There are no reports about deletes, which count like updates.
 */
const LEAST_SECONDS = { updated: 20, created: 30, deleted: 20 } as const;

/**
 * The longest time without a poll, in seconds, so that problems of pods or of the add-on are noticed during a long
 * wait.
 */
export const LONGEST_UNSEEN = 300;

/** The fraction of the forecast after which the first poll comes. */
export const FIRST_POLL = 0.9;

export const firstPolls = z.object({
  updated: z.number().int().positive(),
  created: z.number().int().positive(),
  deleted: z.number().int().positive(),
});

/** Returns the forecast seconds of the slowest workload, without the waits around it. */
export const rolloutSeconds = (forecast: Pick<Forecast, 'workloads'> | undefined): number =>
  Math.max(0, ...(forecast?.workloads ?? []).map(({ seconds }) => seconds));

/** Returns the seconds from each call to the first poll, based on the forecast of the plan's workloads. */
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
