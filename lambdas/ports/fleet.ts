/** EKS of a location, for what belongs to no single cluster. Refusals are thrown as `MigrationError`. */
export interface Fleet {
  /** Returns the names of all clusters, in any status. */
  listClusters(): Promise<string[]>;
}
