/** Reads and writes RBAC objects on a cluster's API server, with the caller's own credentials. */
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
  /** Returns a bearer token; called before each request. */
  token: () => Promise<string>;
}

/** Each method throws a CliError; missing permissions have the exit code of a refusal. */
export interface RbacObjects {
  /** Returns the object of that kind and name, or undefined if it does not exist. */
  get(manifest: Manifest): Promise<unknown>;
  create(manifest: Manifest): Promise<void>;
  /** `change`: a JSON merge patch. */
  patch(manifest: Manifest, change: Record<string, unknown>): Promise<void>;
}

/** Field manager of the fields that this program sets. */
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
    `Check whose they are (aws sts get-caller-identity). They need an access entry:\naws eks create-access-entry --cluster-name ${cluster} --principal-arn ARN\naws eks associate-access-policy --cluster-name ${cluster} --principal-arn ARN --access-scope type=cluster \\\n  --policy-arn arn:aws:eks::aws:cluster-access-policy/AmazonEKSClusterAdminPolicy\nA new access entry takes effect after some seconds. Or have a principal with an access entry run the same command.`,
    EXIT_CODES.blocked,
    options,
  );

/**
 * Returns the error for missing permissions. `said`: message of the API server. AmazonEKSAdminPolicy is not enough:
 * github.com/aws/containers-roadmap/issues/2682.
 */
export const notAllowed = (cluster: string, what: string, said: string, options?: ErrorOptions): CliError =>
  new CliError(
    'AccessDenied',
    `these credentials may not ${what} on cluster ${cluster}: ${said}`,
    'This needs an administrator of the cluster, for example with AmazonEKSClusterAdminPolicy (AmazonEKSAdminPolicy is not enough: it does not allow granting permissions).\nOtherwise, print the RBAC objects without --apply, and have an administrator run kubectl apply -f - with them.',
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
      `could not ${what} on cluster ${cluster}: it was changed by another writer after it was read: ${said}`,
      'Run the same command again: it starts from the current state',
      EXIT_CODES.unexpected,
    );
  return new CliError(
    'ApiServerError',
    `the API server of cluster ${cluster} answered ${response.status} to "${what}": ${said}`,
    'Run the same command again; if the error persists, check the health of the control plane',
    EXIT_CODES.unexpected,
  );
};

export const unreachable = (cluster: string, url: string, error: unknown): CliError => {
  const why = asClause(error instanceof Error ? error.message : String(error));
  return new CliError(
    'Unreachable',
    `the API server of cluster ${cluster} is unreachable: ${why}`,
    `Check that ${url} is reachable from here: a private endpoint is reachable only from within the VPC`,
    EXIT_CODES.unexpected,
    { cause: error },
  );
};

const objectPath = (manifest: Manifest): string =>
  `${collectionOf(manifest)}/${encodeURIComponent(manifest.metadata.name)}`;
const WRITE_QUERY = `fieldManager=${FIELD_MANAGER}&fieldValidation=Strict`;
const isDone = ({ status: code }: PlainHttpResponse): boolean => code >= 200 && code <= 299;

/** Parses the answer to `what`. Throws a CliError if it is not JSON. */
const readDocument = ({ body }: PlainHttpResponse, what: string, url: string): unknown => {
  const document = parse(body);
  if (document === undefined)
    throw new CliError(
      'ApiServerError',
      `${what} is not JSON`,
      `Check for a proxy between this machine and ${url}`,
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
