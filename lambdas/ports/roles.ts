export interface Role {
  arn: string;
  /** The trust policy's JSON text, decoded. */
  trustPolicy: string;
}

/** An OIDC provider of IAM, as far as anything here depends on it. */
export interface OidcProvider {
  arn: string;
}

/** A policy that a role has. `document`: JSON text; absent for one that AWS manages, which is not read. */
export interface RolePolicy {
  name: string;
  /** Of a managed one. */
  arn?: string;
  document?: string;
}

/** What IAM's simulation is asked: each of the actions with each of the resources. */
export interface SimulationQuestion {
  /** The role whose calls they would be: one of the service's own. */
  principalArn: string;
  /** Such as `eks:CreateAddon`. */
  actions: readonly string[];
  resources: readonly string[];
  /** Condition keys, as policies write them. */
  context: Readonly<Record<string, readonly string[]>>;
}

export interface SimulatedCall {
  action: string;
  resource: string;
  allowed: boolean;
  /** What is known of a refusal: whether the permissions boundary or the organisation is what does not allow it. */
  why?: string;
  /** Condition keys that the policies ask for and that the question did not give. */
  missing: string[];
}

/** IAM of one account. */
export interface Roles {
  /** By ARN of this account; `undefined` where IAM has no such role. */
  getRole(arn: string): Promise<Role | undefined>;
  /** By ARN of this account; `undefined` where IAM has no such provider. Throws AccessDenied where it may not be read. */
  getOidcProvider(arn: string): Promise<OidcProvider | undefined>;
  /** The ARN of the role of that name, with its path; `undefined` where IAM has no such role. */
  findRole(name: string): Promise<string | undefined>;
  /**
   * Replaces the trust policy. Throws InvalidRequest for one that IAM does not take, `TrustTooLong` over the quota of
   * the account.
   */
  updateTrustPolicy(arn: string, document: string): Promise<void>;
  /** Inline and managed ones. Throws AccessDenied where they may not be read. */
  listPolicies(arn: string): Promise<RolePolicy[]>;
  /** The role's permissions boundary; `undefined` where it has none. Throws AccessDenied where it may not be read. */
  getBoundary(arn: string): Promise<RolePolicy | undefined>;
  /** What IAM's simulation says to each call that its answer names. Throws AccessDenied where it may not be asked. */
  simulate(question: SimulationQuestion): Promise<SimulatedCall[]>;
}
