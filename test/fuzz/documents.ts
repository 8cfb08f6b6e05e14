/**
 * Random policy documents: most have a valid shape, some with one change; some are hostile, and some have mangled text.
 */
import { Random } from '../../sandbox/random.ts';

export const ACCOUNT = '111122223333';
export const CLUSTER_ARN = `arn:aws:eks:eu-west-1:${ACCOUNT}:cluster/dev`;
export const ISSUER = 'oidc.eks.eu-west-1.amazonaws.com/id/EXAMPLED539D4633E53DE1B71EXAMPLE';

/** Returns the words of a text, which must stay in order: a seed draws by position. */
const words = (text: string): string[] => text.split(' ');

const KEYS = [
  ...words('aws:SourceAccount aws:SourceArn AWS:sourcearn aws:RequestTag/kubernetes-namespace'),
  ...words('aws:RequestTag/kubernetes-pod-name aws:TagKeys aws:SourceIp aws:CurrentTime aws:EpochTime'),
  ...words('aws:PrincipalOrgID aws:PrincipalArn aws:PrincipalIsAWSService sts:ExternalId sts:RoleSessionName'),
  `${ISSUER}:sub`,
  `${ISSUER}:aud`,
  `${ISSUER}:amr`,
  `arn:aws:iam::${ACCOUNT}:oidc-provider/${ISSUER}:sub`,
  `https://${ISSUER}:sub`,
  ...words('sts:TransitiveTagKeys aws:ResourceAccount saml:aud __proto__ constructor'),
  '',
  'no colon',
  'aws:RequestTag/',
];
const BASES = [
  ...words('StringEquals StringNotEquals StringEqualsIgnoreCase StringNotEqualsIgnoreCase StringLike'),
  ...words('StringNotLike NumericEquals NumericNotEquals NumericLessThan NumericLessThanEquals'),
  ...words('NumericGreaterThan NumericGreaterThanEquals DateEquals DateNotEquals DateLessThan'),
  ...words('DateLessThanEquals DateGreaterThan DateGreaterThanEquals Bool BinaryEquals IpAddress'),
  ...words('NotIpAddress ArnEquals ArnLike ArnNotEquals ArnNotLike Null StringMatches __proto__ toString'),
  '',
];
const VALUES: readonly unknown[] = [
  ACCOUNT,
  '444455556666',
  CLUSTER_ARN,
  'arn:aws:eks:*:*:cluster/*',
  'arn:aws:eks:*',
  '*',
  '?',
  '',
  'kube-system',
  'system:serviceaccount:kube-system:ebs-csi-controller-sa',
  'sts.amazonaws.com',
  'true',
  'false',
  true,
  false,
  0,
  -1.5,
  1e21,
  '10',
  '10.0.0.0/8',
  '::/0',
  'fe80::1%1',
  '2024-01-01',
  '2024-01-01T00:00:00Z',
  '1700000000',
  'soon',
  'QUJD',
  '${aws:SourceAccount}',
  "${aws:username, 'none'}",
  '${*}',
  '${',
  '${}',
  '${${a}}',
  'a${aws:TagKeys}b',
  '\u0000',
  '\ud800',
  '🦄',
  '%7B%22%7D',
  'null',
];
const ACTIONS = [
  ...words('sts:AssumeRole sts:TagSession sts:AssumeRoleWithWebIdentity sts:* STS:assume* * s3:GetObject'),
  ...words('sts:Assume?ole AssumeRole s?s:AssumeRole'),
  '',
  'sts:SetSourceIdentity',
];
const PRINCIPALS: Record<string, readonly string[]> = {
  Service: ['pods.eks.amazonaws.com', 'ec2.amazonaws.com', '*', '*.amazonaws.com'],
  AWS: [
    '*',
    ACCOUNT,
    `arn:aws:iam::${ACCOUNT}:root`,
    `arn:aws:iam::${ACCOUNT}:role/caller`,
    `arn:aws:sts::${ACCOUNT}:assumed-role/caller/one`,
    'arn:aws:iam::444455556666:root',
    `arn:aws:iam::${ACCOUNT}:role/*`,
    'AROAEXAMPLE',
  ],
  Federated: [`arn:aws:iam::${ACCOUNT}:oidc-provider/${ISSUER}`, 'accounts.google.com', '*'],
  CanonicalUser: ['79a59df900b949e55d96a1e698fbacedfd6e09d98eacf8f8d5218e7cd47ef2be'],
};
/** Values that may replace what belongs at a position. */
const WRONG: readonly unknown[] = [
  null,
  0,
  '',
  [],
  {},
  [[]],
  [null],
  'x',
  true,
  { a: { b: {} } },
  -0,
  1e308,
  'Allow',
  '*',
];
const HOSTILE_KEYS = [
  ...words('__proto__ constructor toString hasOwnProperty effect Effect Principal Resource NotResource'),
  ...words('NotPrincipal NotAction Comment'),
  '\u0000',
  ...words('Statement Version Id'),
  'x'.repeat(300),
];

