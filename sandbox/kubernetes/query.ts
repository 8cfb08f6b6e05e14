import type { HttpRequest } from '../http.ts';

export type Query = (name: string) => string | undefined;

/** Returns a query parameter as sent, possibly empty: the first one of a repeated parameter, as the API server reads it. */
export const parameterOf = ({ query }: HttpRequest, name: string): string | undefined => {
  const value = query[name];
  return Array.isArray(value) ? value[0] : value;
};

/** Returns the reader of a request's query parameters, for which an empty parameter is undefined. */
export const queryOf =
  (request: HttpRequest): Query =>
  (name) =>
    parameterOf(request, name) || undefined;
