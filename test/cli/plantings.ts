/** Answers of EKS, IAM and API servers with a marker in every string, made from the types by which they are read. */
import { NormalizedSchema } from '@smithy/core/schema';
import { z } from 'zod';
import { Reader } from '../../cli/record/reader.ts';
import { type CallOptions, KubernetesApi, type ListOptions } from '../../lambdas/adapters/kubernetes-api.ts';
import { ClientFactory } from '../../lambdas/adapters/clients.ts';
import { type Shape, shapeOf } from '../../sandbox/shapes.ts';

/** A text that is no name, and is found again wherever it is written. */
const MARKER = /hunter2x\d+q/g;

/**
 * What a string must be so that the recorder goes on, `$` being a marker; a template of an object without a type; a
 * document as JSON; or what the request named. The n-th item of a list has the n-th form.
 */
export type Form =
  | string
  | boolean
  | undefined
  | { document: object }
  | { template: object }
  | { closed: object }
  | ((input: never) => string);
export type Forms = readonly (readonly [where: RegExp, ...forms: Form[]])[];

/** How many items a list has; 1 otherwise. */
export type Counts = readonly (readonly [where: RegExp, count: number])[];

/** Keys that records have in addition to a marker. */
export type Keys = readonly string[];

export class Planter {
  /** Each marker, with the kind and the path at which it was planted. */
  readonly planted = new Map<string, string>();
  /** Everything that was read, and every string of it. */
  readonly kinds = new Set<string>();
  readonly strings = new Set<string>();
  private readonly calls = new Map<string, number>();
  private readonly forms: Forms;
  private readonly counts: Counts;
  private readonly keys: Keys;

  constructor(forms: Forms, counts: Counts, keys: Keys) {
    this.forms = forms;
    this.counts = counts;
    this.keys = keys;
  }

  private mark(where: string): string {
    const marker = `hunter2x${this.planted.size}q`;
    this.planted.set(marker, where);
    return marker;
  }

  private formAt(where: string, index: number): Form {
    const [, ...forms] = this.forms.find(([pattern]) => pattern.test(where)) ?? [undefined, '$'];
    return forms[index % forms.length];
  }

  private marked(text: string, where: string): string {
    return text.replaceAll('$', () => this.mark(where));
  }

  /** Fills a template. If it is open, each of its objects has one more field. */
  private filled(value: unknown, where: string, open: boolean): unknown {
    if (typeof value === 'string') return this.marked(value, where);
    if (Array.isArray(value)) return value.map((one: unknown) => this.filled(one, where, open));
    if (typeof value !== 'object' || value === null) return value;
    const fields = Object.entries(value).map(([key, inner]) => [
      this.marked(key, `${where}{key}`),
      this.filled(inner, `${where}.${key}`, open),
    ]);
    return Object.fromEntries(open ? [...fields, ['other', this.mark(`${where}.other`)]] : fields);
  }

  private text(where: string, index: number, input: object): unknown {
    this.strings.add(where);
    const form = this.formAt(where, index);
    if (typeof form === 'string') return this.marked(form, where);
    if (typeof form === 'function') return this.echo(where, form(input as never));
    if (typeof form !== 'object') return form;
    if ('closed' in form) return this.filled(form.closed, where, false);
    return 'document' in form
      ? JSON.stringify(this.filled(form.document, where, false))
      : this.filled(form.template, where, true);
  }

  /** What a request named was planted where it was read. */
  private echo(where: string, text: string): string {
    this.planted.set(`echo of ${where}`, where);
    return text;
  }

  private items<T>(where: string, index: number, make: (at: number) => T): T[] {
    const count = this.counts.find(([pattern]) => pattern.test(where))?.[1] ?? 1;
    return count === 1 ? [make(index)] : Array.from({ length: count }, (_, at) => make(at));
  }

  private entries<T>(where: string, make: (key: string) => T): Record<string, T> {
    const marker = this.mark(`${where}{key}`);
    return Object.fromEntries([
      ...this.keys.map((key) => [key, make(`${where}.${key}`)] as const),
      [marker, make(`${where}.$`)] as const,
    ]);
  }

  /** Returns an answer of AWS. */
  answerOf(kind: string, shape: Shape, input: object): unknown {
    this.kinds.add(kind);
    const call = this.calls.get(kind) ?? 0;
    this.calls.set(kind, call + 1);
    const made = (one: Shape, where: string, index: number): unknown => {
      if (one.kind === 'structure')
        return Object.fromEntries(
          one.members.map((each) => [each.name, made(each.shape, `${where}.${each.name}`, index)]),
        );
      if (one.kind === 'list') return this.items(where, index, (at) => made(one.value(), where, at));
      if (one.kind === 'map') return this.entries(where, (at) => made(one.value(), at, index));
      if (one.kind === 'string') return this.text(where, index, input);
      if (one.kind === 'timestamp') return new Date('2026-01-01T00:00:00Z');
      if (one.kind === 'other') throw new Error(`nothing is planted at ${where}, whose type is ${one.name}`);
      return one.kind === 'number' ? 1 : (this.formAt(where, index) ?? false) === true;
    };
    return made(shape, kind, call);
  }

