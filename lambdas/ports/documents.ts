/** The bucket in which a sweep keeps what is too much for a state: objects of text by their keys. */
export interface Documents {
  /** Replaces what is there. `type`: such as `application/json`. */
  put(key: string, text: string, type: string): Promise<void>;
  /** `undefined` where there is none. */
  get(key: string): Promise<string | undefined>;
  /** Keys that begin so, in their order, at most 1,000, from after `after` on; `more`: there are others. */
  list(prefix: string, after?: string): Promise<{ keys: string[]; more: boolean }>;
}
