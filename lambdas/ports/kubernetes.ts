import type {
  ApiGroup,
  AnnotatedServiceAccount,
  AttributedServiceAccount,
  CustomResourceKind,
  ListedKind,
  MutatingWebhook,
  Node,
  Pod,
  ServiceAccount,
  ServiceAccountDetail,
  Workload,
  WorkloadRef,
} from '../domain/kubernetes/objects.ts';

export type * from '../domain/kubernetes/objects.ts';

/** The API server of a cluster. Refusals are thrown as `MigrationError`: `Unauthorised` (401), `AccessDenied` (403). */
export interface Kubernetes {
  listPods(namespace: string): Promise<Pod[]>;
  listWorkloads(namespace: string): Promise<Workload[]>;
  /** Returns the service accounts with the IRSA annotation in all namespaces. */
  listAnnotatedServiceAccounts(): Promise<AnnotatedServiceAccount[]>;
  /** Returns the service accounts with the IRSA annotation in a namespace, with the managers that set it. */
  listAttributedServiceAccounts(namespace: string): Promise<AttributedServiceAccount[]>;
  /** Lists the objects of all namespaces. */
  listServiceAccounts(): Promise<ServiceAccount[]>;
  /** Lists the objects of all namespaces. */
  listAllPods(): Promise<Pod[]>;
  /**
   * Visits the pods of all namespaces, at most 500 at a time. No page is kept, so memory use does not depend on the
   * number of pods. The owner is the Deployment if the labels of a pod identify it, otherwise the ReplicaSet.
   */
  eachPod(visit: (pods: Pod[]) => void): Promise<void>;
  listNodes(): Promise<Node[]>;
  /** Returns the webhooks of all MutatingWebhookConfigurations, ordered by name. */
  listMutatingWebhooks(): Promise<MutatingWebhook[]>;
  getWorkload(ref: WorkloadRef): Promise<Workload | undefined>;
  /** Returns `namespace/name` of each custom resource; none if the cluster does not have the definition. */
  listCustomResources(kind: CustomResourceKind): Promise<string[]>;
  /** Returns the named API groups that the API server serves, from its discovery document. */
  listApiGroups(): Promise<ApiGroup[]>;
  /**
   * Returns the objects of a resource in one namespace, or in all of them, as the API server has them, without
   * `managedFields`; undefined if it does not serve the resource. What is read of them must be checked.
   */
  listObjects(kind: ListedKind): Promise<unknown[] | undefined>;
  getServiceAccount(namespace: string, name: string): Promise<ServiceAccountDetail | undefined>;
  /**
   * Sets the IRSA annotation of a service account, or removes it (null). Throws `Busy` if the service account was
   * changed since it was read.
   */
  annotateServiceAccount(
    account: Pick<ServiceAccountDetail, 'namespace' | 'name' | 'resourceVersion'>,
    roleArn: string | null,
  ): Promise<void>;
  /** Sets an annotation on the pod template: a new value starts a rolling restart, the same value changes nothing. */
  restartWorkload(ref: WorkloadRef, marker: string): Promise<void>;
  /**
   * Evicts a pod, if its disruption budget allows it. `refused`: the budget or RBAC does not allow it. `gone`: the pod
   * no longer exists.
   */
  evictPod(pod: Pick<Pod, 'namespace' | 'name' | 'uid'>): Promise<'evicted' | 'refused' | 'gone'>;
}
