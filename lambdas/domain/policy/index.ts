/**
 * Parses IAM policies and evaluates them. `parsePolicy` reads a document, or returns what is wrong with it and where;
 * `evaluate` returns what policies mean for one request; `evaluateTrust` returns what a role's trust policy means for a
 * service account, by EKS Pod Identity and by IRSA. The folder imports nothing else of the project, and the project
 * imports nothing of the folder but this file (`test/architecture.test.ts`).
 */
export { decodePolicy, parsePolicy } from './document.ts';
export type { ParsedPolicy, PolicyKind, Statement } from './document.ts';
export { evaluate } from './evaluate.ts';
export { evaluateIrsa, evaluatePodIdentity, evaluateTrust } from './trust.ts';
export type { Evaluation, KeyState, PolicyRequest, Reason, Verdict } from './request.ts';

// The calls by which a role is assumed, as requests.
export {
  assumeRoleRequest,
  closedWorld,
  EKS_PRINCIPAL,
  irsaRequest,
  lookUpIn,
  POD_IDENTITY_PRINCIPAL,
  podIdentityRequests,
  statesOf,
} from './contexts.ts';
export type { AssumeRoleCall, TrustUse } from './contexts.ts';

// Parts of the policy language that are needed by themselves.
export { holds, readIpRange } from './ip.ts';
export { readJson } from './json.ts';
export type { Json, JsonProblem } from './json.ts';
export { issuerName, misnamedKey } from './keys.ts';
export { matchesWildcard } from './wildcard.ts';
