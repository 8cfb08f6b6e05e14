/** Calls of `record`: at a limited rate, with retries, and with a note of what they need and what was refused. */
import type { EKSClient } from '@aws-sdk/client-eks';
import type { IAMClient } from '@aws-sdk/client-iam';
import type { ClientFactory } from '../../lambdas/adapters/clients.ts';
import { eksToken } from '../../lambdas/adapters/eks-token.ts';
import { KubernetesApi } from '../../lambdas/adapters/kubernetes-api.ts';
import { isMigrationError, MigrationError } from '../../lambdas/domain/failures/errors.ts';
import type { Target } from '../../lambdas/domain/terms/subject.ts';
import type { Clock } from '../../lambdas/ports/index.ts';
import { Pacer } from '../../lambdas/use-cases/sweep/pace.ts';
import { again } from '../aws/retry.ts';

/** Calls of EKS in a second: its limits are low, and other tools of the account share them. */
const EKS_CALLS_PER_SECOND = 5;

/** A part that could not be read. */
export interface Unread {
  what: string;
  why: string;
  /** What that means for a rehearsal. */
  effect: string;
}

export interface ReaderOptions {
  clients: ClientFactory;
  clock: Clock;
  target: Target;
  progress: (what: string) => void;
}

/** Clients for one cluster, and the notes about the calls. */
export class Reader {
  readonly target: Target;
  readonly eks: EKSClient;
  readonly iam: IAMClient;
  readonly clock: Clock;
  readonly progress: (what: string) => void;
  readonly unread: Unread[] = [];
  /** The IAM actions that calls needed, and the verbs and resources of calls of the API server. */
  readonly actions = new Set<string>();
  readonly verbs = new Set<string>();
  private readonly pacer: Pacer;
  private readonly clients: ClientFactory;

  constructor({ clients, clock, target, progress }: ReaderOptions) {
    this.clients = clients;
    this.eks = clients.eks();
    this.iam = clients.iam();
    this.clock = clock;
    this.target = target;
    this.progress = progress;
    this.pacer = new Pacer(EKS_CALLS_PER_SECOND, clock);
  }

  /** Makes a call of AWS that needs the action. Throws a `MigrationError`. */
  async call<T>(action: string, run: () => Promise<T>): Promise<T> {
    this.actions.add(action);
    return again(this.clock, async () => {
      if (action.startsWith('eks:')) await this.pacer.turn();
      return run();
    });
  }

  /** Returns the client of an API server at that address. */
  api(endpoint: string, certificateAuthority: string): KubernetesApi {
    const { transport } = this.clients.config;
    const { cluster, region } = this.target;
    return new KubernetesApi({
      cluster,
      http: transport.http,
      endpoint: () => Promise.resolve({ url: endpoint, certificateAuthority }),
      token: async () =>
        (transport.eksToken ?? eksToken)({
          cluster,
          region,
          credentials: await this.eks.config.credentials(),
          now: new Date(),
        }),
    });
  }

  /** Returns the result of a read, or notes why there is none and returns `otherwise`. */
  async attempt<T>(what: string, effect: string, otherwise: T, run: () => Promise<T>): Promise<T> {
    try {
      return await run();
    } catch (error) {
      if (!(error instanceof MigrationError)) throw error;
      this.unread.push({ what, why: error.message, effect });
      return otherwise;
    }
  }
}

export const isUnreachable = (error: unknown): boolean => isMigrationError(error, 'ConnectionLost');
