import {
  GetOpenIDConnectProviderCommand,
  GetPolicyCommand,
  GetPolicyVersionCommand,
  GetRoleCommand,
  GetRolePolicyCommand,
  paginateListAttachedRolePolicies,
  paginateListRolePolicies,
  paginateSimulatePrincipalPolicy,
  UpdateAssumeRolePolicyCommand,
  type AttachedPolicy,
  type EvaluationResult,
  type IAMClient,
} from '@aws-sdk/client-iam';
import { parseRoleArn } from '../domain/aws/arn.ts';
import { MigrationError } from '../domain/failures/errors.ts';
import type { OidcProvider, Role, RolePolicy, Roles, SimulatedCall, SimulationQuestion } from '../ports/roles.ts';
import { aws, awsOrUndefined } from './aws-errors.ts';

function roleName(arn: string): string {
  const parsed = parseRoleArn(arn);
  if (!parsed)
    throw new MigrationError(
      'InvalidRequest',
      `${arn} is not the ARN of an IAM role. It must have the form arn:aws:iam::111122223333:role/my-role`,
    );
  return parsed.name;
}

/** Decodes a policy document, which IAM returns URL-encoded (RFC 3986). */
const decoded = (document: string | undefined): string => decodeURIComponent(document ?? '');

/** Returns whether AWS manages the policy: its ARN has `aws` instead of the account. */
const isOfAws = (policyArn: string): boolean => policyArn.split(':')[4] === 'aws';

/** IAM's error name for a trust policy that exceeds the quota. The name of the SDK's class has a different ending. */
const LIMIT = /^LimitExceeded(Exception)?$/;

/** IAM's maximum page size, so that most lists take a single call. */
const MOST_RESULTS = 1000;

/** Returns the type of a condition key: boolean, a list for tag keys, or string. */
const BOOLEANS = /^aws:(SecureTransport|ViaAWSService|PrincipalIsAWSService|MultiFactorAuthPresent)$/i;
const LISTS = /^aws:TagKeys$/i;
const typeOf = (key: string): 'boolean' | 'string' | 'stringList' =>
  BOOLEANS.test(key) ? 'boolean' : LISTS.test(key) ? 'stringList' : 'string';

/**
 * Returns the simulated calls of an action. Each resource has its own result: "The top-level EvalDecision reflects the
 * most restrictive decision across all resources" (IAM API Reference, EvaluationResult). Without results by resource,
 * the top-level result is for the single resource that it names.
 */
function callsIn(result: EvaluationResult): SimulatedCall[] {
  const {
    EvalActionName: action = '',
    EvalResourceName: name,
    EvalDecision: decision,
    ResourceSpecificResults: specific = [],
    OrganizationsDecisionDetail: organization,
    PermissionsBoundaryDecisionDetail: boundary,
    MissingContextValues: missing = [],
  } = result;
  const inOrganization =
    organization?.AllowedByOrganizations === false
      ? ['a service control policy of the organization does not allow it']
      : [];
  const call = (resource: string, allowed: boolean, detail: typeof boundary, keys: string[]): SimulatedCall => {
    const why = [
      ...inOrganization,
      ...(detail?.AllowedByPermissionsBoundary === false ? ['its permissions boundary does not allow it'] : []),
    ].join('; ');
    return {
      action,
      resource,
      allowed,
      missing: keys,
      limitedBy: [
        ...(detail === undefined ? [] : ['boundary' as const]),
        ...(organization === undefined ? [] : ['organization' as const]),
      ],
      ...(allowed || why === '' ? {} : { why }),
    };
  };
  if (specific.length === 0) return name ? [call(name, decision === 'allowed', boundary, missing)] : [];
  return specific.map((one) =>
    call(
      one.EvalResourceName ?? '',
      one.EvalResourceDecision === 'allowed',
      one.PermissionsBoundaryDecisionDetail ?? boundary,
      [...new Set([...missing, ...(one.MissingContextValues ?? [])])],
    ),
  );
}

/** IAM of the caller's account, with the AWS SDK. */
export class AwsRoles implements Roles {
  private readonly client: IAMClient;

  constructor(client: IAMClient) {
    this.client = client;
  }

  async getRole(arn: string): Promise<Role | undefined> {
    const name = roleName(arn);
    const answer = await awsOrUndefined(`iam:GetRole ${name}`, () =>
      this.client.send(new GetRoleCommand({ RoleName: name })),
    );
    // Role names are unique in an account regardless of the path, so a role with another path does not match the ARN.
    if (!answer?.Role || answer.Role.Arn !== arn) return undefined;
    const { AssumeRolePolicyDocument: document, Tags: tags = [] } = answer.Role;
    return {
      arn,
      trustPolicy: decoded(document),
      tags: Object.fromEntries(tags.flatMap(({ Key: key, Value: value = '' }) => (key ? [[key, value]] : []))),
    };
  }

