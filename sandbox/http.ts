import type { Asked, Denial } from './authorization/asked.ts';
import { isObject, type Json } from './json.ts';

/**
 * The wire as the sandbox sees it: what both transports turn their requests into, and what every service is a function
 * of.
 */
export interface HttpRequest {
  method: string;
  /** Host header, with the port where there is one. */
  host: string;
  /** Path as on the wire: still percent-encoded, without the query. */
  path: string;
  /** Decoded; a key that comes several times has a list. */
  query: Record<string, string | string[]>;
  /** The query has a percent sign that is not followed by two hexadecimal digits; it was decoded as well as it can be. */
  badQuery?: true;
  /**
   * Names in lower case; what comes several times is joined by commas, and in `impersonate-…`, whose values may have
   * commas, by line breaks.
   */
  headers: Record<string, string>;
  body: Uint8Array;
  /** What the body would say: of a caller in this process, who makes no text of it. The body is empty then. */
  content?: Json;
}

export interface HttpResponse {
  status: number;
  headers: Record<string, string>;
  body: string | Uint8Array;
  /**
   * What the body says, for a caller in this process, who reads it at once: it may be part of the world. Nobody may
   * change it.
   */
  content?: Json;
}

/** The JSON object that a request carries; undefined where it carries something else. */
export const contentOf = ({ content, body }: HttpRequest): Json | undefined => {
  if (content) return content;
  try {
    const value: unknown = JSON.parse(Buffer.from(body).toString('utf8'));
    return isObject(value) ? value : undefined;
  } catch {
    return undefined;
  }
};

/** An answer whose text is only made when somebody reads it. */
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

/** Who calls, once the signature is verified. */
export interface Caller {
  accessKeyId: string;
  /** ARN of the IAM role (not of the session) behind the key. */
  principalArn: string;
  account: string;
}

/** What a service learns about a call beside its request; it reports the operation's name for the call log. */
export interface CallContext {
  caller: Caller;
  /** Region from the signature's credential scope. */
  region: string;
  /** Sets what the call log shows; `input` must be plain JSON data without secrets. */
  describe(operation: string, input: unknown): void;
  /** The refusal, where the caller may not do that: the service answers it in its own form, and has changed nothing. */
  authorize(asked: Asked): Denial | undefined;
}

export type Service = (request: HttpRequest, context: CallContext) => Promise<HttpResponse>;
