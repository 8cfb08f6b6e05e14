/** The bucket in which a sweep stores what is too large for a state: text objects by key. */
export interface Documents {
  /** Stores an object, replacing an existing one. `type` is a media type such as `application/json`. */
  put(key: string, text: string, type: string): Promise<void>;
  /** Returns the text of an object, or `undefined` if it does not exist. */
  get(key: string): Promise<string | undefined>;
  /**
   * Returns at most 1,000 keys with the prefix, in order, after the key `after`. `more` is true if there are others.
   */
  list(prefix: string, after?: string): Promise<{ keys: string[]; more: boolean }>;
}