  async getOidcProvider(arn: string): Promise<OidcProvider | undefined> {
    const answer = await awsOrUndefined(`iam:GetOpenIDConnectProvider ${arn}`, () =>
      this.client.send(new GetOpenIDConnectProviderCommand({ OpenIDConnectProviderArn: arn })),
    );
    return answer && { arn, clientIds: answer.ClientIDList ?? [] };
  }

  async findRole(name: string): Promise<string | undefined> {
    const answer = await awsOrUndefined(`iam:GetRole ${name}`, () =>
      this.client.send(new GetRoleCommand({ RoleName: name })),
    );
    return answer?.Role?.Arn;
  }

  async updateTrustPolicy(arn: string, document: string): Promise<void> {
    const name = roleName(arn);
    try {
      await aws(`iam:UpdateAssumeRolePolicy ${name}`, () =>
        this.client.send(new UpdateAssumeRolePolicyCommand({ RoleName: name, PolicyDocument: document })),
      );
    } catch (error) {
      if (!(error instanceof MigrationError && error.cause instanceof Error && LIMIT.test(error.cause.name)))
        throw error;
      throw new MigrationError(
        'TrustTooLong',
        `${error.message}. Nothing was written. Use a separate role for this service account, or request an increase of the quota "Role trust policy length" (Service Quotas, at most 4,096).`,
        { cause: error.cause },
      );
    }
  }

  async listPolicies(arn: string): Promise<RolePolicy[]> {
    const RoleName = roleName(arn);
    const names: string[] = [];
    await aws(`iam:ListRolePolicies ${RoleName}`, async () => {
      for await (const page of paginateListRolePolicies({ client: this.client }, { RoleName }))
        names.push(...(page.PolicyNames ?? []));
    });
    const attached: AttachedPolicy[] = [];
    await aws(`iam:ListAttachedRolePolicies ${RoleName}`, async () => {
      for await (const page of paginateListAttachedRolePolicies({ client: this.client }, { RoleName }))
        attached.push(...(page.AttachedPolicies ?? []));
    });
    const found: RolePolicy[] = [];
    for (const PolicyName of names) {
      // A policy that was deleted in the meantime is left out.
      const answer = await awsOrUndefined(`iam:GetRolePolicy ${RoleName} ${PolicyName}`, () =>
        this.client.send(new GetRolePolicyCommand({ RoleName, PolicyName })),
      );
      if (answer) found.push({ name: PolicyName, document: decoded(answer.PolicyDocument) });
    }
    for (const { PolicyArn: policyArn, PolicyName: name } of attached) {
      if (!policyArn) continue;
      const policy = { name: name ?? policyArn, arn: policyArn };
      if (isOfAws(policyArn)) found.push(policy);
      else {
        const document = await this.readManaged(policyArn);
        if (document !== undefined) found.push({ ...policy, document });
      }
    }
    return found;
  }

  /** Returns the default version of a policy, or `undefined` if the policy no longer exists. */
  private async readManaged(PolicyArn: string): Promise<string | undefined> {
    const found = await awsOrUndefined(`iam:GetPolicy ${PolicyArn}`, () =>
      this.client.send(new GetPolicyCommand({ PolicyArn })),
    );
    const VersionId = found?.Policy?.DefaultVersionId;
    if (VersionId === undefined) return undefined;
    const answer = await awsOrUndefined(`iam:GetPolicyVersion ${PolicyArn} ${VersionId}`, () =>
      this.client.send(new GetPolicyVersionCommand({ PolicyArn, VersionId })),
    );
    return answer?.PolicyVersion && decoded(answer.PolicyVersion.Document);
  }

  async getBoundary(arn: string): Promise<RolePolicy | undefined> {
    const name = roleName(arn);
    const answer = await aws(`iam:GetRole ${name}`, () => this.client.send(new GetRoleCommand({ RoleName: name })));
    const boundary = answer.Role?.PermissionsBoundary?.PermissionsBoundaryArn;
    if (boundary === undefined) return undefined;
    const document = isOfAws(boundary) ? undefined : await this.readManaged(boundary);
    return { name: boundary, arn: boundary, ...(document === undefined ? {} : { document }) };
  }

  async simulate({ principalArn, actions, resources, context }: SimulationQuestion): Promise<SimulatedCall[]> {
    if (actions.length === 0 || resources.length === 0) return [];
    const question = {
      PolicySourceArn: principalArn,
      ActionNames: [...actions],
      ResourceArns: [...resources],
      ContextEntries: Object.entries(context).map(([key, values]) => ({
        ContextKeyName: key,
        ContextKeyType: typeOf(key),
        ContextKeyValues: [...values],
      })),
    };
    const found: SimulatedCall[] = [];
    await aws(`iam:SimulatePrincipalPolicy ${principalArn}`, async () => {
      const pages = paginateSimulatePrincipalPolicy({ client: this.client, pageSize: MOST_RESULTS }, question);
      for await (const page of pages) found.push(...(page.EvaluationResults ?? []).flatMap(callsIn));
    });
    return found;
  }
}