export interface FuzzedDocument {
  /** As parsePolicy receives it. */
  source: unknown;
  /** Characters of its JSON text, before any URL encoding. */
  length: number;
}

type Draw = <T>(from: readonly T[]) => T;

export class DocumentSource {
  private readonly random: Random;

  constructor(seed: number) {
    this.random = new Random(seed);
  }

  next(): FuzzedDocument {
    const document = this.chance(0.02) ? this.hostile() : this.document();
    if (this.chance(0.25)) this.mutate(document);
    const text = JSON.stringify(document, null, this.pick([undefined, undefined, 1, '\t']));
    if (this.chance(0.1)) return this.written(this.mangle(text));
    return this.chance(0.3) ? { source: document, length: JSON.stringify(document).length } : this.written(text);
  }

  private written(text: string): FuzzedDocument {
    if (!this.chance(0.3)) return { source: text, length: text.length };
    return {
      source: text.isWellFormed() ? encodeURIComponent(text) : encodeURI(text.toWellFormed()),
      length: text.length,
    };
  }

  private chance(probability: number): boolean {
    return this.random.next() < probability;
  }

  private readonly pick: Draw = (from) => {
    const found = from[this.random.integer(from.length)];
    // The list must not be empty; an entry may be `undefined` itself.
    return found as (typeof from)[number];
  };

  private some<T>(from: readonly T[]): T | T[] {
    return this.chance(0.6) ? this.pick(from) : Array.from({ length: this.random.integer(4) }, () => this.pick(from));
  }

  private document(): unknown {
    const count = this.chance(0.5) ? 1 : 1 + this.random.integer(4);
    const statements = Array.from({ length: count }, (_, index) => this.statement(index));
    return {
      ...(this.chance(0.9) ? { Version: this.pick(['2012-10-17', '2012-10-17', '2012-10-17', '2008-10-17']) } : {}),
      ...(this.chance(0.1) ? { Id: 'id' } : {}),
      Statement: count === 1 && this.chance(0.4) ? statements[0] : statements,
    };
  }

  private statement(index: number): object {
    return {
      ...(this.chance(0.5) ? { Sid: `S${this.chance(0.97) ? index : 0}` } : {}),
      Effect: this.chance(0.75) ? 'Allow' : 'Deny',
      [this.chance(0.97) ? 'Principal' : 'NotPrincipal']: this.principal(),
      [this.chance(0.93) ? 'Action' : 'NotAction']: this.chance(0.6)
        ? this.pick([['sts:AssumeRole', 'sts:TagSession'], 'sts:AssumeRole', 'sts:AssumeRoleWithWebIdentity'])
        : this.some(ACTIONS.filter((one) => one.includes(':') || one === '*')),
      ...(this.chance(0.6) ? { Condition: this.condition() } : {}),
    };
  }

  private principal(): unknown {
    if (this.chance(0.1)) return this.chance(0.2) ? '*' : { AWS: '*' };
    if (this.chance(0.5)) return { Service: 'pods.eks.amazonaws.com' };
    const type = this.pick(Object.keys(PRINCIPALS));
    return { [type]: this.some(PRINCIPALS[type] ?? []) };
  }

