import { GetRoleCommand, type IAMClient } from '@aws-sdk/client-iam';
import { parseRoleArn } from '../domain/arn.ts';
import { MigrationError } from '../domain/errors.ts';
import type { Role, Roles } from '../ports/roles.ts';
import { awsOrUndefined } from './aws-errors.ts';

/** IAM of the caller's account, by the AWS SDK. */
export class AwsRoles implements Roles {
  private readonly client: IAMClient;

  constructor(client: IAMClient) {
    this.client = client;
  }

  async getRole(arn: string): Promise<Role | undefined> {
    const parsed = parseRoleArn(arn);
    if (!parsed) throw new MigrationError('InvalidRequest', `${arn} is not the ARN of an IAM role; it must look like arn:aws:iam::111122223333:role/my-role`);
    const answer = await awsOrUndefined(`iam:GetRole ${parsed.name}`, () => this.client.send(new GetRoleCommand({ RoleName: parsed.name })));
    // Role names are unique in an account whatever their path: a wrong path names no role.
    if (!answer?.Role || answer.Role.Arn !== arn) return undefined;
    // IAM answers the document URL-encoded (RFC 3986).
    return { arn, trustPolicy: decodeURIComponent(answer.Role.AssumeRolePolicyDocument ?? '') };
  }
}
