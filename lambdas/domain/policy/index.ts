/**
 * Parses IAM policies and evaluates them. `parsePolicy` reads a document, or returns what is wrong with it and where.
 * `evaluate` evaluates policies for one request. `evaluateTrust` evaluates a role's trust policy for a service account,
 * through EKS Pod Identity and through IRSA. The folder imports nothing else of the project, and the project imports
 * nothing but this file from the folder (`test/architecture.test.ts`).
 */
export { decodePolicy, parsePolicy } from './document.ts';
export type { ParsedPolicy, PolicyKind, Statement } from './document.ts';
export { evaluate } from './evaluate.ts';
export {
  evaluateIrsa,
  evaluatePodIdentity,
  evaluateTrust,
  keysReadForPodIdentity,
  withoutDeniesByVariables,
} from './trust.ts';
export type { Evaluation, KeyState, PolicyRequest, Reason, Verdict } from './request.ts';

// The calls that assume a role, as requests.
export {
  assumeRoleRequest,
  closedWorld,
  EKS_PRINCIPAL,
  irsaRequest,
  lookUpIn,
  POD_IDENTITY_PRINCIPAL,
  podIdentityRequests,
  statesOf,
  TOKEN_AUDIENCE,
} from './contexts.ts';
export type { AssumeRoleCall, TrustUse } from './contexts.ts';
export { chainRequest, isChangedByPodIdentity } from './chains.ts';
export type { ChainUse } from './chains.ts';

// Parts of the policy language that are useful on their own.
export { holds, readIpRange } from './ip.ts';
export { readJson } from './json.ts';
export type { Json, JsonProblem } from './json.ts';
export { issuerName, misnamedKey, providerOf } from './keys.ts';
export { all, any, not } from './truth.ts';
export type { Truth } from './truth.ts';
export { keysReadBy } from './variables.ts';
export { matchesWildcard } from './wildcard.ts';
