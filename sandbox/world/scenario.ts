/**
 * A scenario: the AWS accounts, roles and clusters that a sandbox starts with, and how its AWS behaves where nobody
 * knows for sure. This schema is what a scenario file is checked by; `load.ts` reads the file and builds the world.
 */
import { z } from 'zod';
import { accountId, addonName, clusterName, regionName, roleArn } from '../../lambdas/domain/model.ts';

const seconds = z.number().min(0).max(86_400);
const tags = z.record(z.string(), z.string());
const timestamp = z.iso.datetime();

/**
 * Knobs: each stands for a behaviour of AWS that is likely or unknown, or for a duration. Defaults follow what was
 * reported most; the tests run both sides. Durations are placeholders, not measurements.
 */
export const knobs = z.strictObject({
  /** UpdateAddon with associations and without a role leaves the IRSA role set (reported Dec 2025). */
  keepIrsaRole: z.boolean().default(false),
  /** ownerArn of associations that outlive their add-on after a delete with preserve. */
  ownerArnAfterPreserve: z.enum(['keep', 'clear']).default('keep'),
  /** Whether creating an add-on over preserved objects restarts its pods although nothing in them changed. */
  restartOnCreate: z.boolean().default(false),
  /** What happens to the service account's role annotation when an add-on without a role is created over preserved objects. */
  annotationAfterRecreate: z.enum(['remove', 'keep']).default('remove'),
  /** A duplicate of an association that the same add-on owns gets a new id. */
  newIdOnReplace: z.boolean().default(false),
  /** From the association to the webhook knowing it; pods admitted before go without. */
  webhookLagSeconds: seconds.default(0),
  /** From DeletePodIdentityAssociation to its key being free again. */
  associationDeleteLagSeconds: seconds.default(2),
  /** From the add-on's 404 to its owned associations being gone. */
  cascadeLagSeconds: seconds.default(2),
  /** How long DescribeAddon still says ACTIVE after DeleteAddon. */
  deleteStaleSeconds: seconds.default(2),
  addonCreateSeconds: seconds.default(25),
  addonUpdateSeconds: seconds.default(15),
  addonDeleteSeconds: seconds.default(40),
  addonPreserveDeleteSeconds: seconds.default(15),
  /** DEGRADED for that long after a create, before ACTIVE. */
  degradedAfterCreateSeconds: seconds.default(0),
  /** A created add-on stays in this state instead of becoming ACTIVE. */
  createEndsIn: z.enum(['ACTIVE', 'CREATE_FAILED', 'DEGRADED']).default('ACTIVE'),
  /** A deleted add-on stays DELETING for good. */
  stuckDeleting: z.boolean().default(false),
  podReadySeconds: seconds.default(12),
  podTerminationSeconds: seconds.default(3),
  /** Whether DeleteAddon during UPDATING or CREATING is refused. */
  deleteWhileBusy: z.enum(['accept', 'ResourceInUseException', 'InvalidRequestException']).default('ResourceInUseException'),
  /** A role younger than that "does not exist" yet. */
  iamLagSeconds: seconds.default(10),
});
export type Knobs = z.infer<typeof knobs>;

const policyDocument = z.union([z.string(), z.record(z.string(), z.unknown())]);

const role = z.strictObject({
  arn: roleArn,
  /** The trust policy: an object, or its JSON text. */
  trustPolicy: policyDocument,
  tags: tags.default({}),
  createdAt: timestamp.default('2024-01-01T00:00:00.000Z'),
});

const association = z.strictObject({
  /** Made from the seed where it is left out. */
  id: z.string().regex(/^a-[a-z0-9]{17}$/, 'must be a- and 17 lower-case letters or digits').optional(),
  namespace: z.string().min(1),
  serviceAccount: z.string().min(1),
  roleArn,
  /** Name of the add-on that owns it; stand-alone where it is left out. */
  owner: addonName.optional(),
  targetRoleArn: roleArn.optional(),
  disableSessionTags: z.boolean().optional(),
  policy: z.string().optional(),
  tags: tags.default({}),
  createdAt: timestamp,
});

const installedAddon = z.strictObject({
  name: addonName,
  version: z.string().min(1),
  status: z.enum(['ACTIVE', 'DEGRADED', 'CREATE_FAILED', 'UPDATE_FAILED', 'CREATING', 'UPDATING', 'DELETING']).default('ACTIVE'),
  serviceAccountRoleArn: roleArn.optional(),
  configurationValues: z.string().optional(),
  tags: tags.default({}),
  createdAt: timestamp,
  /** When its pods were created: an association younger than its pods is not in them. Default: the add-on's own time. */
  podsCreatedAt: timestamp.optional(),
});

const cluster = z.strictObject({
  name: clusterName,
  region: regionName,
  version: z.string().regex(/^1\.\d{2}$/, 'must be a Kubernetes version such as 1.31'),
  platformVersion: z.string().default('eks.12'),
  status: z.enum(['ACTIVE', 'CREATING', 'UPDATING', 'DELETING', 'FAILED']).default('ACTIVE'),
  createdAt: timestamp.default('2024-06-01T00:00:00.000Z'),
  /** The 32 characters behind oidc.eks.REGION.amazonaws.com/id/; none: no issuer. */
  oidcId: z.string().regex(/^[0-9A-F]{32}$/, 'must be 32 upper-case hexadecimal digits').optional(),
  autoMode: z.boolean().default(false),
  nodes: z.number().int().min(0).max(5000).default(2),
  addons: z.array(installedAddon).default([]),
  associations: z.array(association).default([]),
});

const account = z.strictObject({
  id: accountId,
  roles: z.array(role).default([]),
  clusters: z.array(cluster).default([]),
});

/** Takes away or adds to what EKS offers: for "version no longer offered" and its like. */
const catalogueChange = z.strictObject({
  addon: addonName,
  /** Versions that EKS has withdrawn: installed ones go on, new ones are refused. */
  withdrawnVersions: z.array(z.string()).default([]),
});

export const scenario = z.strictObject({
  $schema: z.string().optional(),
  description: z.string().default(''),
  seed: z.number().int().min(0).max(4_294_967_295).default(1),
  /** The world's time when the sandbox opens. */
  startAt: timestamp.default('2026-01-15T09:00:00.000Z'),
  accounts: z.array(account).min(1),
  /** The account and region in which the service itself is deployed; default: the first account and its first cluster's region. */
  home: z.strictObject({ account: accountId, region: regionName }).optional(),
  catalogue: z.array(catalogueChange).default([]),
  knobs: knobs.prefault({}),
});
export type Scenario = z.infer<typeof scenario>;
export type ScenarioCluster = z.infer<typeof cluster>;
export type ScenarioAddon = z.infer<typeof installedAddon>;
