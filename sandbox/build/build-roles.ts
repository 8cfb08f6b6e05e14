/** Builds the roles of a world: those that the scenario describes, and those of the deployed application. */
import { createHash } from 'node:crypto';
import { nameAndPath } from '../iam/wire.ts';
import { isObject } from '../json.ts';
import type { Scenario } from '../scenario/scenario.ts';
import type { AttachedPolicyState, RoleState, World } from '../world/world.ts';

/** A role from a template. */
export interface DeployedRole {
  arn: string;
  policies: { name: string; document: unknown }[];
  managedPolicyArns: string[];
  /** A managed policy; without a document it allows nothing. */
  permissionsBoundary?: { arn: string; document?: unknown };
  /** Omitted: nobody may assume the role through STS. */
  trustPolicy?: unknown;
}

const UPPER = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567';

const textOf = (document: unknown): string => (typeof document === 'string' ? document : JSON.stringify(document));

const texts = new WeakMap<object, string>();
/** Returns the text of one of the application's documents, which many worlds share and nobody may change. */
const sharedTextOf = (document: unknown): string => {
  if (!isObject(document)) return textOf(document);
  const cached = texts.get(document);
  if (cached !== undefined) return cached;
  const text = JSON.stringify(document);
  texts.set(document, text);
  return text;
};

type Managed = { arn: string; document?: unknown };

const managedPolicy = ({ arn, document }: Managed): AttachedPolicyState => ({
  arn,
  ...(document === undefined ? {} : { document: textOf(document) }),
});

const boundaryOf = (boundary: Managed | undefined): Pick<RoleState, 'permissionsBoundary'> =>
  boundary ? { permissionsBoundary: managedPolicy(boundary) } : {};

/** Builds a role that the scenario describes. */
export const buildRole = (world: World, role: Scenario['accounts'][number]['roles'][number]): RoleState => ({
  arn: role.arn,
  ...nameAndPath(role.arn),
  roleId: `AROA${world.random.string(17, UPPER)}`,
  createdAt: Date.parse(role.createdAt),
  trustPolicy: textOf(role.trustPolicy),
  pastTrust: [],
  policies: role.policies.map(({ name, document }) => ({ name, document: textOf(document) })),
  attachedPolicies: role.attachedPolicies.map(managedPolicy),
  ...boundaryOf(role.permissionsBoundary),
  ...(role.description === undefined ? {} : { description: role.description }),
  ...(role.maxSessionDuration === undefined ? {} : { maxSessionDuration: role.maxSessionDuration }),
  tags: role.tags,
});

/**
 * Adds a role of the application to its account. Its id is derived from its ARN: the results of a seed must not depend
 * on how the service is built.
 */
export const addRole = (
  world: World,
  { arn, policies, managedPolicyArns, permissionsBoundary, trustPolicy }: DeployedRole,
): void => {
  const { name, path } = nameAndPath(arn);
  world.accounts.get(arn.split(':')[4] ?? '')?.roles.set(name, {
    arn,
    name,
    path,
    roleId: `AROA${createHash('sha256').update(arn).digest('hex').slice(0, 17).toUpperCase()}`,
    createdAt: world.schedule.now(),
    trustPolicy: textOf(trustPolicy ?? { Version: '2012-10-17', Statement: [] }),
    pastTrust: [],
    policies: policies.map((policy) => ({ name: policy.name, document: sharedTextOf(policy.document) })),
    attachedPolicies: managedPolicyArns.map((policyArn) => ({ arn: policyArn })),
    ...boundaryOf(permissionsBoundary),
    tags: {},
  });
};
