/** EKS of one region of one account, beside its clusters. Refusals are MigrationErrors. */
export interface Fleet {
  /** Names of all clusters, whatever state they are in. */
  listClusters(): Promise<string[]>;
}
