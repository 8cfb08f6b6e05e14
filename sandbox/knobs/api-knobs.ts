/** Knobs of API Gateway. */
import { z } from 'zod';
import { knob } from './knob.ts';

export const apiKnobs = {
  apiPathParameters: knob(
    z.enum(['encoded', 'decoded']).default('encoded'),
    'likely',
    'aws/chalice#511, aws/chalice#688, serverless/serverless#5037: still encoded; the Developer Guide does not document it',
    'Whether a function behind API Gateway gets path parameters percent-encoded as sent, or decoded.',
  ),
  apiContentEncoding: knob(
    z.enum(['decoded', 'passed']).default('decoded'),
    'likely',
    'API Gateway Developer Guide, "Call an API method with a compressed payload": decompressed, otherwise 415; dherault/serverless-offline#594 confirms it, dougmoscrop/serverless-http#194 with the header unchanged; no source covers APIs with binary types',
    "Whether API Gateway decodes a request's Content-Encoding (and refuses what it cannot decode), or passes the body on as sent. The header is kept.",
  ),
  apiUnusableAnswer: knob(
    z.enum(['INTEGRATION_FAILURE', 'API_CONFIGURATION_ERROR', 'DEFAULT_5XX']).default('INTEGRATION_FAILURE'),
    'unknown',
    'aws/aws-lambda-go#72, serverless/serverless-graphql#94: status 502 and the text, but not the type of gateway response, which determines how both can be customized',
    "Type of API Gateway's response if a function fails or returns something that is not an HTTP response.",
  ),
  apiThrottling: knob(
    z.enum(['stage', 'off']).default('stage'),
    'certain',
    'API Gateway Developer Guide, "Throttle requests to your REST APIs": a token bucket for each method, with the settings of the stage, as targets rather than guaranteed ceilings',
    "Whether requests beyond a stage's rate and burst are THROTTLED. `off`: none are, as when AWS allows more than the target.",
  ),
  apiLongHeadersStatus: knob(
    z.union([z.literal(413), z.literal(431), z.literal(400)]).default(431),
    'unknown',
    'ntsblog.homedev.com.au, "HTTP header is larger than 10240 bytes": the text; no source reports the status',
    'Status of the response to a request whose line and header values together exceed 10,240 bytes.',
  ),
};
