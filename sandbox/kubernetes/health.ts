/**
 * The paths of an API server that report on the server itself: its health, its metrics and the list of its paths
 * (k8s.io/apiserver, server/healthz and server/routes). The sandbox's server is always healthy.
 */
import type { HttpRequest, HttpResponse } from '../http.ts';
import type { ClusterState } from '../world/world.ts';
import { json, noSuchPath, text } from './answers.ts';
import { discoveryPaths } from './discovery.ts';
import { gitVersionOf } from '../world/nodes.ts';

const CHECKS = ['ping', 'log', 'etcd', 'poststarthook/rbac/bootstrap-roles', 'autoregister-completion'];
const CHECKS_OF: Record<string, string[]> = {
  healthz: CHECKS,
  livez: CHECKS,
  readyz: [...CHECKS, 'etcd-readiness', 'informer-sync', 'shutdown'],
};
const HEALTH = /^\/(?<endpoint>healthz|livez|readyz)(\/(?<check>.+))?$/;

const healthOf = (request: HttpRequest, endpoint: string): HttpResponse => {
  const checks = CHECKS_OF[endpoint] ?? [];
  const excluded = [request.query['exclude'] ?? []].flat();
  const unknown = excluded.filter((check) => !checks.includes(check)).map((check) => JSON.stringify(check));
  if (request.query['verbose'] === undefined) return text(200, 'ok', { nosniff: true });
  const lines = [
    ...checks.map((check) => `[+]${check} ${excluded.includes(check) ? 'excluded: ok' : 'ok'}`),
    ...(unknown.length > 0
      ? [`warn: some health checks cannot be excluded: no matches for ${unknown.join(', ')}`]
      : []),
    `${endpoint} check passed`,
  ];
  return text(200, `${lines.join('\n')}\n`, { nosniff: true });
};

const metricsOf = (cluster: ClusterState): HttpResponse => {
  const counts = [...cluster.kube.objects].map(
    ([resource, objects]) =>
      `apiserver_storage_objects{resource="${resource.replace(/\.$/, '')}"} ${String(objects.size)}`,
  );
  const lines = [
    '# HELP apiserver_storage_objects [STABLE] Number of stored objects at the time of last check split by kind.',
    '# TYPE apiserver_storage_objects gauge',
    ...counts.sort(),
    '# HELP kubernetes_build_info [ALPHA] A metric with a constant value of 1, labeled by the version.',
    '# TYPE kubernetes_build_info gauge',
    `kubernetes_build_info{git_version="${gitVersionOf(cluster.version)}"} 1`,
  ];
  const type = 'text/plain; version=0.0.4; charset=utf-8';
  return text(200, `${lines.join('\n')}\n`, { type });
};

const pathsOf = (cluster: ClusterState): string[] =>
  [
    ...discoveryPaths(cluster),
    ...Object.entries(CHECKS_OF).flatMap(([endpoint, checks]) => [
      `/${endpoint}`,
      ...checks.map((check) => `/${endpoint}/${check}`),
    ]),
    '/metrics',
    '/openapi/v2',
    '/openapi/v3',
    '/version',
  ].sort();

/** Answers a request for the server itself; returns undefined for any other path. */
export const answerServerPath = (
  cluster: ClusterState,
  request: HttpRequest,
  path: string,
): HttpResponse | undefined => {
  if (path === '/') return json(200, { paths: pathsOf(cluster) });
  if (path === '/metrics') return metricsOf(cluster);
  const { endpoint, check } = HEALTH.exec(path)?.groups ?? {};
  if (endpoint === undefined) return undefined;
  if (check === undefined) return healthOf(request, endpoint);
  return CHECKS_OF[endpoint]?.includes(check) ? text(200, 'ok') : noSuchPath();
};
