/** Calls an API server over HTTPS. It does not retry, because the state machine does. */
import { z } from 'zod';
import { grantForms } from '../domain/access/command.ts';
import { isMigrationError, MigrationError } from '../domain/failures/errors.ts';
import type { ErrorName } from '../domain/failures/errors.ts';
import { asClause } from '../domain/text/text.ts';
import type { PlainHttp, PlainHttpResponse } from './clients.ts';
import { listOf } from './api-schemas.ts';
import { weightOf } from './weight.ts';

export interface KubernetesApiOptions {
  http: PlainHttp;
  /**
   * Returns the location of the API server; called once. `certificateAuthority` is a base64-encoded PEM, as in
   * DescribeCluster.
   */
  endpoint: () => Promise<{ url: string; certificateAuthority?: string }>;
  /** Returns a bearer token; called before each request. */
  token: () => Promise<string>;
  /** The cluster's name for messages. Default: its URL. */
  cluster?: string;
}

/** Objects in a page, as in kubectl. */
const PAGE = 500;
/**
 * Maximum number of objects that the pages of a list may have together. A server whose list has more probably never ends
 * it. The largest clusters have 150,000 pods (Kubernetes documentation, "Considerations for large clusters").
 */
const MOST_OBJECTS = 1_000_000;
/**
 * Maximum size in bytes, as `weightOf` estimates it, of what is kept of a list: a third of a Lambda's memory. It is enough
 * for 5,000 pods of 20 KB, even if all of it is environment variables, which are kept.
 */
export const MOST_KEPT = 192 * 1024 * 1024;

const page = z.looseObject({ metadata: z.looseObject({ continue: z.string().nullish() }), items: listOf(z.unknown()) });
/** Cached schemas of pages by the schema of their items, because zod compiles a schema at its first use. */
const knownPages = new WeakMap<z.ZodType, z.ZodType>();

/** Returns the schema of a page of a list, given the schema of its items. */
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
  /** Name of the call in messages, such as `list pods in kube-system`. */
  what: string;
  method: 'GET' | 'PATCH' | 'POST';
  path: string;
  body?: {
    type: 'application/strategic-merge-patch+json' | 'application/merge-patch+json' | 'application/json';
    content: unknown;
  };
  /** The access policy that the calling role needs for this call. */
  access?: string;
}

/** A list to read. */
export type ListOptions = Pick<CallOptions, 'path' | 'what' | 'access'>;

const NAMESPACE_ACCESS = 'AmazonEKSEditPolicy for that namespace';
/**
 * The access policy for objects that EKS's view and edit policies do not include: custom resources and cluster-scoped
 * objects such as nodes and webhook configurations (EKS User Guide, "Review access policy permissions").
 */
export const CLUSTER_OBJECT_ACCESS = 'AmazonEKSAdminViewPolicy for the whole cluster';
export const ALL_NAMESPACES_ACCESS = 'AmazonEKSViewPolicy for the whole cluster';

/**
 * What an API server answers each time if it can't convert or decode stored objects: a conversion webhook whose software is
 * gone, or a version that the definition no longer has. Source: github.com/kubernetes/kubernetes, apiextensions-apiserver,
 * pkg/apiserver/conversion, and apiserver, pkg/storage/etcd3/corrupt_obj_deleter.go.
 */
const UNREADABLE_OBJECTS =
  /conversion webhook for |request to convert CR from an invalid group\/version|failed to read one or more .* from the storage/;

const refusalOf = (status: number, access: string, cluster: string, text: string): [ErrorName, string] => {
  const grant = grantForms(cluster);
  if (status === 401)
    return [
      'Unauthorised',
      `Create an access entry for the calling role, which takes a few seconds to take effect; for another role than the service's, with EKS's CreateAccessEntry, otherwise: ${grant}`,
    ];
  if (status === 403)
    return [
      'AccessDenied',
      `Grant the calling role the missing permission; for another role than the service's, associate ${access} with its access entry (AssociateAccessPolicy), otherwise: ${grant}`,
    ];
  if (status === 404) return ['NotFound', 'Check that it was not removed in the meantime.'];
  if (status === 409) return ['Busy', 'The object was changed concurrently; try again.'];
  // The continue token of a list has expired.
  if (status === 410) return ['Busy', 'The list expired while it was read; read it again from the start.'];
  if (status === 429) return ['Throttled', 'Try again in a few seconds.'];
  if (status >= 500 && UNREADABLE_OBJECTS.test(text))
    return [
      'InvalidRequest',
      'A retry will not help; repair the conversion of these objects, or remove their definition if its software is gone.',
    ];
  if (status >= 500)
    return [
      'ServiceUnavailable',
      'Try again in a few seconds; if the error persists, check the health of the control plane.',
    ];
  return ['InvalidRequest', "A retry will not help; check that the cluster's Kubernetes version supports the call."];
};

/** Returns the text without the token of the call, which must not be logged. */
const without = (text: string, token: string): string => text.replaceAll(token, '[token]');

/** Errors of TLS for a certificate that the cluster's authority did not sign. A retry does not help. */
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

/** Code of the error for an answer that is longer than the transport accepts. */
const TOO_LONG = 'EMSGSIZE';
const isTooLong = (error: unknown): boolean =>
  error instanceof MigrationError && (error.cause as { code?: unknown } | undefined)?.code === TOO_LONG;

