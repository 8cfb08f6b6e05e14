import type { AnnotatedServiceAccount, CustomResourceKind, Pod, Workload, WorkloadRef } from '../domain/kubernetes.ts';

export type * from '../domain/kubernetes.ts';

/** The API server of one cluster. Refusals are MigrationErrors: Unauthorised (401), AccessDenied (403). */
export interface Kubernetes {
  listPods(namespace: string): Promise<Pod[]>;
  listWorkloads(namespace: string): Promise<Workload[]>;
  /** Of all namespaces, those of service accounts with the IRSA annotation. */
  listAnnotatedServiceAccounts(): Promise<AnnotatedServiceAccount[]>;
  /** Of all namespaces. */
  listAllPods(): Promise<Pod[]>;
  getWorkload(ref: WorkloadRef): Promise<Workload | undefined>;
  /** `namespace/name` of each; empty where the cluster has no such definition. */
  listCustomResources(kind: CustomResourceKind): Promise<string[]>;
  /** Sets an annotation on the pod template: a new value starts a rolling restart, the same value changes nothing. */
  restartWorkload(ref: WorkloadRef, marker: string): Promise<void>;
}
