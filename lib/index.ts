/** What the package exports as `./cdk`. */
export { ConfigurationError } from './config-error.ts';
export {
  type KubernetesRoleArns,
  PodIdentityMigrator,
  type PodIdentityMigratorProps,
} from './pod-identity-migrator.ts';
export type { MigratorSettings } from './settings-types.ts';
export {
  type ByCapability,
  type HubReference,
  PodIdentityMigratorSpoke,
  type PodIdentityMigratorSpokeProps,
} from './spokes/pod-identity-migrator-spoke.ts';
