/** What the service itself is made of, whose calls change nothing of the target. */
export const OWN_SERVICES: readonly string[] = [
  'dynamodb',
  'states',
  'lambda',
  'sts',
  'events',
  's3',
  'sns',
  'sqs',
  'execute-api',
];

/** One API call, as it was answered. */
export interface Call {
  /** Counts from 1. */
  n: number;
  /** The world's time when the request came in, ISO 8601. */
  at: string;
  /**
   * `eks`, `iam`, `sts`, `dynamodb`, `states`, `events`, `s3`, `sns`, `sqs`, `lambda`, `execute-api` or `kubernetes`.
   */
  service: string;
  operation: string;
  /** True for calls that can change something. */
  mutating: boolean;
  caller: string;
  account: string;
  region: string;
  cluster?: string;
  /**
   * Of a call that one of the service's functions made in this process: its step, the execution that invoked it, and
   * the invocation's request id.
   */
  step?: string;
  execution?: string;
  invocation?: string;
  input: unknown;
  status: number;
  error?: string;
  /** The action that the caller has no right to, such as `iam:PassRole`: it may be another than the operation's own. */
  denied?: string;
}

/** Takes away the oldest once there are twice as many as shall stay, so that it costs little. */
export const keepLatest = (list: unknown[], keep: number): void => {
  if (list.length > 2 * keep) list.splice(0, list.length - keep);
};

/** How often an operation was called in one region of one account. */
export interface CallCount extends Pick<Call, 'service' | 'operation' | 'account' | 'region'> {
  calls: number;
  /** Those of them that were answered with an error, by its name. */
  errors: Record<string, number>;
}

/** Every call to every service, in order; the tests' and the promises' witness. */
export class CallLog {
  /** All that were made, or the latest of them: `keep` and up to as many before. */
  readonly calls: Call[] = [];
  private readonly listeners: ((call: Call) => void)[] = [];
  private readonly counted = new Map<string, CallCount>();
  private readonly keep: number;
  private total = 0;

  /** `keep`: how many calls stay, for runs with millions of them. Default: all. */
  constructor({ keep = Number.POSITIVE_INFINITY }: { keep?: number | undefined } = {}) {
    this.keep = keep;
  }

  add(call: Omit<Call, 'n'>): void {
    this.total += 1;
    const entry = { n: this.total, ...call };
    this.calls.push(entry);
    keepLatest(this.calls, this.keep);
    this.count(entry);
    for (const listener of this.listeners) listener(entry);
  }

  onCall(listener: (call: Call) => void): void {
    this.listeners.push(listener);
  }

  private count({ service, operation, account, region, error }: Call): void {
    const key = `${service} ${account} ${region} ${operation}`;
    const count = this.counted.get(key) ?? { service, operation, account, region, calls: 0, errors: {} };
    this.counted.set(key, count);
    count.calls += 1;
    if (error !== undefined) count.errors[error] = (count.errors[error] ?? 0) + 1;
  }

  /** Of all calls that were made, whatever stays of them. */
  counts(): readonly CallCount[] {
    return [...this.counted.values()];
  }

  /** Calls that can change the target: everything but the service's own. Of those that are still here. */
  mutations(): Call[] {
    return this.calls.filter((call) => call.mutating && !OWN_SERVICES.includes(call.service));
  }

  toJsonLines(): string {
    return this.calls.map((call) => `${JSON.stringify(call)}\n`).join('');
  }
}
