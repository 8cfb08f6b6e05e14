export interface Role {
  arn: string;
  /** Trust policy as decoded JSON text. */
  trustPolicy: string;
  tags: Record<string, string>;
}

/** The properties of an IAM OIDC provider that the service needs. */
export interface OidcProvider {
  arn: string;
  /** The audiences of tokens that it accepts. */
  clientIds: string[];
}

/** A policy of a role. `document` is JSON text; absent for an AWS managed policy, which is not read. */
export interface RolePolicy {
  name: string;
  /** ARN of a managed policy. */
  arn?: string;
  document?: string;
}

/** Input of IAM's policy simulation: each action with each resource. */
export interface SimulationQuestion {
  /** Role that would make the calls: one of the service's own. */
  principalArn: string;
  /** Actions such as `eks:CreateAddon`. */
  actions: readonly string[];
  resources: readonly string[];
  /** Condition keys as written in policies. */
  context: Readonly<Record<string, readonly string[]>>;
}

export interface SimulatedCall {
  action: string;
  resource: string;
  allowed: boolean;
  /** Reasons of a refusal, such as the permissions boundary or the organization. */
  why?: string;
  /** Condition keys that the policies use and that the input did not have. */
  missing: string[];
  /**
   * What took part in the decision in addition to the role's own policies. It is not documented whether `missing` has the
   * condition keys of these policies.
   */
  limitedBy: readonly ('boundary' | 'organization')[];
}

/** IAM of an account. */
export interface Roles {
  /** Returns a role of this account by ARN, or `undefined` if it does not exist. */
  getRole(arn: string): Promise<Role | undefined>;
  /**
   * Returns a provider of this account by ARN, or `undefined` if it does not exist. Throws `AccessDenied` if reading it
   * is not allowed.
   */
  getOidcProvider(arn: string): Promise<OidcProvider | undefined>;
  /** Returns the ARN, with the path, of the role with a name, or `undefined` if it does not exist. */
  findRole(name: string): Promise<string | undefined>;
  /**
   * Replaces the trust policy. Throws `InvalidRequest` if IAM rejects it, or `TrustTooLong` if it exceeds the account's
   * quota.
   */
  updateTrustPolicy(arn: string, document: string): Promise<void>;
  /** Returns the inline and managed policies of a role. Throws `AccessDenied` if reading them is not allowed. */
  listPolicies(arn: string): Promise<RolePolicy[]>;
  /**
   * Returns the role's permissions boundary, or `undefined` if it has none. Throws `AccessDenied` if reading it is not
   * allowed.
   */
  getBoundary(arn: string): Promise<RolePolicy | undefined>;
  /** Returns the result of IAM's simulation for each call. Throws `AccessDenied` if the simulation is not allowed. */
  simulate(question: SimulationQuestion): Promise<SimulatedCall[]>;
}
