/** Types of access entries whose principals are nodes that run pods of users (EKS API Reference, CreateAccessEntry). */
export const NODE_PRINCIPAL_TYPES: ReadonlySet<string> = new Set([
  'EC2',
  'EC2_LINUX',
  'EC2_WINDOWS',
  'HYBRID_LINUX',
  'HYPERPOD_LINUX',
]);
