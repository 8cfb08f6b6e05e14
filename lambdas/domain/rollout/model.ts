/** Zod schemas about rollouts, which are part of the records in `domain/record/migration.ts`. */
import { z } from 'zod';
import { shownText } from '../text/text.ts';
import { schemaNames } from '../text/schemas.ts';

/** The forecast duration of a plan's rollouts. It is kept so that the actual duration can be compared with it. */
export const forecast = z
  .object({
    seconds: z.number().int().describe('Forecast duration of the whole migration, in seconds.'),
    atMostSeconds: z
      .number()
      .int()
      .describe(
        'Forecast duration in seconds if each pod takes as long as the slowest observed pod, and its whole grace period.',
      ),
    settleSeconds: z
      .number()
      .int()
      .optional()
      .describe(
        'Seconds of it for which the pods are observed after their replacement. Absent if the request asks for another level than `ready`.',
      ),
    assumed: z
      .boolean()
      .describe('True if there are no observations of how long pods of a workload take, so the forecast is a guess.'),
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
            longestStartSeconds: z.number().describe('Seconds from creation to ready of the slowest observed pod.'),
          })
          .register(schemaNames, { name: 'WorkloadForecast' }),
      )
      .describe('Forecast of each workload.'),
  })
  .register(schemaNames, { name: 'Forecast' });
export type Forecast = z.infer<typeof forecast>;

/** What was wrong with a pod before anything changed. */
const troubleOfPod = z.enum(['terminating', 'pending', 'crash-looping', 'not-ready']);
export type TroubleOfPod = z.infer<typeof troubleOfPod>;

/** A pod that did not work before the migration, so it does not count against the migration if it still does not. */
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
    text: shownText.describe('Description of the problem as a clause, with its time.'),
  })
  .register(schemaNames, { name: 'BrokenPod' });
export type BrokenPod = z.infer<typeof brokenPod>;

/** The best state of a rollout that was observed so far. */
export const progress = z.object({
  /** The rollout that it is about: the direction, the attempt and its round. */
  of: shownText,
  startedAt: z.string(),
  /** When the rollout last progressed. */
  since: shownText,
  /** The highest number of pods that were ready with the right identity. */
  ready: z.number().int(),
  /** The lowest number of other pods. */
  others: z.number().int(),
  /** When the newest pod that is ready with the right identity was created. Empty if there is none. */
  newest: shownText,
  /** The highest number of workloads whose controller had observed the newest template. */
  observed: z.number().int(),
});
export type Progress = z.infer<typeof progress>;
