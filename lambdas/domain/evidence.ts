/** What a migration saw and did, as zod schemas: part of the records in `model.ts`. */
import { z } from 'zod';

/**
 * How a pod gets its AWS credentials. `mixed`: some of its containers by one way, some by another, or both in one,
 * which is IRSA in effect. `unknown`: its spec alone can't tell. `not-applicable`: its service account neither migrates
 * nor loses what it has.
 */
export const podIdentity = z.enum(['pod-identity', 'irsa', 'node-role', 'mixed', 'unknown', 'not-applicable']);
export type PodIdentity = z.infer<typeof podIdentity>;

export const podEvidence = z.object({
  namespace: z.string(),
  name: z.string(),
  uid: z.string(),
  serviceAccount: z.string(),
  identity: podIdentity,
  /**
   * Present for a pod of a service account that loses its identity by the migration: what its pods had before, and
   * what new ones get. `identity` is what this pod has now: it keeps what it was admitted with. Such a pod does not
   * count for the proof.
   */
  loss: z.object({ from: podIdentity, to: podIdentity }).optional(),
  ready: z.boolean(),
  createdAt: z.string(),
  node: z.string().optional(),
  /**
   * What the pod's spec shows: the env keys and the token volume that make the class, or what is missing to judge; and
   * what its age says.
   */
  evidence: z.string(),
});
export type PodEvidence = z.infer<typeof podEvidence>;

export const stepLine = z.object({
  name: z.string(),
  startedAt: z.string(),
  endedAt: z.string(),
  /** Invocations of the step's Lambda: polls and retries count. */
  attempts: z.number().int().positive(),
  result: z.string().optional(),
  error: z.object({ name: z.string(), message: z.string() }).optional(),
});
export type StepLine = z.infer<typeof stepLine>;
