/** Reads a trust policy from a file, a role of a sandbox, or a role in IAM, and the OIDC issuer of the cluster. */
import type { Target } from '../../lambdas/domain/terms/subject.ts';
import type { Roles } from '../../lambdas/ports/roles.ts';
import type { Io } from '../io.ts';
import { wholeText } from './input.ts';

/** Maximum length of a file. IAM accepts 131,072 (API Reference, UpdateAssumeRolePolicy); URL-encoding triples that. */
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
  /** Name in messages. */
  name: string;
  /** JSON, or URL-encoded, as IAM returns it. */
  trustPolicy: string;
  /** Absent if not known. */
  oidcIssuer?: string;
  /** IAM, if the policy belongs to a role there. */
  roles?: Roles;
}

/** Reads from the named sandbox, if any. The sandbox is loaded only if it is needed. */
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

/** Reads the policy. Throws a CliError if it does not exist or is unreadable. */
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