/** Location of the API server; its `url` does not end with a slash. */
interface Server {
  url: string;
  certificateAuthority?: string;
}

/** Returns the error for a call without a response. Its message begins with `why`. */
function lostConnection(error: unknown, why: string, url: string): MigrationError {
  const { code } = error as { code?: unknown };
  // A principal that may write to the cluster can make an answer long: it is waited out like an answer that never comes.
  if (code === TOO_LONG)
    return new MigrationError('ServiceUnavailable', `${why} Check what responds at ${url}.`, { cause: error });
  if (typeof code === 'string' && CERTIFICATE.test(code)) {
    return new MigrationError(
      'InvalidRequest',
      `${why} Compare the certificate authority in DescribeCluster with the certificate at ${url}; there may be a proxy in between.`,
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

  /** Makes a call and reads its response. Throws a `MigrationError` with a remedy. */
  async call<T extends z.ZodType>(request: CallOptions, schema: T): Promise<z.output<T>> {
    const server = await this.knownServer();
    const { cluster } = this.options;
    const token = await this.options.token();
    const response = await this.exchange(request, server, token);
    const { status } = response;
    // A responder that has the content as data generates its text only on demand.
    const document = response.content ?? parseJson(response.body);
    const where = `${request.what} on cluster ${cluster ?? server.url}`;
    if (status < 200 || status > 299) {
      const refused = refusal.safeParse(document);
      const text = refused.success ? refused.data.message : response.body;
      const [name, remedy] = refusalOf(status, request.access ?? NAMESPACE_ACCESS, cluster ?? 'NAME', text);
      throw new MigrationError(
        name,
        `The API server answered ${status} to ${where}: ${asClause(without(text, token).slice(0, 1000))}. ${remedy}`,
      );
    }
    if (document === undefined) {
      throw new MigrationError(
        'ServiceUnavailable',
        `The API server's answer to ${where} is not JSON. Check for a proxy in front of ${server.url}; then try again.`,
      );
    }
    return this.parsed(document, schema, where);
  }

  private parsed<T extends z.ZodType>(
    document: unknown,
    schema: T,
    where: string,
    at: PropertyKey[] = [],
  ): z.output<T> {
    const parsed = schema.safeParse(document);
    if (parsed.success) return parsed.data;
    const [issue] = parsed.error.issues;
    throw new MigrationError(
      'InvalidRequest',
      `The API server's answer to ${where} is invalid at ${[...at, ...(issue?.path ?? [])].join('.')}: ${issue?.message}. Check that its Kubernetes version is supported.`,
    );
  }

  /** Returns the error of a list that is too large to be read. Like any answer that can't be used now, it is waited out. */
  private tooLarge(what: string, how: string, cause?: unknown): MigrationError {
    return new MigrationError(
      'ServiceUnavailable',
      `Could not ${what} on cluster ${this.options.cluster ?? this.server?.url ?? ''}: ${how}. Find out with kubectl which objects of the list are so large or so many, and who creates them; then try again.`,
      { cause },
    );
  }

  /**
   * Visits a list page by page, without keeping pages. A page that is too long is read again in smaller ones, down to a
   * single object.
   */
  async visitPages<T extends z.ZodType>(
    { path, what, access }: ListOptions,
    item: T,
    visit: (items: z.output<T>[]) => void,
  ): Promise<void> {
    let next: string | undefined;
    let limit = PAGE;
    const where = `${what} on cluster ${this.options.cluster ?? ''}`;
    for (let objects = 0; objects < MOST_OBJECTS;) {
      const query = new URLSearchParams({ limit: String(limit), ...(next ? { continue: next } : {}) });
      const request = {
        what,
        method: 'GET',
        path: `${path}?${query.toString()}`,
        ...(access ? { access } : {}),
      } as const;
      try {
        const { metadata, items } = await this.call(request, page);
        // One by one, so that of a page with many invalid objects only the first is described.
        visit(items.map((one, index) => this.parsed(one, item, where, ['items', index])));
        objects += Math.max(limit, items.length);
        next = metadata.continue ?? undefined;
      } catch (error) {
        if (!isTooLong(error)) throw error;
        const { cause } = error as { cause: Error };
        if (limit === 1) throw this.tooLarge(what, `${cause.message}, also for a page of a single object`, cause);
        limit = Math.floor(limit / 2);
        continue;
      }
      if (!next) return;
    }
    throw this.tooLarge(what, `the list has more than ${MOST_OBJECTS} objects`);
  }

  /** Reads all pages of a list. */
  async list<T extends z.ZodType>(options: ListOptions, item: T): Promise<z.output<T>[]> {
    const items: z.output<T>[] = [];
    let kept = 0;
    await this.visitPages(options, item, (found) => {
      for (const one of found) {
        kept += weightOf(one);
        items.push(one);
      }
      if (kept > MOST_KEPT)
        throw this.tooLarge(options.what, `what is needed of it is more than ${MOST_KEPT >> 20} MB`);
    });
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
      // An error of `around`, which did not make the call.
      if (isMigrationError(error)) throw error;
      const { message } = error as { message?: unknown };
      const why = `Could not ${what} on cluster ${this.options.cluster ?? url}: ${asClause(without(String(message ?? error), token))}.`;
      throw lostConnection(error, why, url);
    }
  }
}
