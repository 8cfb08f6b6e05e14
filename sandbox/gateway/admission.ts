/**
 * Determines whom a request is for and who makes it, and refuses what AWS would refuse before the request reaches a
 * service.
 */
import type { Address } from '../apigateway/addresses.ts';
import type { ApiGateway } from '../apigateway/service.ts';
import type { Authorizer } from '../authorization/authorizer.ts';
import { type Claim, verifyClaim, verifyClusterClaim } from '../claim.ts';
import type { Admitted, OpenCall } from './calls.ts';
import { guessOperation, guessService, protocolOf, refusal, signatureRefusal } from './protocols.ts';
import { regionRefusal } from './regions.ts';
import type { Caller, HttpRequest, HttpResponse, Service } from '../http.ts';
import type { KubernetesFactory } from '../kubernetes/control-planes.ts';
import { verifyEksToken } from '../signature-eks-token.ts';
import { ALGORITHM, type Refused, type Verified, verifySignature } from '../signature.ts';
import { clusterAt } from '../world/endpoints.ts';
import type { ClusterState, World } from '../world/world.ts';

export interface AdmissionOptions {
  world: World;
  services: Record<string, Service>;
  kubernetes: KubernetesFactory;
  signatureTime: () => number;
  authorizer: Authorizer;
  apis: ApiGateway | undefined;
  addresses: ReadonlySet<string>;
  requestId: () => string;
}

/** The request is unsigned, and the key that a client in this process names is ignored. */
const isWebIdentityCall = (request: HttpRequest, claim: Claim | undefined): boolean =>
  request.headers['authorization'] === undefined &&
  (claim && 'service' in claim ? claim.service : guessService(request)) === 'sts' &&
  guessOperation(request) === 'AssumeRoleWithWebIdentity';

/**
 * The caller of an API until one of its methods requires authentication, and of an API server's paths that need no
 * token.
 */
const UNAUTHENTICATED: Caller = { accessKeyId: '', principalArn: '', account: '' };

export class Admission {
  private readonly options: AdmissionOptions;
  private readonly apiServers = new Map<ClusterState, Service>();

  constructor(options: AdmissionOptions) {
    this.options = options;
  }

  /** Returns what is known of the call, and either whom it goes to or the refusal. */
  admit(request: HttpRequest, claim: Claim | undefined): { call: OpenCall; admitted: Admitted | HttpResponse } {
    const { world, apis } = this.options;
    // A signed request is for AWS, so the clusters need not be searched.
    const signed =
      claim === undefined ? (request.headers['authorization'] ?? '').startsWith(ALGORITHM) : 'service' in claim;
    const cluster = signed ? undefined : clusterAt(world, request.host);
    const address = cluster || claim ? undefined : apis?.find(request);
    const service = cluster
      ? 'kubernetes'
      : address
        ? 'execute-api'
        : claim && 'service' in claim
          ? claim.service
          : guessService(request);
    const owner = cluster ?? address?.api;
    const call: OpenCall = {
      service,
      protocol: protocolOf(service, request),
      operation: guessOperation(request),
      input: {},
      caller: '',
      account: owner?.account ?? '',
      region: owner?.region ?? '',
      ...(cluster ? { cluster } : {}),
    };
    const admitted = cluster
      ? this.toCluster(request, cluster, call, claim)
      : apis && address
        ? this.toApi(apis, address, request, call)
        : this.toAws(request, call, claim);
    return { call, admitted };
  }

  private apiServerOf(cluster: ClusterState): Service {
    const verify = (token: string): Caller | { refused: string } => {
      const { world, signatureTime, addresses } = this.options;
      return verifyEksToken(world, token, cluster, signatureTime(), { addresses });
    };
    const service = this.apiServers.get(cluster) ?? this.options.kubernetes(cluster, verify);
    this.apiServers.set(cluster, service);
    return service;
  }

