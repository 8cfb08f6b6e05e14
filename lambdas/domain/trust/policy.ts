import { type ParsedPolicy, parsePolicy } from '../policy/index.ts';

/** A role's trust policy, parsed once when it is read. Whatever is written, stored or compared is the text. */
export interface TrustPolicy {
  /** JSON, URL-encoded or not. */
  text: string;
  document: ParsedPolicy;
}

/** Never throws: a text that is no trust policy has a document that is not valid. */
export const parseTrust = (text: string): TrustPolicy => ({ text, document: parsePolicy(text, 'trust') });
