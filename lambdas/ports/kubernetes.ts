import type {
  AnnotatedServiceAccount,
  AttributedServiceAccount,
  CustomResourceKind,
  MutatingWebhook,
  Node,
  Pod,
  ServiceAccount,
  ServiceAccountDetail,
  Workload,
  WorkloadRef,
} from '../domain/kubernetes/objects.ts';

export type * from '../domain/kubernetes/objects.ts';

/** The API server of one cluster. Refusals are MigrationErrors: Unauthorised (401), AccessDenied (403). */
export interface Kubernetes {
  listPods(namespace: string): Promise<Pod[]>;
  listWorkloads(namespace: string): Promise<Workload[]>;
  /** Of all namespaces, those of service accounts with the IRSA annotation. */
  listAnnotatedServiceAccounts(): Promise<AnnotatedServiceAccount[]>;
  /** Of one namespace, with who set the annotation. */
  listAttributedServiceAccounts(namespace: string): Promise<AttributedServiceAccount[]>;
  /** Of all namespaces. */
  listServiceAccounts(): Promise<ServiceAccount[]>;
  /** Of all namespaces. */
  listAllPods(): Promise<Pod[]>;
  /**
   * Visits the pods of all namespaces, at most 500 at a time: nothing is kept, so that memory stays the same at any
   * number of pods. A Deployment is named as the owner of its pods where their labels tell it, else the ReplicaSet.
   */
  eachPod(visit: (pods: Pod[]) => void): Promise<void>;
  listNodes(): Promise<Node[]>;
  /** The webhooks of all MutatingWebhookConfigurations, in the order of their names. */
  listMutatingWebhooks(): Promise<MutatingWebhook[]>;
  getWorkload(ref: WorkloadRef): Promise<Workload | undefined>;
  /** `namespace/name` of each; empty where the cluster has no such definition. */
  listCustomResources(kind: CustomResourceKind): Promise<string[]>;
  getServiceAccount(namespace: string, name: string): Promise<ServiceAccountDetail | undefined>;
  /**
   * Sets the IRSA annotation of a service account, or takes it off (null), where it has not been changed since it was
   * read; throws Busy where it has.
   */
  annotateServiceAccount(
    account: Pick<ServiceAccountDetail, 'namespace' | 'name' | 'resourceVersion'>,
    roleArn: string | null,
  ): Promise<void>;
  /** Sets an annotation on the pod template: a new value starts a rolling restart, the same value changes nothing. */
  restartWorkload(ref: WorkloadRef, marker: string): Promise<void>;
  /**
   * Has a pod replaced, as far as its disruption budget allows it; `refused`: the budget does not, or RBAC does not.
   * `gone`: it is not there any more.
   */
  evictPod(pod: Pick<Pod, 'namespace' | 'name' | 'uid'>): Promise<'evicted' | 'refused' | 'gone'>;
}
