/** The interface of a real control plane: what it is started with, and what a run does with it. */
import type { IncomingMessage } from 'node:http';
import type { KubernetesVersion } from '../build/tools.ts';
import type { KubeRequest, KubeResponse } from './client.ts';

/** A webhook of the API server. It is called without credentials. */
export interface Webhook {
  /** An HTTPS URL. */
  url: string;
  /** PEM of the authority that issued the webhook's certificate. */
  ca: string;
  /** How long the API server keeps an answer. Defaults to 10 for authentication and 0 for authorization. */
  cacheSeconds?: number;
}

export interface ControlPlaneOptions {
  version: KubernetesVersion;
  /** Gets a TokenReview (v1) for each bearer token that neither the plane nor a service account has. */
  authentication?: Webhook;
  /** Gets a SubjectAccessReview (v1) for each request that RBAC does not allow. */
  authorization?: Webhook;
  /** Issuer of the tokens of service accounts. */
  issuer?: string;
  /** How long KWOK waits until it reports a pod as ready. Defaults to 1. An annotation overrides it (`plane/stages.ts`). */
  podReadySeconds?: number;
  /** How long KWOK waits until it removes a pod that is being deleted. Defaults to 0.5. */
  podDeleteSeconds?: number;
  /** How long KWOK waits until the pods of a Job complete. Defaults to 1. */
  podCompleteSeconds?: number;
  /** Controllers of kube-controller-manager that are not run, by name, in addition to those of a cloud. */
  withoutControllers?: string[];
  /** Further flags of kube-apiserver. */
  apiServerFlags?: string[];
  /** Reports what is being started, for people. */
  onProgress?: (line: string) => void;
}

/** A Kubernetes object as data. */
export interface KubeObject {
  apiVersion: string;
  kind: string;
  metadata: { name: string; namespace?: string; annotations?: Record<string, string>; [key: string]: unknown };
  [key: string]: unknown;
}

export interface ControlPlane {
  version: KubernetesVersion;
  /** Base URL of the API server, without a slash at the end. The same after `reset`. */
  url: string;
  /** PEM of the API server's authority. The same after `reset`. */
  ca: string;
  /** Bearer token of an administrator (`system:masters`). The same after `reset`. */
  token: string;
  /** Path of a kubeconfig with this token, for kubectl. */
  kubeconfig: string;
  /** Sends a request to the API server, as the administrator unless `token` is given, and reads the whole answer. */
  request: (method: string, path: string, request?: KubeRequest) => Promise<KubeResponse>;
  /** Sends a request, and returns the answer as a stream: for watches. */
  open: (method: string, path: string, request?: KubeRequest) => Promise<IncomingMessage>;
  /**
   * Creates nodes and waits until each of them that is not held has no taint `node.kubernetes.io/not-ready` any longer,
   * so that pods can be scheduled.
   */
  addNodes: (nodes: KubeObject[]) => Promise<void>;
  /** Returns the last lines of each program's log, for a report of an unexpected failure. */
  logs: (lines?: number) => string;
  /** Ends all programs, deletes all data, and starts again; the given options replace earlier ones. */
  reset: (changes?: Partial<Omit<ControlPlaneOptions, 'version'>>) => Promise<void>;
  /** Ends all programs and deletes all files. Can be called twice. */
  stop: () => Promise<void>;
}