  private condition(): object {
    return Object.fromEntries(Array.from({ length: 1 + this.random.integer(3) }, () => [this.operator(), this.keys()]));
  }

  private operator(): string {
    const set = this.chance(0.15) ? this.pick(['ForAllValues:', 'ForAnyValue:', 'forallvalues:', 'ForSome:']) : '';
    return `${set}${this.pick(BASES)}${this.chance(0.2) ? 'IfExists' : ''}`;
  }

  private keys(): object {
    return Object.fromEntries(
      Array.from({ length: 1 + this.random.integer(2) }, () => [this.pick(KEYS), this.some(VALUES)]),
    );
  }

  /** Documents that are meant to be slow, deep or large. */
  private hostile(): unknown {
    const size = 1 + this.random.integer(1 + this.random.integer(2000));
    const like = (wanted: unknown): object => ({ StringLike: { 'aws:SourceArn': wanted } });
    const condition = this.pick<() => object>([
      () => like(`${'*a'.repeat(size)}b`),
      () => like(`${'*?'.repeat(size)}x`),
      () => like(Array.from({ length: size }, (_, index) => `*${index}*`)),
      () => like('${aws:SourceArn}'.repeat(size)),
      () => like('${'.repeat(size)),
      () => ({ IpAddress: { 'aws:SourceIp': ':'.repeat(size) } }),
      () => ({ ArnLike: { 'aws:SourceArn': ':*'.repeat(size) } }),
      () => ({ 'ForAllValues:StringLike': { 'aws:TagKeys': Array.from({ length: size }, () => '*-*-*x') } }),
      () => Object.fromEntries(Array.from({ length: size }, (_, index) => [`StringLike${index}`, { k: 'v' }])),
      () => ({
        StringEquals: Object.fromEntries(Array.from({ length: size }, (_, index) => [`aws:RequestTag/${index}`, ''])),
      }),
      () => this.nested(size),
    ])();
    const statement = {
      Effect: this.pick(['Allow', 'Deny']),
      Principal: { Service: 'pods.eks.amazonaws.com' },
      Action: this.chance(0.5) ? 'sts:*' : Array.from({ length: size }, () => 'sts:*e*'),
      Condition: condition,
    };
    return {
      Version: '2012-10-17',
      Statement: this.chance(0.2) ? Array.from({ length: 20 }, () => statement) : statement,
    };
  }

  private nested(depth: number): object {
    let value: object = {};
    for (let level = 0; level < depth; level += 1) value = this.chance(0.5) ? [value] : { a: value };
    return value;
  }

  /** Puts something wrong at one position, removes something, or adds what does not belong there. */
  private mutate(value: unknown): void {
    if (typeof value !== 'object' || value === null) return;
    const names = Object.keys(value);
    const name = this.pick(names);
    const child = name === undefined ? undefined : (value as Record<string, unknown>)[name];
    if (typeof child === 'object' && child !== null && this.chance(0.7)) return this.mutate(child);
    const added = this.chance(0.3) || name === undefined ? this.pick(HOSTILE_KEYS) : name;
    if (added === name && this.chance(0.3)) Reflect.deleteProperty(value, name);
    else
      Object.defineProperty(value, added, {
        value: this.pick(WRONG),
        enumerable: true,
        configurable: true,
        writable: true,
      });
  }

  /** Returns the text with some of its characters removed, doubled or replaced. */
  private mangle(text: string): string {
    let mangled = text;
    for (let times = 1 + this.random.integer(3); times > 0; times -= 1) {
      const at = this.random.integer(mangled.length + 1);
      const [before, after] = [mangled.slice(0, at), mangled.slice(at)];
      mangled = this.pick<() => string>([
        () => before,
        () => before + after.slice(1 + this.random.integer(3)),
        () =>
          `${before}${this.pick(['"', '{', '}', '[', ']', ',', ':', '\\', '\n', '\u0000', '%', 'é', '\ud800', '0', '-', '/*'])}${after}`,
        () => before + before.slice(-5) + after,
        () => after + before,
      ])();
    }
    return mangled;
  }
}
