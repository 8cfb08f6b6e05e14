/** Returns a URL's query in the services' form: a repeated key has a list. */
export const queryOf = (parameters: URLSearchParams): Record<string, string | string[]> =>
  Object.fromEntries(
    [...new Set(parameters.keys())].map((name) => {
      const values = parameters.getAll(name);
      return [name, values.length === 1 ? (values[0] ?? '') : values];
    }),
  );

/**
 * Returns a request's `badQuery` if a percent sign is not followed by two hexadecimal digits. `search` is the query as
 * sent.
 */
export const badQueryOf = (search: string): { badQuery?: true } =>
  /%(?![0-9a-f]{2})/i.test(search) ? { badQuery: true } : {};
