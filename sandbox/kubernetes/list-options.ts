/**
 * The options of lists, watches and deletions of collections: how the API server reads them from the query, and which
 * ones it refuses (k8s.io/apimachinery, apis/meta/internalversion).
 */
import type { HttpRequest } from '../http.ts';
import { badRequest } from './answers.ts';
import { fieldTerms, type FieldTerm } from './field-selectors.ts';
import { labelSelector } from './selectors.ts';
import type { Selector } from '../objects/object-selector.ts';
import { parseInt64 } from './go-values.ts';
import { parameterOf } from './query.ts';
import { isSince } from './resources/served.ts';
import { type FieldError, forbidden, invalidObject, notSupported } from './validation/field-errors.ts';

export interface ListOptions {
  labels: Selector;
  fields: readonly FieldTerm[];
  /** Whether the list is restricted by a selector. */
  selected: boolean;
  watch: boolean;
  allowWatchBookmarks: boolean;
  /** Empty if not given. */
  resourceVersion: string;
  resourceVersionMatch: string;
  continue: string;
  /** Infinite if there is none. */
  limit: number;
  sendInitialEvents?: boolean;
}

const readInteger = (request: HttpRequest, name: string): number => {
  const text = parameterOf(request, name);
  if (text === undefined) return 0;
  const value = parseInt64(text);
  if (value !== undefined) return value;
  const problem = /^[+-]?\d+$/.test(text) ? 'value out of range' : 'invalid syntax';
  throw badRequest(`strconv.ParseInt: parsing ${JSON.stringify(text)}: ${problem}`);
};

/** An empty parameter counts as set: `?watch` is a watch. */
const readBoolean = (request: HttpRequest, name: string): boolean | undefined => {
  const text = parameterOf(request, name);
  return text === undefined ? undefined : text !== '0' && text.toLowerCase() !== 'false';
};

export const isWatchRequest = (request: HttpRequest): boolean => readBoolean(request, 'watch') ?? false;

/** Returns whether a version of Kubernetes streams lists as watches by default. */
const streamsLists = (version: string): boolean => version === '1.32' || isSince(version, '1.34');

const MATCH = 'resourceVersionMatch';

const listProblems = (options: ListOptions): FieldError[] => {
  const { resourceVersion, resourceVersionMatch: match } = options;
  const problems = [
    match !== '' && resourceVersion === ''
      ? forbidden(MATCH, 'resourceVersionMatch is forbidden unless resourceVersion is provided')
      : undefined,
    match !== '' && options.continue !== ''
      ? forbidden(MATCH, 'resourceVersionMatch is forbidden when continue is provided')
      : undefined,
    match !== '' && match !== 'Exact' && match !== 'NotOlderThan'
      ? notSupported(MATCH, match, ['Exact', 'NotOlderThan', ''])
      : undefined,
    match === 'Exact' && resourceVersion === '0'
      ? forbidden(MATCH, 'resourceVersionMatch "exact" is forbidden for resourceVersion "0"')
      : undefined,
    options.sendInitialEvents === undefined
      ? undefined
      : forbidden('sendInitialEvents', 'sendInitialEvents is forbidden for list'),
  ];
  return problems.filter((problem) => problem !== undefined);
};

const watchProblems = (options: ListOptions, version: string): FieldError[] => {
  const { resourceVersionMatch: match, sendInitialEvents: initial } = options;
  const problems = [
    initial !== undefined && match !== 'NotOlderThan'
      ? forbidden(MATCH, 'sendInitialEvents requires setting resourceVersionMatch to NotOlderThan')
      : undefined,
    initial !== undefined && !streamsLists(version)
      ? forbidden(
          'sendInitialEvents',
          'sendInitialEvents is forbidden for watch unless the WatchList feature gate is enabled',
        )
      : undefined,
    match !== '' && initial === undefined
      ? forbidden(MATCH, 'resourceVersionMatch is forbidden for watch unless sendInitialEvents is provided')
      : undefined,
    match !== '' && match !== 'NotOlderThan' ? notSupported(MATCH, match, ['NotOlderThan']) : undefined,
    match !== '' && options.continue !== ''
      ? forbidden(MATCH, 'resourceVersionMatch is forbidden when continue is provided')
      : undefined,
  ];
  return problems.filter((problem) => problem !== undefined);
};

/** Returns the options in a request's query. `version`: the cluster's version of Kubernetes. */
export const listOptionsOf = (request: HttpRequest, version: string): ListOptions => {
  const text = (name: string): string => parameterOf(request, name) ?? '';
  const watch = isWatchRequest(request);
  readInteger(request, 'timeoutSeconds');
  const limit = readInteger(request, 'limit');
  const sendInitialEvents = readBoolean(request, 'sendInitialEvents');
  const options: ListOptions = {
    labels: labelSelector(text('labelSelector')),
    fields: fieldTerms(text('fieldSelector')),
    selected: text('labelSelector') !== '' || text('fieldSelector') !== '',
    watch,
    allowWatchBookmarks: readBoolean(request, 'allowWatchBookmarks') ?? false,
    resourceVersion: text('resourceVersion'),
    resourceVersionMatch: text(MATCH),
    continue: text('continue'),
    limit: limit > 0 ? limit : Number.POSITIVE_INFINITY,
    ...(sendInitialEvents === undefined ? {} : { sendInitialEvents }),
  };
  const problems = watch ? watchProblems(options, version) : listProblems(options);
  if (problems.length > 0) throw invalidObject({ group: 'meta.k8s.io', kind: 'ListOptions' }, '', problems, version);
  return options;
};

/** Parses a resource version; throws the message of Go's parser with the status that `refuse` gives it. */
export const readResourceVersion = (text: string, refuse: (message: string) => Error): number => {
  const value = /^\d+$/.test(text) ? parseInt64(text) : undefined;
  if (value !== undefined) return value;
  const quoted = JSON.stringify(text);
  throw refuse(`resourceVersion: Invalid value: ${quoted}: strconv.ParseUint: parsing ${quoted}: invalid syntax`);
};
