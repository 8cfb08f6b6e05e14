/**
 * Chooses a step's credentials: in the service's own account the function's own, in other accounts those of the roles that it
 * assumes there.
 */
import { ClientFactory } from '../adapters/clients.ts';
import { SpokeSessions } from '../adapters/spoke-sessions.ts';
import { partitionOf } from '../domain/aws/partitions.ts';
import { MigrationError } from '../domain/failures/errors.ts';
import {
  type Capability,
  externalIdOf,
  isServed,
  isSpokeStep,
  rolesOfStep,
  type Served,
  SPOKE_SESSION_SECONDS,
  spokeRoleArn,
  spokeSessionName,
} from '../domain/access/spokes.ts';

/** The clients for a location's region, by their purpose. */
export interface TargetClients {
  eks: ClientFactory;
  iam: ClientFactory;
  /** The credentials for tokens that API servers receive. */
  kubernetes: ClientFactory;
}

interface Location {
  account: string;
  region: string;
}

/** Returns clients with the caller's own credentials, in any account. */
export function ownClients(clients: ClientFactory, { region: elsewhere }: Pick<Location, 'region'>): TargetClients {
  const { transport, credentials, region } = clients.config;
  const own =
    elsewhere === region
      ? clients
      : new ClientFactory({ region: elsewhere, transport, ...(credentials ? { credentials } : {}) });
  return { eks: own, iam: own, kubernetes: own };
}

/** Each function has one instance, which keeps its clients and sessions as long as the function is warm. */
export class Callers {
  private readonly clients: ClientFactory;
  private readonly step: string;
  private readonly served: Served;
  private readonly known = new Map<string, TargetClients>();
  private readonly assumed = new Map<string, ClientFactory>();
  private sessions: SpokeSessions | undefined;

  constructor(clients: ClientFactory, step: string, served: Served) {
    this.clients = clients;
    this.step = step;
    this.served = served;
  }

  /**
   * Returns the clients. Throws BadInput for an account that the service was not deployed for, and for a region of another
   * partition: nothing is called then.
   */
  in({ account, region }: Location): TargetClients {
    const key = `${account} ${region}`;
    const known = this.known.get(key);
    if (known) return known;
    this.assertPartition(region);
    const { account: own } = this.served;
    const clients =
      own === undefined || account === own
        ? ownClients(this.clients, { region })
        : this.spokeClients(own, { account, region });
    this.known.set(key, clients);
    return clients;
  }

  /** Accounts and credentials belong to one partition: requests that they sign are sent to no other one. */
  private assertPartition(region: string): void {
    const [there, here] = [partitionOf(region), partitionOf(this.clients.config.region)];
    if (there === here) return;
    throw new MigrationError(
      'BadInput',
      `Region ${region} is in the partition ${there}, but this service is in ${here}, whose accounts and credentials do not exist there. Nothing was read or changed. Name a region of ${here}, or use a service that is deployed in ${there}.`,
    );
  }

  private spokeClients(own: string, { account, region }: Location): TargetClients {
    const { step } = this;
    if (!isServed(account, this.served)) {
      throw new MigrationError(
        'BadInput',
        `This service was not deployed for account ${account}. Nothing was read or changed there. Add the account to the setting accounts of the configuration, deploy again, and deploy the stack PodIdentityMigratorSpoke in that account: docs/accounts.md.`,
      );
    }
    if (!isSpokeStep(step))
      throw new MigrationError(
        'BadInput',
        `The step ${step} has no role in other accounts. Nothing was read or changed in account ${account}.`,
      );
    const { eks, iam, kubernetes = eks } = rolesOfStep(step);
    const clientsOf = (capability: Capability): ClientFactory => this.clientsOf(own, capability, { account, region });
    return { eks: clientsOf(eks), iam: clientsOf(iam), kubernetes: clientsOf(kubernetes) };
  }

  private clientsOf(own: string, capability: Capability, { account, region }: Location): ClientFactory {
    const roleArn = spokeRoleArn(account, capability, partitionOf(region));
    const key = `${roleArn} ${region}`;
    const known = this.assumed.get(key);
    if (known) return known;
    this.sessions ??= new SpokeSessions({
      sts: this.clients.sts,
      externalId: externalIdOf(own),
      sessionName: spokeSessionName(this.step),
      seconds: SPOKE_SESSION_SECONDS,
    });
    const { sessions } = this;
    const factory = new ClientFactory({
      region,
      transport: this.clients.config.transport,
      credentials: () => sessions.credentialsOf(roleArn),
    });
    this.assumed.set(key, factory);
    return factory;
  }
}