  private toCluster(
    request: HttpRequest,
    cluster: ClusterState,
    call: OpenCall,
    claim: Claim | undefined,
  ): Admitted | HttpResponse {
    const { world, signatureTime, addresses } = this.options;
    const token = /^Bearer (.+)$/i.exec(request.headers['authorization'] ?? '')?.[1];
    const caller =
      claim && 'cluster' in claim
        ? verifyClusterClaim(claim, world, cluster.name, signatureTime())
        : token === undefined
          ? UNAUTHENTICATED
          : verifyEksToken(world, token, cluster, signatureTime(), { addresses });
    // The API server does not report the reason to the caller; the call log does.
    if ('refused' in caller) {
      call.input = { refused: caller.refused };
      return refusal('kubernetes', 401, 'Unauthorized', 'Unauthorized', this.options.requestId());
    }
    call.caller = caller.principalArn;
    return { service: this.apiServerOf(cluster), caller };
  }

  private verify(request: HttpRequest, claim?: Claim): Verified | Refused {
    const { world, signatureTime } = this.options;
    return claim && 'service' in claim
      ? verifyClaim(claim, world, signatureTime())
      : verifySignature(request, world, signatureTime());
  }

  /**
   * Each method of an API defines whether it requires a signature, and the API's own responses report a wrong one, so
   * API Gateway decides when to authenticate.
   */
  private toApi(gateway: ApiGateway, address: Address, request: HttpRequest, call: OpenCall): Admitted {
    const { authorizer } = this.options;
    return {
      caller: UNAUTHENTICATED,
      service: (_, context) =>
        gateway.handle(request, address, {
          describe: (operation, input) => context.describe(operation, input),
          authenticate: () => {
            const verified = this.verify(request);
            if (verified.ok) call.caller = verified.caller.principalArn;
            return verified;
          },
          authorize: (caller, permission) => {
            const denial = authorizer.authorize(caller, permission, call.region);
            if (denial) call.denied = denial.action;
            return denial;
          },
        }),
    };
  }

  private toWebIdentity(request: HttpRequest, call: OpenCall): Admitted | HttpResponse {
    const { world, services, requestId } = this.options;
    const [, region = world.home.region] = /^sts\.([a-z]{2,4}(?:-[a-z]+)+-\d)\./.exec(request.host) ?? [];
    Object.assign(call, { service: 'sts', protocol: protocolOf('sts', request), region });
    const disabled = regionRefusal(world, request, call, requestId);
    if (disabled) return disabled;
    return services['sts']
      ? { service: services['sts'], caller: UNAUTHENTICATED }
      : refusal(
          'query',
          501,
          'NotImplemented',
          'The sandbox does not support sts:AssumeRoleWithWebIdentity.',
          requestId(),
        );
  }

  private toAws(request: HttpRequest, call: OpenCall, claim: Claim | undefined): Admitted | HttpResponse {
    const { world, services, requestId } = this.options;
    // The only AWS operation here that is unsigned: a caller with a web identity token has no credentials yet.
    if (isWebIdentityCall(request, claim)) return this.toWebIdentity(request, call);
    const verified = this.verify(request, claim);
    if (!verified.ok) return signatureRefusal(call.protocol, verified.problem, verified.message, requestId());
    const { service: name, caller } = verified;
    // IAM is one service for all regions; SDKs with a custom endpoint sign for their own region nonetheless.
    const region = name === 'iam' ? 'us-east-1' : verified.region;
    Object.assign(call, {
      service: name,
      protocol: protocolOf(name, request),
      region,
      caller: caller.principalArn,
      account: caller.account,
    });
    const disabled = regionRefusal(world, request, call, requestId);
    if (disabled) return disabled;
    const service = Object.hasOwn(services, name) ? services[name] : undefined;
    if (service) return { service, caller };
    const supported = Object.keys(services).join(', ');
    const called = /^\w+$/.test(call.operation) ? `${name}:${call.operation}` : `${name} (${call.operation})`;
    // SDKs do not repeat a call that is answered with 501.
    return refusal(
      call.protocol,
      501,
      'NotImplemented',
      `The sandbox does not support ${called}. Supported services: ${supported}.`,
      requestId(),
    );
  }
}
