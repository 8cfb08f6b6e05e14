import { type ParsedPolicy, parsePolicy } from '../policy/index.ts';

/** A role's trust policy, parsed once when it is read. Its text is what is written, stored and compared. */
export interface TrustPolicy {
  /** JSON, URL-encoded or not. */
  text: string;
  document: ParsedPolicy;
}

/** Parses a trust policy. It never throws: for a text that is not a trust policy, the document is not valid. */
export const parseTrust = (text: string): TrustPolicy => ({ text, document: parsePolicy(text, 'trust') });
