import type { RequiredPermission, Denial } from './permission/permission.ts';
import { isObject, type Json } from './json.ts';

/** HTTP messages in the sandbox: both transports convert their requests to these types, and services are functions of them. */
export interface HttpRequest {
  method: string;
  /** Host header, with the port if there is one. */
  host: string;
  /** Path as on the wire: still percent-encoded, without the query. */
  path: string;
  /** Decoded; a repeated key has a list. */
  query: Record<string, string | string[]>;
  /** Set if a percent sign in the query is not followed by two hexadecimal digits; the rest was decoded. */
  badQuery?: true;
  /**
   * Names in lower case; repeated headers are joined by commas, and `impersonate-…` headers, whose values may contain
   * commas, by line breaks.
   */
  headers: Record<string, string>;
  body: Uint8Array;
  /** The body as data, from a caller in this process that does not serialize it. The body is then empty. */
  content?: Json;
}

export interface HttpResponse {
  status: number;
  headers: Record<string, string>;
  body: string | Uint8Array;
  /**
   * The body as data, for a caller in this process that reads it at once: it may be part of the world. Callers must not
   * modify it.
   */
  content?: Json;
}

/** Returns the JSON object that a request carries; undefined if it carries something else. */
export const contentOf = ({ content, body }: HttpRequest): Json | undefined => {
  if (content) return content;
  try {
    const value: unknown = JSON.parse(Buffer.from(body).toString('utf8'));
    return isObject(value) ? value : undefined;
  } catch {
    return undefined;
  }
};

/** A response that is serialized only when its body is read. */
export class ContentResponse implements HttpResponse {
  readonly status: number;
  readonly headers: Record<string, string>;
  readonly content: Json;
  private readonly toText: (content: Json) => string;
  private text: string | undefined;

  constructor(
    status: number,
    headers: Record<string, string>,
    content: Json,
    toText: (content: Json) => string = JSON.stringify,
  ) {
    this.status = status;
    this.headers = headers;
    this.content = content;
    this.toText = toText;
  }

  get body(): string {
    this.text ??= this.toText(this.content);
    return this.text;
  }
}

/** The verified caller. */
export interface Caller {
  accessKeyId: string;
  /** ARN of the IAM role (not of the session) behind the key. */
  principalArn: string;
  account: string;
}

/** What a service gets about a call in addition to its request. */
export interface CallContext {
  caller: Caller;
  /** Region from the signature's credential scope. */
  region: string;
  /** Sets the operation's name and input in the call log; `input` must be plain JSON data without secrets. */
  describe(operation: string, input: unknown): void;
  /** Returns the refusal if the caller may not do that: the service returns it in its own form, without any change. */
  authorize(permission: RequiredPermission): Denial | undefined;
}

export type Service = (request: HttpRequest, context: CallContext) => Promise<HttpResponse>;