  /** Returns a value of the type. Throws for a type that has no plantings. */
  valueOf(schema: unknown, where: string, index: number): unknown {
    if (schema instanceof z.ZodNullable && this.formAt(where, index) === false) return null;
    if (schema instanceof z.ZodPipe) return this.valueOf(schema.def.in, where, index);
    if (
      schema instanceof z.ZodOptional ||
      schema instanceof z.ZodNullable ||
      schema instanceof z.ZodDefault ||
      schema instanceof z.ZodPrefault
    )
      return this.valueOf(schema.def.innerType, where, index);
    if (schema instanceof z.ZodObject) {
      const fields = Object.entries(schema.shape);
      return {
        ...Object.fromEntries(fields.map(([key, inner]) => [key, this.valueOf(inner, `${where}.${key}`, index)])),
        ...(schema.def.catchall ? { other: this.mark(`${where}.other`) } : {}),
      };
    }
    if (schema instanceof z.ZodArray && this.formAt(where, index) === false) return [];
    if (schema instanceof z.ZodArray)
      return this.items(where, index, (at) => this.valueOf(schema.def.element, where, at));
    const isOpen =
      schema instanceof z.ZodUnknown || (schema instanceof z.ZodRecord && schema.def.valueType instanceof z.ZodUnknown);
    if (isOpen && typeof this.formAt(where, index) !== 'object') throw new Error(`nothing is planted at ${where}`);
    if (schema instanceof z.ZodRecord && !isOpen)
      return this.entries(where, (at) => this.valueOf(schema.def.valueType, at, index));
    if (schema instanceof z.ZodEnum) return schema.options[0];
    if (schema instanceof z.ZodNumber) return 1;
    if (schema instanceof z.ZodBoolean) return this.formAt(where, index) !== false;
    if (isOpen || schema instanceof z.ZodString || schema instanceof z.ZodUnion) return this.text(where, index, {});
    throw new Error(`nothing is planted at ${where}, whose type is not known`);
  }

  /** Returns the strings that no marker is in. */
  missing(): string[] {
    const planted = new Set(this.planted.values());
    return [...this.strings].filter(
      (where) => ![...planted].some((one) => one === where || one.startsWith(`${where}.`)),
    );
  }

  /** Returns where the markers in a text were planted, by kind. */
  foundIn(text: string): Record<string, string> {
    const places = new Set([...text.matchAll(MARKER)].map(([marker]) => this.planted.get(marker) ?? marker));
    const all: Record<string, string[]> = Object.fromEntries([...this.kinds].sort().map((kind) => [kind, []]));
    for (const place of [...places].sort()) {
      const kind =
        [...this.kinds].filter((one) => place.startsWith(one)).sort((a, b) => b.length - a.length)[0] ?? place;
      (all[kind] ??= []).push(place.slice(kind.length + 1));
    }
    // Where a marker is a key, all other keys are there, too.
    const withoutKeys = (paths: string[]): string[] =>
      paths.filter(
        (path) =>
          !this.keys.some((key) => path.endsWith(`.${key}`) && paths.includes(`${path.slice(0, -key.length)}$`)),
      );
    return Object.fromEntries(
      Object.entries(all).map(([kind, paths]) => [kind.replace('GET ', ''), withoutKeys(paths).join(' ')]),
    );
  }

  private kindOf(path: string): string {
    const kind = `GET ${path.replaceAll(MARKER, '$')}`;
    this.kinds.add(kind);
    return kind;
  }

  /** Returns an API server that answers each call by the schema with which it is read. */
  api(items: number): KubernetesApi {
    const whole = <T extends z.ZodType>({ path }: CallOptions, schema: T): z.output<T> =>
      schema.parse(this.valueOf(schema, this.kindOf(path), 0));
    const pages = <T extends z.ZodType>({ path }: ListOptions, item: T): z.output<T>[] => {
      const kind = this.kindOf(path);
      return Array.from({ length: items }, (_, at) => item.parse(this.valueOf(item, kind, at)));
    };
    return new (class extends KubernetesApi {
      override call<T extends z.ZodType>(request: CallOptions, schema: T): Promise<z.output<T>> {
        return Promise.resolve(whole(request, schema));
      }
      override async visitPages<T extends z.ZodType>(
        options: ListOptions,
        item: T,
        visit: (page: z.output<T>[]) => void | Promise<void>,
      ): Promise<void> {
        await visit(pages(options, item));
      }
    })({
      cluster: 'twin',
      http: () => Promise.reject(new Error('no call leaves the test')),
      endpoint: () => Promise.reject(new Error('no call leaves the test')),
      token: async () => '',
    });
  }

  /** Returns a reader of a cluster whose answers all have markers. */
  reader(target: Reader['target'], items: number): Reader {
    const send = (command: { input: object; constructor: { name: string }; schema: unknown[] }): Promise<unknown> =>
      Promise.resolve(
        this.answerOf(
          command.constructor.name.replace(/Command$/, ''),
          shapeOf(NormalizedSchema.of(command.schema[5] as never)),
          command.input,
        ),
      );
    const clients = new ClientFactory({
      region: target.region,
      credentials: { accessKeyId: 'a', secretAccessKey: 'b' },
      transport: {
        http: () => Promise.reject(new Error('no call leaves the test')),
        clientFor: (Class, _service, config) => Object.assign(new Class(config), { send }),
      },
    });
    const api = this.api(items);
    let now = Date.parse('2026-01-01T00:00:00Z');
    return new (class extends Reader {
      override api(): KubernetesApi {
        return api;
      }
    })({
      clients,
      target,
      progress: () => {},
      clock: {
        now: () => now,
        sleep: (milliseconds) => {
          now += milliseconds;
          return Promise.resolve();
        },
      },
    });
  }
}
