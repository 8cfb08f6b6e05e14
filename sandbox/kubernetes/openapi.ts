/** OpenAPI documents: the paths of a cluster's resources and their operations, without schemas. */
import type { HttpRequest, HttpResponse } from '../http.ts';
import type { ClusterState } from '../world/world.ts';
import { json, text } from './answers.ts';
import { acceptedBy } from './negotiation.ts';
import { gitVersionOf } from '../world/nodes.ts';
import { groupsOf, verbsOf } from './resources/served.ts';

/** Parameters of writes. kubectl checks for `fieldValidation` to learn whether the server validates what it sends. */
const PARAMETERS = ['dryRun', 'fieldManager', 'fieldValidation'].map((name) => ({
  name,
  in: 'query',
  schema: { type: 'string', uniqueItems: true },
}));

const OPERATIONS = { delete: 'delete', get: 'get', patch: 'patch', update: 'put' } as const;

const pathOf = (group: string, version: string): string =>
  group === '' ? `api/${version}` : `apis/${group}/${version}`;

/** Returns the path of each resource of a group with the operations on one object. */
const pathsOf = (cluster: ClusterState, group: string, version: string): Record<string, unknown> => {
  const found = groupsOf(cluster.version).find((each) => each.group === group && each.versions.includes(version));
  return Object.fromEntries(
    (found?.resources ?? []).map((row) => {
      const operation = (action: string): unknown => ({
        'x-kubernetes-action': action,
        'x-kubernetes-group-version-kind': { group, version, kind: row.kind },
        parameters: PARAMETERS,
        responses: { 200: { description: 'OK' } },
      });
      const operations = Object.entries(OPERATIONS).filter(([verb]) => verbsOf(row).includes(verb));
      const scope = row.namespaced === false ? '' : 'namespaces/{namespace}/';
      return [
        `/${pathOf(group, version)}/${scope}${row.plural}/{name}`,
        Object.fromEntries(operations.map(([verb, method]) => [method, operation(verb)])),
      ];
    }),
  );
};

/** Returns the answer with a document. The list of documents is the one that is sent as text. */
export const openApiAnswer = (request: HttpRequest, path: string, document: unknown): HttpResponse => {
  if (path === '/openapi/v3') return text(200, JSON.stringify(document));
  if (path !== '/openapi/v2') return json(200, document);
  // Clients that want Protobuf alone cannot be served: their parsers accept nothing else.
  acceptedBy(request);
  return json(200, document, { vary: 'Accept-Encoding, Accept' });
};

const versionsOf = (cluster: ClusterState): [group: string, version: string][] =>
  groupsOf(cluster.version).flatMap(({ group, versions }) =>
    versions.map((version): [string, string] => [group, version]),
  );

/** Returns the OpenAPI document at a path; undefined for any other path. */
export const openApiAt = (cluster: ClusterState, path: string): unknown => {
  const info = { title: 'Kubernetes', version: gitVersionOf(cluster.version) };
  const all = versionsOf(cluster);
  if (path === '/openapi/v2')
    return {
      swagger: '2.0',
      info,
      paths: Object.assign({}, ...all.map(([group, version]) => pathsOf(cluster, group, version))) as unknown,
      definitions: {},
    };
  if (path === '/openapi/v3')
    return {
      paths: Object.fromEntries(
        all.map(([group, version]) => [
          pathOf(group, version),
          { serverRelativeURL: `/openapi/v3/${pathOf(group, version)}` },
        ]),
      ),
    };
  // Clients cannot read schemas of custom resources here.
  const [group, version] = all.find((each) => path === `/openapi/v3/${pathOf(...each)}`) ?? [];
  if (group === undefined || version === undefined) return undefined;
  return { openapi: '3.0.0', info, components: { schemas: {} }, paths: pathsOf(cluster, group, version) };
};
