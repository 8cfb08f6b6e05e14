/** How EKS refuses. Texts and statuses as users report them; each place that refuses says where its text comes from. */
import type { HttpResponse } from '../http.ts';

const STATUS = {
  AccessDeniedException: 403,
  BadRequestException: 400,
  InvalidParameterException: 400,
  InvalidRequestException: 400,
  NotFoundException: 404,
  ResourceInUseException: 409,
  ResourceLimitExceededException: 400,
  ResourceNotFoundException: 404,
  // Not in EKS's model: AWS's front end answers these for every REST JSON service.
  SerializationException: 400,
  UnknownOperationException: 404,
  // The sandbox's own: EKS has the operation, the sandbox does not play it.
  NotImplemented: 501,
  InternalFailure: 500,
} as const;
export type EksErrorName = keyof typeof STATUS;

/** What an error says it is about, beside its message. */
export interface ErrorFields {
  clusterName?: string;
  addonName?: string;
}

/** A refusal that the caller gets as an EKS error answer. */
export class EksError extends Error {
  override readonly name: EksErrorName;
  readonly status: number;
  readonly fields: ErrorFields;
  constructor(name: EksErrorName, message: string, fields: ErrorFields = {}) {
    super(message);
    this.name = name;
    this.status = STATUS[name];
    this.fields = fields;
  }
}

/** REST JSON's error answer: the name in a header, the rest in the body. */
export const errorAnswer = (error: EksError, requestId: string): HttpResponse => ({
  status: error.status,
  headers: { 'content-type': 'application/json', 'x-amzn-requestid': requestId, 'x-amzn-errortype': error.name },
  body: JSON.stringify({ ...error.fields, message: error.message }),
});
