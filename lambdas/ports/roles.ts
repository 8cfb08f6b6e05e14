export interface Role {
  arn: string;
  /** The trust policy's JSON text, decoded. */
  trustPolicy: string;
}

/** IAM of one account. */
export interface Roles {
  /** By ARN of this account; `undefined` where IAM has no such role. */
  getRole(arn: string): Promise<Role | undefined>;
}
