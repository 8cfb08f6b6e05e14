import {
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
import { parseRoleArn } from '../domain/arn.ts';
import { MigrationError } from '../domain/errors.ts';
import type { PassRoleQuestion, Role, RolePolicy, Roles } from '../ports/roles.ts';
import { aws, awsOrUndefined } from './aws-errors.ts';

function roleName(arn: string): string {
  const parsed = parseRoleArn(arn);
  if (!parsed)
    throw new MigrationError(
      'InvalidRequest',
      `${arn} is not the ARN of an IAM role; it must look like arn:aws:iam::111122223333:role/my-role`,
    );
  return parsed.name;
}

/** IAM answers documents URL-encoded (RFC 3986). */
const decoded = (document: string | undefined): string => decodeURIComponent(document ?? '');

/** Policies that AWS manages have `aws` where others have the account. */
const isOfAws = (policyArn: string): boolean => policyArn.split(':')[4] === 'aws';

/** IAM's name of what a trust policy over the quota is refused with; the SDK's class has another ending. */
const LIMIT = /^LimitExceeded(Exception)?$/;

/** By resource: what is said of it alone goes before what is said of the action. */
const decisionsOf = ({
  EvalResourceName: name,
  EvalDecision: decision,
  ResourceSpecificResults: specific = [],
}: EvaluationResult): [string, string][] => [
  ...(name && decision ? [[name, decision] satisfies [string, string]] : []),
  ...specific.flatMap((one): [string, string][] =>
    one.EvalResourceName && one.EvalResourceDecision ? [[one.EvalResourceName, one.EvalResourceDecision]] : [],
  ),
];

/** IAM of the caller's account, by the AWS SDK. */
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
    // Role names are unique in an account whatever their path: a wrong path names no role.
    if (!answer?.Role || answer.Role.Arn !== arn) return undefined;
    return { arn, trustPolicy: decoded(answer.Role.AssumeRolePolicyDocument) };
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
        `${error.message}. Nothing was written; use a role of its own for this service account, or have the quota "Role trust policy length" raised (Service Quotas, at most 4,096).`,
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
      // One that vanished in between is no longer there.
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

  /** The version that is in force; `undefined` where there is no such policy any more. */
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

  async mayPass({
    principalArn,
    roleArns,
    service,
    associatedResourceArn,
  }: PassRoleQuestion): Promise<Record<string, boolean>> {
    if (roleArns.length === 0) return {};
    const question = {
      PolicySourceArn: principalArn,
      ActionNames: ['iam:PassRole'],
      ResourceArns: roleArns,
      ContextEntries: [
        { ContextKeyName: 'iam:PassedToService', ContextKeyType: 'string' as const, ContextKeyValues: [service] },
        {
          ContextKeyName: 'iam:AssociatedResourceArn',
          ContextKeyType: 'string' as const,
          ContextKeyValues: [associatedResourceArn],
        },
      ],
    };
    const decisions = new Map<string, string>();
    await aws(`iam:SimulatePrincipalPolicy ${principalArn}`, async () => {
      for await (const page of paginateSimulatePrincipalPolicy({ client: this.client }, question)) {
        for (const [resource, decision] of (page.EvaluationResults ?? []).flatMap(decisionsOf))
          decisions.set(resource, decision);
      }
    });
    // Of a role that the answer does not name, nothing is known.
    return Object.fromEntries(
      roleArns.flatMap((arn): [string, boolean][] =>
        decisions.has(arn) ? [[arn, decisions.get(arn) === 'allowed']] : [],
      ),
    );
  }
}
