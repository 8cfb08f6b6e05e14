/** What is known of rollouts, as zod schemas: part of the records in `../model.ts`. */
import { z } from 'zod';
import { shownText } from '../text/text.ts';
import { schemaNames } from '../text/schemas.ts';

/** How long the workloads of a plan are forecast to take; kept, so that the actual time can be shown beside it. */
export const forecast = z
  .object({
    seconds: z.number().int().describe('Forecast duration of the whole migration, in seconds.'),
    atMostSeconds: z
      .number()
      .int()
      .describe(
        'The same in seconds if each pod takes as long as the slowest that was seen, and its whole grace period.',
      ),
    assumed: z.boolean().describe('True if nothing shows how long pods of a workload take, so that it is a guess.'),
    workloads: z
      .array(
        z
          .object({
            kind: z.enum(['Deployment', 'DaemonSet', 'StatefulSet']).describe('Kind of the workload.'),
            namespace: shownText.describe('Kubernetes namespace of the workload.'),
            name: shownText.describe('Name of the workload.'),
            pods: z.number().int().describe('Number of pods that are replaced.'),
            atOnce: z.number().int().describe('Number of pods that are replaced at once.'),
            secondsEach: z.number().describe('Seconds that one pod takes.'),
            seconds: z.number().int().describe('Seconds that the workload takes.'),
            longestStartSeconds: z
              .number()
              .describe('Seconds from creation to ready of the slowest pod that was seen.'),
          })
          .register(schemaNames, { name: 'WorkloadForecast' }),
      )
      .describe('The same for each workload.'),
  })
  .register(schemaNames, { name: 'Forecast' });
export type Forecast = z.infer<typeof forecast>;

/** What was wrong with a pod before anything changed. */
export const troubleOfPod = z.enum(['terminating', 'pending', 'crash-looping', 'not-ready']);
export type TroubleOfPod = z.infer<typeof troubleOfPod>;

/** A pod that did not work before the migration: that it does not work afterwards proves nothing against it. */
export const brokenPod = z
  .object({
    namespace: shownText.describe('Kubernetes namespace of the pod.'),
    name: shownText.describe('Name of the pod.'),
    uid: shownText.describe('UID of the pod.'),
    serviceAccount: shownText.describe('Service account of the pod.'),
    owner: z
      .object({
        kind: shownText.describe('Kind of the controller.'),
        name: shownText.describe('Name of the controller.'),
      })
      .register(schemaNames, { name: 'PodOwner' })
      .optional()
      .describe('Controller of the pod. Absent if it has none.'),
    trouble: troubleOfPod.describe('What is wrong with the pod.'),
    text: shownText.describe('The same as a clause, with its time.'),
  })
  .register(schemaNames, { name: 'BrokenPod' });
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
