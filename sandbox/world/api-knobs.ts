/** Knobs of API Gateway. */
import { z } from 'zod';
import { knob } from './knob.ts';

export const apiKnobs = {
  apiPathParameters: knob(
    z.enum(['encoded', 'decoded']).default('encoded'),
    'likely',
    'aws/chalice#511, aws/chalice#688, serverless/serverless#5037: still encoded; the Developer Guide does not say',
    "Whether a function behind API Gateway gets the path's parameters percent-encoded as they were sent, or decoded.",
  ),
  apiContentEncoding: knob(
    z.enum(['decoded', 'passed']).default('decoded'),
    'likely',
    'API Gateway Developer Guide, "Call an API method with a compressed payload": decompressed, else 415; dherault/serverless-offline#594 sees it so, dougmoscrop/serverless-http#194 with the header left as it was; where the API has binary types nobody says',
    "Whether API Gateway undoes a request's Content-Encoding (and refuses what it can't undo), or passes the body on as it was sent. The header stays.",
  ),
  apiUnusableAnswer: knob(
    z.enum(['INTEGRATION_FAILURE', 'API_CONFIGURATION_ERROR', 'DEFAULT_5XX']).default('INTEGRATION_FAILURE'),
    'unknown',
    'aws/aws-lambda-go#72, serverless/serverless-graphql#94: status 502 and the text; not which type of gateway response it is, which decides who may change both',
    "Type of API Gateway's response where a function failed or answered what is no HTTP response.",
  ),
  apiThrottling: knob(
    z.enum(['stage', 'off']).default('stage'),
    'certain',
    'API Gateway Developer Guide, "Throttle requests to your REST APIs": a bucket of tokens, by the settings of the stage for each method, as targets rather than guaranteed ceilings',
    "Whether requests beyond a stage's rate and burst are THROTTLED. `off`: as AWS does where it lets more through than the target.",
  ),
  apiLongHeadersStatus: knob(
    z.union([z.literal(413), z.literal(431), z.literal(400)]).default(431),
    'unknown',
    'ntsblog.homedev.com.au, "HTTP header is larger than 10240 bytes": the text; the status nobody reports',
    'Status of the answer to a request whose line and header values have more than 10,240 bytes together.',
  ),
};
