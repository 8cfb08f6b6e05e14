/**
 * What a worker is asked and answers, one JSON text a line. A worker runs the default credential chain of one SDK, with a
 * new session and only these variables for each question, and connects to nothing but the played endpoints.
 */

/** One container. */
export interface Question {
  env: Record<string, string>;
  /** The directory in which the container's software starts. */
  directory: string;
}

/** The access key that the chain returned, or why it returned none. */
export type Reply = { key: string } | { error: string };

/** The variables with the ports of the played endpoints, in the environment with which a worker starts. */
export const PORT_VARIABLE = 'PLAYED_ENDPOINTS_PORT';
export const SECURE_PORT_VARIABLE = 'PLAYED_ENDPOINTS_SECURE_PORT';
