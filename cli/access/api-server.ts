/** RBAC objects on a cluster's API server, read and written with the caller's own credentials. */
import { z } from 'zod';
import type { PlainHttp, PlainHttpResponse } from '../../lambdas/adapters/clients.ts';
import { type Manifest, manifestName, RBAC_GROUP } from '../../lambdas/domain/access/manifests.ts';
import { asClause } from '../../lambdas/domain/text/text.ts';
import { CliError } from '../errors.ts';
import { EXIT_CODES } from '../exit-codes.ts';

export interface ApiServerOptions {
  /** The cluster's name, for messages. */
  cluster: string;
  http: PlainHttp;
  url: string;
  /** PEM of the authority that signed the API server's certificate. */
  certificateAuthority: string;
  /** A bearer token; asked before each call. */
  token: () => Promise<string>;
}

/** Each throws a CliError: what these credentials may not do has the exit code of a refusal. */
export interface RbacObjects {
  /** The object of that kind and name, as it is; undefined: there is none. */
  get(manifest: Manifest): Promise<unknown>;
  create(manifest: Manifest): Promise<void>;
  /** `change`: a JSON merge patch. */
  patch(manifest: Manifest, change: Record<string, unknown>): Promise<void>;
}

/** Under which the API server notes what was set, as `kubectl` does with its own name. */
const FIELD_MANAGER = 'pod-identity-grant-access';
const PLURALS: Record<Manifest['kind'], string> = {
  ClusterRole: 'clusterroles',
  ClusterRoleBinding: 'clusterrolebindings',
  Role: 'roles',
  RoleBinding: 'rolebindings',
};

const collectionOf = ({ kind, metadata: { namespace } }: Manifest): string =>
  `/apis/${RBAC_GROUP}/v1/${namespace === undefined ? '' : `namespaces/${encodeURIComponent(namespace)}/`}${PLURALS[kind]}`;

const status = z.looseObject({ message: z.string() });

const parse = (body: string): unknown => {
  try {
    return JSON.parse(body);
  } catch {
    return undefined;
  }
};

export const notKnown = (cluster: string, options?: ErrorOptions): CliError =>
  new CliError(
    'Unauthorised',
    `the API server of cluster ${cluster} does not know these credentials`,
    `Check whose they are (aws sts get-caller-identity). They need an access entry of their own:\naws eks create-access-entry --cluster-name ${cluster} --principal-arn ARN\naws eks associate-access-policy --cluster-name ${cluster} --principal-arn ARN --access-scope type=cluster \\\n  --policy-arn arn:aws:eks::aws:cluster-access-policy/AmazonEKSClusterAdminPolicy\nA new one takes some seconds to work. Or let somebody who has one run the same command.`,
    EXIT_CODES.blocked,
    options,
  );

/**
 * `said`: the API server's own words. AmazonEKSAdminPolicy is not enough:
 * github.com/aws/containers-roadmap/issues/2682.
 */
export const notAllowed = (cluster: string, what: string, said: string, options?: ErrorOptions): CliError =>
  new CliError(
    'AccessDenied',
    `these credentials may not ${what} on cluster ${cluster}: ${said}`,
    'It takes an administrator of the cluster, such as one with AmazonEKSClusterAdminPolicy (AmazonEKSAdminPolicy is not enough: it does not let anybody hand out rights).\nWhere you are none, print the RBAC objects without --apply, and let one run kubectl apply -f - with them.',
    EXIT_CODES.blocked,
    options,
  );

const refusalOf = (cluster: string, what: string, response: PlainHttpResponse): CliError => {
  const document = status.safeParse(parse(response.body));
  const said = asClause((document.success ? document.data.message : response.body).slice(0, 2000));
  if (response.status === 401) return notKnown(cluster);
  if (response.status === 403) return notAllowed(cluster, what, said);
  if (response.status === 409)
    return new CliError(
      'ChangedMeanwhile',
      `could not ${what} on cluster ${cluster}: somebody else has changed it since it was read: ${said}`,
      'Run the same command again: it begins from what is there now',
      EXIT_CODES.unexpected,
    );
  return new CliError(
    'ApiServerError',
    `the API server of cluster ${cluster} answered ${response.status} to "${what}": ${said}`,
    'Run the same command again; if it goes on, look at the health of the control plane',
    EXIT_CODES.unexpected,
  );
};

export const unreachable = (cluster: string, url: string, error: unknown): CliError => {
  const why = asClause(error instanceof Error ? error.message : String(error));
  return new CliError(
    'Unreachable',
    `the API server of cluster ${cluster} can't be reached: ${why}`,
    `Check that ${url} can be reached from here: a private endpoint can only be from within the VPC`,
    EXIT_CODES.unexpected,
    { cause: error },
  );
};

const objectPath = (manifest: Manifest): string =>
  `${collectionOf(manifest)}/${encodeURIComponent(manifest.metadata.name)}`;
const WRITE_QUERY = `fieldManager=${FIELD_MANAGER}&fieldValidation=Strict`;
const isDone = ({ status: code }: PlainHttpResponse): boolean => code >= 200 && code <= 299;

/** Throws a CliError where `what` is not JSON. */
const readDocument = ({ body }: PlainHttpResponse, what: string, url: string): unknown => {
  const document = parse(body);
  if (document === undefined)
    throw new CliError(
      'ApiServerError',
      `${what} is not JSON`,
      `Check what stands between this and ${url}`,
      EXIT_CODES.unexpected,
    );
  return document;
};

export const createRbacObjects = ({
  cluster,
  http,
  url,
  certificateAuthority,
  token,
}: ApiServerOptions): RbacObjects => {
  const exchange = async (
    method: string,
    path: string,
    body?: { type: string; content: unknown },
  ): Promise<PlainHttpResponse> => {
    const headers = {
      accept: 'application/json',
      authorization: `Bearer ${await token()}`,
      ...(body === undefined ? {} : { 'content-type': body.type }),
    };
    try {
      return await http({
        method,
        url: `${url}${path}`,
        headers,
        certificateAuthority,
        ...(body === undefined ? {} : { body: JSON.stringify(body.content) }),
      });
    } catch (error) {
      throw unreachable(cluster, url, error);
    }
  };
  const written = async (what: string, response: Promise<PlainHttpResponse>): Promise<void> => {
    const answer = await response;
    if (!isDone(answer)) throw refusalOf(cluster, what, answer);
  };
  return {
    get: async (manifest) => {
      const answer = await exchange('GET', objectPath(manifest));
      if (answer.status === 404) return undefined;
      const what = `get ${manifestName(manifest)}`;
      if (!isDone(answer)) throw refusalOf(cluster, what, answer);
      return readDocument(answer, `the answer of the API server of cluster ${cluster} to "${what}"`, url);
    },
    create: (manifest) =>
      written(
        `create ${manifestName(manifest)}`,
        exchange('POST', `${collectionOf(manifest)}?${WRITE_QUERY}`, { type: 'application/json', content: manifest }),
      ),
    patch: (manifest, content) =>
      written(
        `change ${manifestName(manifest)}`,
        exchange('PATCH', `${objectPath(manifest)}?${WRITE_QUERY}`, { type: 'application/merge-patch+json', content }),
      ),
  };
};
