/** Reads the roles of a cluster from IAM. */
import {
  GetPolicyCommand,
  GetPolicyVersionCommand,
  GetRoleCommand,
  type IAMClient,
  paginateListRoles,
} from '@aws-sdk/client-iam';
import { aws, awsOrUndefined } from '../../lambdas/adapters/aws-errors.ts';
import { AwsRoles } from '../../lambdas/adapters/aws-roles.ts';
import { parseRoleArn } from '../../lambdas/domain/aws/arn.ts';
import { isMigrationError } from '../../lambdas/domain/failures/errors.ts';
import { partitionOf } from '../../lambdas/domain/aws/partitions.ts';
import { issuerName } from '../../lambdas/domain/policy/index.ts';
import type { RolePolicy } from '../../lambdas/ports/index.ts';
import type { Reader } from './reader.ts';
import type { Recording, RoleAnswers } from './recording.ts';

/** The service principal of EKS Pod Identity: a role that trusts it can be given to a service account. */
const PODS = 'pods.eks.amazonaws.com';

const ROLE_POLICIES = [
  'iam:ListRolePolicies',
  'iam:ListAttachedRolePolicies',
  'iam:GetRolePolicy',
  'iam:GetPolicy',
  'iam:GetPolicyVersion',
];

/** Returns the ARNs of the account's roles that trust EKS Pod Identity or the cluster's issuer. */
export const rolesForPods = (reader: Reader, issuer: string | undefined): Promise<string[]> =>
  reader.attempt(
    'the list of roles',
    'only roles that the cluster uses are in the rehearsal, and no other can be given by --role',
    [],
    () =>
      reader.call('iam:ListRoles', () =>
        aws('iam:ListRoles', async () => {
          const found: string[] = [];
          for await (const { Roles = [] } of paginateListRoles({ client: reader.iam }, {})) {
            for (const { Arn = '', AssumeRolePolicyDocument = '' } of Roles) {
              const trust = decodeURIComponent(AssumeRolePolicyDocument);
              if (trust.includes(PODS) || (issuer !== undefined && trust.includes(issuerName(issuer)))) found.push(Arn);
            }
          }
          return found;
        }),
      ),
  );

/** Documents of AWS managed policies, each read once; undefined if it may not be read. */
class AwsPolicies {
  private readonly known = new Map<string, string | undefined>();

  async documentOf({ iam }: { iam: IAMClient }, PolicyArn: string): Promise<string | undefined> {
    if (this.known.has(PolicyArn)) return this.known.get(PolicyArn);
    let document: string | undefined;
    try {
      const { Policy } = await aws(`iam:GetPolicy ${PolicyArn}`, () => iam.send(new GetPolicyCommand({ PolicyArn })));
      const VersionId = Policy?.DefaultVersionId;
      if (VersionId !== undefined) {
        const { PolicyVersion } = await aws(`iam:GetPolicyVersion ${PolicyArn}`, () =>
          iam.send(new GetPolicyVersionCommand({ PolicyArn, VersionId })),
        );
        document = PolicyVersion?.Document === undefined ? undefined : decodeURIComponent(PolicyVersion.Document);
      }
    } catch (error) {
      if (!isMigrationError(error)) throw error;
    }
    this.known.set(PolicyArn, document);
    return document;
  }
}

const readRole = async (reader: Reader, arn: string, documents: AwsPolicies): Promise<RoleAnswers | undefined> => {
  const parsed = parseRoleArn(arn);
  if (!parsed) return undefined;
  const answer = await reader.call('iam:GetRole', () =>
    awsOrUndefined(`iam:GetRole ${parsed.name}`, () => reader.iam.send(new GetRoleCommand({ RoleName: parsed.name }))),
  );
  const role = answer?.Role;
  if (role?.Arn !== arn) return undefined;
  const roles = new AwsRoles(reader.iam);
  const effect = 'the role allows nothing in the rehearsal';
  const listed = await reader.attempt<RolePolicy[]>(`the policies of role ${parsed.name}`, effect, [], async () => {
    for (const action of ROLE_POLICIES) reader.actions.add(action);
    return reader.call('iam:ListRolePolicies', () => roles.listPolicies(arn));
  });
  const policies: RolePolicy[] = [];
  for (const policy of listed) {
    const document =
      policy.document ?? (policy.arn === undefined ? undefined : await documents.documentOf(reader, policy.arn));
    policies.push({ ...policy, ...(document === undefined ? {} : { document }) });
  }
  const boundary = role.PermissionsBoundary
    ? await reader.attempt(
        `the permissions boundary of role ${parsed.name}`,
        'nothing limits its policies',
        undefined,
        () => reader.call('iam:GetPolicy', () => roles.getBoundary(arn)),
      )
    : undefined;
  const trustPolicy = decodeURIComponent(role.AssumeRolePolicyDocument ?? '{}');
  return { role, trustPolicy, policies, ...(boundary ? { boundary } : {}) };
};

/** Reads those of the roles that are in the cluster's account and exist. */
export const readRoles = async (reader: Reader, arns: Iterable<string>): Promise<RoleAnswers[]> => {
  const documents = new AwsPolicies();
  const found: RoleAnswers[] = [];
  for (const arn of [...new Set(arns)].sort()) {
    const parsed = parseRoleArn(arn);
    if (parsed === undefined || parsed.account !== reader.target.account) {
      reader.unread.push({
        what: `role ${arn}`,
        why: 'it belongs to another account',
        effect: 'it does not exist in the rehearsal',
      });
      continue;
    }
    const role = await reader.attempt(`role ${parsed.name}`, 'it does not exist in the rehearsal', undefined, () =>
      readRole(reader, arn, documents),
    );
    if (role) found.push(role);
  }
  return found;
};

/** Returns whether IAM has an OIDC provider for the cluster's issuer. */
export const readProvider = async (reader: Reader, issuer: string | undefined): Promise<Recording['oidcProvider']> => {
  if (issuer === undefined) return 'exists';
  const { account, region } = reader.target;
  const arn = `arn:${partitionOf(region)}:iam::${account}:oidc-provider/${issuerName(issuer)}`;
  return reader.attempt<Recording['oidcProvider']>(
    'the OIDC provider',
    'the rehearsal assumes that it exists',
    'exists',
    () =>
      reader.call('iam:GetOpenIDConnectProvider', async () =>
        (await new AwsRoles(reader.iam).getOidcProvider(arn)) ? 'exists' : 'absent',
      ),
  );
};
