/** The package's export `./trust`: evaluates a role's trust policy without asking AWS. */
export {
  evaluate,
  evaluateIrsa,
  evaluatePodIdentity,
  evaluateTrust,
  lookUpIn,
  parsePolicy,
} from '../../lambdas/domain/policy/index.ts';
export type {
  Evaluation,
  Json,
  KeyState,
  ParsedPolicy,
  PolicyKind,
  PolicyRequest,
  Reason,
  Statement,
  TrustUse,
  Verdict,
} from '../../lambdas/domain/policy/index.ts';
