/** A URL's query as the services take it: a key that comes several times has a list. */
export const queryOf = (parameters: URLSearchParams): Record<string, string | string[]> =>
  Object.fromEntries(
    [...new Set(parameters.keys())].map((name) => {
      const values = parameters.getAll(name);
      return [name, values.length === 1 ? (values[0] ?? '') : values];
    }),
  );

/** What a request has beside it where its percent signs are not followed by two hexadecimal digits. `search`: as sent. */
export const badQueryOf = (search: string): { badQuery?: true } =>
  /%(?![0-9a-f]{2})/i.test(search) ? { badQuery: true } : {};
