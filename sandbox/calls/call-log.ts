/** Services that the application itself consists of; calls to them change nothing in the target. */
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

/** One API call with its result. */
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
   * For a call by one of the service's functions in this process: its step, the execution that invoked it, and the
   * invocation's request id.
   */
  step?: string;
  execution?: string;
  invocation?: string;
  input: unknown;
  status: number;
  error?: string;
  /**
   * The action that the caller is not allowed to perform, such as `iam:PassRole`: it may differ from the operation's
   * own.
   */
  denied?: string;
}

/** Removes the oldest entries once there are twice as many as must be kept, which is cheap on average. */
export const keepLatest = (list: unknown[], keep: number): void => {
  if (list.length > 2 * keep) list.splice(0, list.length - keep);
};

/** Number of calls of an operation in one region of one account. */
export interface CallCount extends Pick<Call, 'service' | 'operation' | 'account' | 'region'> {
  calls: number;
  /** Calls that failed, by the name of the error. */
  errors: Record<string, number>;
}

/** Every call to every service, in order; the evidence for tests and promises. */
export class CallLog {
  /** All calls, or the latest of them: at least `keep` and at most twice as many. */
  readonly calls: Call[] = [];
  private readonly listeners: ((call: Call) => void)[] = [];
  private readonly counted = new Map<string, CallCount>();
  private readonly keep: number;
  private total = 0;
  /** How many calls `counted` includes: they are counted when the counts are read, or before they are removed. */
  private totalCounted = 0;

  /** `keep` is the number of calls to keep, for runs with millions of calls. Default: all. */
  constructor({ keep = Number.POSITIVE_INFINITY }: { keep?: number | undefined } = {}) {
    this.keep = keep;
  }

  add(call: Omit<Call, 'n'>): void {
    this.total += 1;
    const entry = { n: this.total, ...call };
    this.calls.push(entry);
    if (this.calls.length > 2 * this.keep) this.countAll();
    keepLatest(this.calls, this.keep);
    for (const listener of this.listeners) listener(entry);
  }

  onCall(listener: (call: Call) => void): void {
    this.listeners.push(listener);
  }

  private countAll(): void {
    const left = this.total - this.totalCounted;
    for (const call of left === 0 ? [] : this.calls.slice(-left)) this.count(call);
    this.totalCounted = this.total;
  }

  private count({ service, operation, account, region, error }: Call): void {
    const key = `${service} ${account} ${region} ${operation}`;
    const count = this.counted.get(key) ?? { service, operation, account, region, calls: 0, errors: {} };
    this.counted.set(key, count);
    count.calls += 1;
    if (error !== undefined) count.errors[error] = (count.errors[error] ?? 0) + 1;
  }

  /** Returns the counts of all calls, including those no longer kept. */
  counts(): readonly CallCount[] {
    this.countAll();
    return [...this.counted.values()];
  }

  /** Returns the kept calls that can change the target: all mutating calls except to the application's own services. */
  mutations(): Call[] {
    return this.calls.filter((call) => call.mutating && !OWN_SERVICES.includes(call.service));
  }

  toJsonLines(): string {
    return this.calls.map((call) => `${JSON.stringify(call)}\n`).join('');
  }
}
