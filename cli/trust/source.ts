/**
 * Where a trust policy comes from: a file, a role of a sandbox, or a role in IAM; and what is known about the cluster
 * there.
 */
import type { Target } from '../../lambdas/domain/migration/model.ts';
import type { Roles } from '../../lambdas/ports/roles.ts';
import type { Io } from '../io.ts';
import { wholeText } from './input.ts';

/** Of a file. IAM takes 131,072 (API Reference, UpdateAssumeRolePolicy), and URL-encoding makes three of one. */
const MAX_CHARACTERS = 1_000_000;

export interface Asked {
  policy?: string | undefined;
  roleArn?: string | undefined;
  clusterArn: Target;
  oidcIssuer?: string | undefined;
  sandbox?: string | undefined;
  state?: string | undefined;
  json: boolean;
}

export interface Source {
  /** What messages call it. */
  name: string;
  /** JSON, or as IAM answers it, URL-encoded. */
  trustPolicy: string;
  /** Absent where it is not known. */
  oidcIssuer?: string;
  /** IAM, where the policy is a role's there. */
  roles?: Roles;
}

/**
 * What the sandbox that is named knows; nothing where none is. It is loaded where it is needed: a file is read without.
 */
const fromSandbox = async (asked: Asked, io: Io): Promise<{ oidcIssuer?: string; trustPolicy?: string }> => {
  if (asked.sandbox === undefined && asked.state === undefined) return {};
  const { issuerIn, openWorld, trustPolicyIn } = await import('./world.ts');
  const named = await openWorld(asked, io);
  const oidcIssuer = asked.oidcIssuer ?? issuerIn(asked.clusterArn, named);
  return {
    ...(oidcIssuer === undefined ? {} : { oidcIssuer }),
    ...(asked.roleArn === undefined || asked.policy !== undefined
      ? {}
      : { trustPolicy: trustPolicyIn(asked.roleArn, named) }),
  };
};

const fromIam = async (roleArn: string, target: Target): Promise<{ roles: Roles; trustPolicy: string }> => {
  const { iamOf, trustPolicyOf } = await import('./iam.ts');
  const roles = iamOf(target);
  return { roles, trustPolicy: await trustPolicyOf(roleArn, roles) };
};

/** Reads the policy. Throws a CliError for what is not there, and for what can't be read. */
export const readSource = async (asked: Asked, io: Io): Promise<Source> => {
  const { policy, roleArn = '', clusterArn: target } = asked;
  const { oidcIssuer = asked.oidcIssuer, trustPolicy } = await fromSandbox(asked, io);
  const known = oidcIssuer === undefined ? {} : { oidcIssuer };
  if (policy !== undefined)
    return {
      name: `--policy ${policy}`,
      trustPolicy: await wholeText('--policy', policy, io, MAX_CHARACTERS),
      ...known,
    };
  if (trustPolicy !== undefined) return { name: roleArn, trustPolicy, ...known };
  return { name: roleArn, ...(await fromIam(roleArn, target)), ...known };
};
