/** What `docs/permissions.md` is made of: facts in readers' names. */
import type { Right } from './rights.ts';
import type { Switch } from './template.ts';

/** Which setting a part of the template needs beside what must be given; undefined: none. */
export type Needs = Switch | undefined;

/** A right in readers' names, with everything that it is needed for. */
export interface ExplainedRight extends Right {
  readonly whys: readonly string[];
  readonly needs: Needs;
}
export interface Caller {
  /** A state machine, or a rule. */
  readonly by: string;
  /** Names of the states; empty for a rule. */
  readonly states: readonly string[];
}
export interface RoleFacts {
  /** Of the Lambda, or of what uses the role. */
  readonly name: string;
  readonly isLambda: boolean;
  readonly rights: readonly ExplainedRight[];
  /** Who may become it, as code. */
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
  /** It is there only where that setting is left out. */
  readonly insteadOf?: Switch;
}
/** A method of the HTTP API, which IAM lets a caller call or not. */
export interface MethodFacts {
  readonly method: string;
  readonly path: string;
  /** The Lambda that answers. */
  readonly lambda: string;
}
export interface Facts {
  readonly roles: readonly RoleFacts[];
  readonly resourcePolicies: readonly PolicyFacts[];
  readonly methods: readonly MethodFacts[];
  /** Protocols of what is subscribed to topics of the stack. */
  readonly subscribed: readonly string[];
  /** Lambdas whose roles call the API server of a cluster, by the stack's output. */
  readonly kubernetes: readonly string[];
  /** Those of them that change something there: they restart workloads, or take annotations off service accounts. */
  readonly restart: readonly string[];
  readonly annotate: readonly string[];
}
