/** Calls to one API server over HTTPS. Every call is made once: retries are the state machine's. */
import { z } from 'zod';
import { grantForms } from '../domain/access/command.ts';
import { isMigrationError, MigrationError } from '../domain/failures/errors.ts';
import type { ErrorName } from '../domain/failures/errors.ts';
import { asClause } from '../domain/text/text.ts';
import type { PlainHttp, PlainHttpResponse } from './clients.ts';
import { listOf } from './kubernetes-objects.ts';

export interface KubernetesApiOptions {
  http: PlainHttp;
  /** Where the API server is; asked once. `certificateAuthority`: base64 of a PEM, as DescribeCluster gives it. */
  endpoint: () => Promise<{ url: string; certificateAuthority?: string }>;
  /** A bearer token; asked before each call. */
  token: () => Promise<string>;
  /** The cluster's name for messages; its URL where it is left out. */
  cluster?: string;
}

/** Objects a page: what kubectl asks for. */
const PAGE = 500;
/** Pages of one list: a million objects. Whoever gives more gives no end. */
const MOST_PAGES = 2000;

const page = z.looseObject({ metadata: z.looseObject({ continue: z.string().nullish() }), items: listOf(z.unknown()) });
/** By the schema of its items: zod compiles one at its first use. */
const knownPages = new WeakMap<z.ZodType, z.ZodType>();

/** Returns the schema of a page of a list, by that of its items. */
export const pageOf = <T extends z.ZodType>(item: T) => {
  const made = () => page.extend({ items: listOf(item) });
  const known = knownPages.get(item) as ReturnType<typeof made> | undefined;
  if (known) return known;
  const schema = made();
  knownPages.set(item, schema);
  return schema;
};
const refusal = z.looseObject({ message: z.string() });

export interface CallOptions {
  /** For messages: `list pods in kube-system`. */
  what: string;
  method: 'GET' | 'PATCH' | 'POST';
  path: string;
  body?: {
    type: 'application/strategic-merge-patch+json' | 'application/merge-patch+json' | 'application/json';
    content: unknown;
  };
  /** What the calling role needs where it may not do this. */
  access?: string;
}

/** A list to read, from its first page. */
export type ListOptions = Pick<CallOptions, 'path' | 'what' | 'access'>;

const NAMESPACE_ACCESS = 'AmazonEKSEditPolicy for that namespace';
/**
 * EKS's policies for viewing and editing read no custom resources, and nothing that is outside of namespaces, such as
 * nodes and webhook configurations (EKS User Guide, "Review access policy permissions").
 */
export const CLUSTER_OBJECT_ACCESS = 'AmazonEKSAdminViewPolicy for the whole cluster';
export const ALL_NAMESPACES_ACCESS = 'AmazonEKSViewPolicy for the whole cluster';

const refusalOf = (status: number, access: string, cluster: string): [ErrorName, string] => {
  const grant = grantForms(cluster);
  if (status === 401)
    return [
      'Unauthorised',
      `Give the calling role an access entry: ${grant} makes those of the service's roles; for another role: aws eks create-access-entry. A new one takes some seconds to work.`,
    ];
  if (status === 403)
    return [
      'AccessDenied',
      `Give the calling role what it lacks: ${grant} does it for the service's roles; for another role associate ${access} with its access entry (aws eks associate-access-policy).`,
    ];
  if (status === 404) return ['NotFound', 'Check that it was not removed in the meantime.'];
  if (status === 409) return ['Busy', 'Somebody else changed it at the same moment; try again.'];
  // A page of a list that has grown too old.
  if (status === 410) return ['Busy', 'The list changed while it was read; read it again from the start.'];
  if (status === 429) return ['Throttled', 'Try again in some seconds.'];
  if (status >= 500)
    return ['ServiceUnavailable', 'Try again in some seconds; if it goes on, look at the health of the control plane.'];
  return ['InvalidRequest', "Trying again will not help; compare the call with the cluster's Kubernetes version."];
};

/** The text without the token that the call was made with: whoever repeats it must not get it into a log. */
const without = (text: string, token: string): string => text.replaceAll(token, '[token]');

/** TLS found another certificate than the cluster's authority vouches for: no retry helps. */
const CERTIFICATE = /CERT|SELF_SIGNED|UNABLE_TO_/;

const parseJson = (body: string): unknown => {
  try {
    return JSON.parse(body);
  } catch {
    return undefined;
  }
};

export const unlessNotFound = async <T>(run: () => Promise<T>): Promise<T | undefined> => {
  try {
    return await run();
  } catch (error) {
    if (isMigrationError(error, 'NotFound')) return undefined;
    throw error;
  }
};

/** Where the API server is; its `url` ends without a slash. */
interface Server {
  url: string;
  certificateAuthority?: string;
}

