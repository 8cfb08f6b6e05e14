/** What is known of rollouts, as zod schemas: part of the records in `../model.ts`. */
import { z } from 'zod';
import { shownText } from '../text.ts';

/** How long the workloads of a plan are forecast to take; kept, so that the actual time can be shown beside it. */
export const forecast = z.object({
  /** Of the whole migration, EKS's own work included. */
  seconds: z.number().int(),
  /** The same where each pod takes as long as the slowest that was seen, and its whole grace period to end. */
  atMostSeconds: z.number().int(),
  /** Nothing shows how long pods of at least one of them take: the numbers are a guess. */
  assumed: z.boolean(),
  workloads: z.array(
    z.object({
      kind: z.enum(['Deployment', 'DaemonSet', 'StatefulSet']),
      namespace: shownText,
      name: shownText,
      pods: z.number().int(),
      atOnce: z.number().int(),
      secondsEach: z.number(),
      seconds: z.number().int(),
      /** From creation to ready, of the slowest pod that was seen. */
      longestStartSeconds: z.number(),
    }),
  ),
});
export type Forecast = z.infer<typeof forecast>;

/** What was wrong with a pod before anything changed. */
export const troubleOfPod = z.enum(['terminating', 'pending', 'crash-looping', 'not-ready']);
export type TroubleOfPod = z.infer<typeof troubleOfPod>;

/** A pod that did not work before the migration: that it does not work afterwards proves nothing against it. */
export const brokenPod = z.object({
  namespace: shownText,
  name: shownText,
  uid: shownText,
  serviceAccount: shownText,
  owner: z.object({ kind: shownText, name: shownText }).optional(),
  trouble: troubleOfPod,
  /** In so many words, with since when: `terminating since …, and its node ip-10-0-1-2 does not answer`. */
  text: shownText,
});
export type BrokenPod = z.infer<typeof brokenPod>;

/** How far a look at the pods found a rollout, as the best that was seen so far. */
export const progress = z.object({
  /** What is waited for: the direction, the attempt and its round. */
  of: shownText,
  startedAt: z.string(),
  /** When it last went on. */
  since: shownText,
  /** The most pods that were ready with the identity that they should have. */
  ready: z.number().int(),
  /** The fewest others that were left. */
  others: z.number().int(),
  /** When the newest pod was created that has become ready with that identity; empty where none has. */
  newest: shownText,
  /** The most workloads whose controller had seen its newest template. */
  observed: z.number().int(),
});
export type Progress = z.infer<typeof progress>;
