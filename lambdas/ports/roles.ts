export interface Role {
  arn: string;
  /** The trust policy's JSON text, decoded. */
  trustPolicy: string;
}

/** A policy that a role has. `document`: JSON text; absent for one that AWS manages, which is not read. */
export interface RolePolicy {
  name: string;
  /** Of a managed one. */
  arn?: string;
  document?: string;
}

export interface PassRoleQuestion {
  /** The role that would pass: one of the service's own. */
  principalArn: string;
  roleArns: string[];
  /** `iam:PassedToService`. */
  service: string;
  /** `iam:AssociatedResourceArn`: the cluster. */
  associatedResourceArn: string;
}

/** IAM of one account. */
export interface Roles {
  /** By ARN of this account; `undefined` where IAM has no such role. */
  getRole(arn: string): Promise<Role | undefined>;
  /**
   * Replaces the trust policy. Throws InvalidRequest for one that IAM does not take, `TrustTooLong` over the quota of
   * the account.
   */
  updateTrustPolicy(arn: string, document: string): Promise<void>;
  /** Inline and managed ones. Throws AccessDenied where they may not be read. */
  listPolicies(arn: string): Promise<RolePolicy[]>;
  /** By role's ARN, what IAM's simulation says. Throws AccessDenied where it may not be asked. */
  mayPass(question: PassRoleQuestion): Promise<Record<string, boolean>>;
}
