/** The facts from which `docs/permissions.md` is generated, with readable names. */
import type { Right } from './rights.ts';
import type { Switch } from './template.ts';

/** The optional setting that a part of the template needs; undefined for none. */
export type Needs = Switch | undefined;

/** A right with readable names and all its reasons. */
export interface ExplainedRight extends Right {
  readonly whys: readonly string[];
  readonly needs: Needs;
}
export interface Caller {
  /** Name of a state machine or a rule. */
  readonly by: string;
  /** Names of the states that call; empty for a rule. */
  readonly states: readonly string[];
}
export interface RoleFacts {
  /** Name of the Lambda, or of what uses the role. */
  readonly name: string;
  readonly isLambda: boolean;
  readonly rights: readonly ExplainedRight[];
  /** Principals that can assume the role, as code. */
  readonly trustedBy: string;
  readonly calledBy: readonly Caller[];
  readonly needs: Needs;
}
export interface PolicyFacts {
  readonly of: string;
  readonly effect: string;
  readonly who: string;
  readonly action: string;
  readonly condition: string;
  readonly needs: Needs;
  /** True if it exists only when the setting is absent. */
  readonly insteadOf?: Switch;
}
/** A method of the HTTP API, which IAM authorizes. */
export interface MethodFacts {
  readonly method: string;
  readonly path: string;
  /** The Lambda that answers the method. */
  readonly lambda: string;
}
export interface Facts {
  readonly roles: readonly RoleFacts[];
  readonly resourcePolicies: readonly PolicyFacts[];
  readonly methods: readonly MethodFacts[];
  /** Protocols of the subscriptions to topics of the stack. */
  readonly subscribed: readonly string[];
  /** Lambdas whose roles call API servers of clusters, according to the stack's output. */
  readonly kubernetes: readonly string[];
  /** Lambdas that make changes there: they restart workloads, or change annotations of service accounts. */
  readonly restart: readonly string[];
  readonly annotate: readonly string[];
}