/** Returns the error for a call that got no answer. `why` begins its message. */
function lostConnection(error: unknown, why: string, url: string): MigrationError {
  const { code } = error as { code?: unknown };
  if (code === 'EMSGSIZE')
    return new MigrationError('InvalidRequest', `${why} Look at what answers at ${url}.`, { cause: error });
  if (typeof code === 'string' && CERTIFICATE.test(code)) {
    return new MigrationError(
      'InvalidRequest',
      `${why} Compare the certificate authority that DescribeCluster gives with what answers at ${url}; a proxy may stand in between.`,
      { cause: error },
    );
  }
  return new MigrationError(
    'ConnectionLost',
    `${why} Check that ${url} can be reached from here (VPC, security group, private endpoint); then try again.`,
    { cause: error },
  );
}

export class KubernetesApi {
  private readonly options: KubernetesApiOptions;
  private server: Server | undefined;

  constructor(options: KubernetesApiOptions) {
    this.options = options;
  }

  /** Makes one call and reads its answer. Throws a MigrationError that names the remedy. */
  async call<T extends z.ZodType>(request: CallOptions, schema: T): Promise<z.output<T>> {
    const server = await this.knownServer();
    const { cluster } = this.options;
    const token = await this.options.token();
    const response = await this.exchange(request, server, token);
    const { status } = response;
    // Whoever has the content as data makes its text only for those who ask.
    const document = response.content ?? parseJson(response.body);
    const where = `${request.what} on cluster ${cluster ?? server.url}`;
    if (status < 200 || status > 299) {
      const [name, remedy] = refusalOf(status, request.access ?? NAMESPACE_ACCESS, cluster ?? 'NAME');
      const refused = refusal.safeParse(document);
      throw new MigrationError(
        name,
        `The API server answered ${status} to ${where}: ${asClause(without(refused.success ? refused.data.message : response.body, token).slice(0, 1000))}. ${remedy}`,
      );
    }
    if (document === undefined) {
      throw new MigrationError(
        'ServiceUnavailable',
        `The API server's answer to ${where} is not JSON. Check what stands between this and ${server.url}; then try again.`,
      );
    }
    const parsed = schema.safeParse(document);
    if (parsed.success) return parsed.data;
    const [issue] = parsed.error.issues;
    throw new MigrationError(
      'InvalidRequest',
      `The API server's answer to ${where} is not as expected at ${issue?.path.join('.')}: ${issue?.message}. Check that its Kubernetes version is supported.`,
    );
  }

  /** Visits a list page by page: no page is kept. */
  async visitPages<T extends z.ZodType>(
    { path, what, access }: ListOptions,
    item: T,
    visit: (items: z.output<T>[]) => void,
  ): Promise<void> {
    let next: string | undefined;
    for (let pages = 0; pages < MOST_PAGES; pages += 1) {
      const query = new URLSearchParams({ limit: String(PAGE), ...(next ? { continue: next } : {}) });
      const { metadata, items: found } = await this.call(
        { what, method: 'GET', path: `${path}?${query.toString()}`, ...(access ? { access } : {}) },
        pageOf(item),
      );
      visit(found);
      next = metadata.continue ?? undefined;
      if (!next) return;
    }
    throw new MigrationError(
      'InvalidRequest',
      `The API server's answer to ${what} on cluster ${this.options.cluster ?? ''} has more than ${MOST_PAGES} pages. Look at what answers there.`,
    );
  }

  /** Reads all pages of a list. */
  async list<T extends z.ZodType>(options: ListOptions, item: T): Promise<z.output<T>[]> {
    const items: z.output<T>[] = [];
    await this.visitPages(options, item, (found) => void items.push(...found));
    return items;
  }

  private async knownServer(): Promise<Server> {
    if (this.server) return this.server;
    const { url, ...rest } = await this.options.endpoint();
    this.server = { ...rest, url: url.replace(/\/$/, '') };
    return this.server;
  }

  private async exchange(request: CallOptions, server: Server, token: string): Promise<PlainHttpResponse> {
    const { what, method, path, body } = request;
    const { url, certificateAuthority: authority } = server;
    const headers = { accept: 'application/json', authorization: `Bearer ${token}` };
    try {
      return await this.options.http({
        method,
        url: `${url}${path}`,
        headers: body === undefined ? headers : { ...headers, 'content-type': body.type },
        ...(body === undefined ? {} : { body: JSON.stringify(body.content) }),
        ...(authority === undefined ? {} : { certificateAuthority: Buffer.from(authority, 'base64').toString('utf8') }),
      });
    } catch (error) {
      // Of whoever stands around the call: it was not made.
      if (isMigrationError(error)) throw error;
      const { message } = error as { message?: unknown };
      const why = `Could not ${what} on cluster ${this.options.cluster ?? url}: ${asClause(without(String(message ?? error), token))}.`;
      throw lostConnection(error, why, url);
    }
  }
}
