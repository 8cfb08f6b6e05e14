import type { HttpRequest } from '../http.ts';

export type Query = (name: string) => string | undefined;

/**
 * Returns the reader of a request's query parameters: the last value of a repeated parameter, and undefined for an empty
 * one, as the API server reads them.
 */
export const queryOf =
  (request: HttpRequest): Query =>
  (name) => {
    const value = request.query[name];
    return (Array.isArray(value) ? value.at(-1) : value) || undefined;
  };
