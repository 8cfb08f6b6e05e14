/** What a migration saw and did, as zod schemas: part of the records in `model.ts`. */
import { z } from 'zod';
import { shownText } from './text.ts';

/**
 * How a pod gets its AWS credentials. `mixed`: some of its containers by one way, some by another, or both in one,
 * which is IRSA in effect. `unknown`: its spec alone can't tell. `not-applicable`: its service account neither migrates
 * nor loses what it has.
 */
export const podIdentity = z.enum(['pod-identity', 'irsa', 'node-role', 'mixed', 'unknown', 'not-applicable']);
export type PodIdentity = z.infer<typeof podIdentity>;

export const podEvidence = z.object({
  namespace: shownText,
  name: shownText,
  uid: shownText,
  serviceAccount: shownText,
  identity: podIdentity,
  /**
   * Present for a pod of a service account that loses its identity by the migration: what its pods had before, and
   * what new ones get. `identity` is what this pod has now: it keeps what it was admitted with. Such a pod does not
   * count for the verification.
   */
  loss: z.object({ from: podIdentity, to: podIdentity }).optional(),
  /**
   * Present for a pod that does not count for the verification, though its service account migrates: why. It can't end, since
   * its node does not answer.
   */
  excluded: shownText.optional(),
  ready: z.boolean(),
  createdAt: z.string(),
  node: shownText.optional(),
  /**
   * What the pod's spec shows: the env keys and the token volume that make the class, or what is missing to judge; and
   * what its age says.
   */
  evidence: shownText,
});
export type PodEvidence = z.infer<typeof podEvidence>;

export const stepLine = z.object({
  name: z.string(),
  startedAt: z.string(),
  endedAt: z.string(),
  /** Invocations of the step's Lambda: polls and retries count. */
  attempts: z.number().int().positive(),
  result: shownText.optional(),
  error: z.object({ name: shownText, message: shownText }).optional(),
});
export type StepLine = z.infer<typeof stepLine>;
