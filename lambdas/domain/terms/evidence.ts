/** What a migration observed and did, as zod schemas: part of the record in `record/migration.ts`. */
import { z } from 'zod';
import { schemaNames, time } from '../text/schemas.ts';
import { shownText } from '../text/text.ts';

/**
 * How a pod gets its AWS credentials. `mixed`: its containers use different methods, or one container has both, in
 * which
 * case IRSA takes effect. `unknown`: its spec alone does not show it. `not-applicable`: its service account neither
 * migrates nor loses its identity.
 */
export const podIdentity = z.enum(['pod-identity', 'irsa', 'node-role', 'mixed', 'unknown', 'not-applicable']);
export type PodIdentity = z.infer<typeof podIdentity>;

/** What is known about a pod's credentials, in ascending order; see `verificationMode`. */
export const evidenceLevel = z.enum(['injected', 'ready']);

export const podEvidence = z
  .object({
    namespace: shownText.describe('Kubernetes namespace of the pod.'),
    name: shownText.describe('Name of the pod.'),
    uid: shownText.describe('UID of the pod.'),
    serviceAccount: shownText.describe('Service account of the pod.'),
    identity: podIdentity.describe(
      'How the pod gets its AWS credentials. `mixed`: by several methods. `unknown`: its spec does not show it. `not-applicable`: its service account is not migrated.',
    ),
    loss: z
      .object({
        from: podIdentity.describe('How pods of the service account got credentials before.'),
        to: podIdentity.describe('How new pods of the service account get credentials.'),
      })
      .register(schemaNames, { name: 'PodIdentityLoss' })
      .optional()
      .describe(
        'Present for a pod whose service account loses its identity in the migration. The pod does not count for the verification.',
      ),
    excluded: shownText
      .optional()
      .describe('Why the pod does not count for the verification although its service account migrates.'),
    ready: z.boolean().describe('Whether the pod is ready.'),
    readyAt: time
      .optional()
      .describe('Since when the pod has been ready without interruption. Absent if it is not ready.'),
    restarts: z
      .number()
      .int()
      .nonnegative()
      .optional()
      .describe('Number of restarts of its containers so far. Absent if it is not known.'),
    level: evidenceLevel
      .optional()
      .describe(
        'The level of evidence that the pod reached: `injected` or `ready`. Absent if it has not reached any, or does not count.',
      ),
    createdAt: time.describe('When the pod was created.'),
    node: shownText.optional().describe('Node that the pod runs on. Absent while it is not scheduled.'),
    evidence: shownText.describe('What was observed: the environment, the token volume, and the age of the pod.'),
  })
  .register(schemaNames, { name: 'PodEvidence' });
export type PodEvidence = z.infer<typeof podEvidence>;

export const stepLine = z
  .object({
    name: z.string().describe('Name of the step, with its attempt and round if it has several.'),
    startedAt: time.describe('When the step began.'),
    endedAt: time.describe('When the last invocation of the step ended.'),
    tries: z
      .number()
      .int()
      .positive()
      .describe("Number of invocations of the step's Lambda function. Polls and retries count."),
    result: shownText.optional().describe('What the step found or did.'),
    error: z
      .object({
        name: shownText.describe('Name of the error.'),
        message: shownText.describe('What happened.'),
      })
      .register(schemaNames, { name: 'StepError' })
      .optional()
      .describe('The error of the last invocation of the step.'),
  })
  .register(schemaNames, { name: 'Step' });
export type StepLine = z.infer<typeof stepLine>;
