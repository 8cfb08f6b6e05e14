/**
 * Checks by the images of the pods whether their software supports EKS Pod Identity. Environment and token show only that
 * the webhook has changed a pod; an AWS SDK that is too old ignores them, and finds no credentials (ADR 76).
 */
import { acceptedNames, acceptFlags, accepts } from '../acceptance/accept.ts';
import { isAddonSupported, type Judgement, judgeImage, guideMinimum } from '../images/known.ts';
import type { KnownImage, Source } from '../images/model.ts';
import { parseImage } from '../images/reference.ts';
import { type Check, fail, GUIDE, pass, some, warn } from '../terms/check.ts';
import type { PlannedAssociation } from '../terms/planned.ts';
import { counted, shown } from '../text/text.ts';
import type { Facts } from './facts.ts';
import { type PlannedImage, plannedImages } from './planned-images.ts';

const ID = 'aws-sdk-version';
const SDKS = `${GUIDE}, "Use pod identity with the AWS SDK"`;
const TABLE = 'docs/sdk-versions.md';

type Judged = PlannedImage & { judgement: Judgement };
type Known = PlannedImage & { known: KnownImage };

/** What the version of an EKS add-on shows about its images that the table does not know. */
interface OfAddon {
  verdict: 'supported' | 'too-old';
  /** A sentence without its end. */
  why: string;
  source: string;
}

const sourceText = ({ url, says }: Source): string => `${url}: ${says}`;

/** Returns what is known from the version of the add-on; `undefined` for a service account. */
function byAddonVersion({ request, addon, podIdentity }: Facts): OfAddon | undefined {
  if (request.addon === undefined || !addon) return undefined;
  const supported = isAddonSupported(addon.name, addon.version);
  const known = guideMinimum(addon.name);
  const version = `Version ${addon.version} of add-on ${addon.name}`;
  if (known && supported !== undefined)
    return {
      verdict: supported ? 'supported' : 'too-old',
      why: `${version} is ${supported ? 'at or above' : 'below'} ${known.minimum}, the minimum for EKS Pod Identity`,
      source: sourceText(known.source),
    };
  return podIdentity.length > 0
    ? {
        verdict: 'supported',
        why: `EKS offers associations for ${version.replace('V', 'v')}`,
        source: 'DescribeAddonConfiguration.podIdentityConfiguration',
      }
    : undefined;
}

/** The author of a pod chooses the name of an image, and a longer one cannot be accepted. */
const short = (image: string): string => shown(image, 512);

const minimumOf = ({ component, support }: KnownImage): string =>
  support.kind === 'from'
    ? `${component} supports it from ${support.minimum}`
    : support.kind === 'never'
      ? `${component} does not support it up to ${support.through}`
      : `${component} calls no AWS API`;

const tagOf = (image: string): string => parseImage(image)?.tag ?? image;

const having = (all: readonly Judged[], verdict: Exclude<Judgement['verdict'], 'unknown'>): Known[] =>
  all.flatMap(({ image, usedBy, judgement }) =>
    judgement.verdict === verdict ? [{ image, usedBy, known: judgement.known }] : [],
  );

const tooOldText = (found: readonly Known[]): string =>
  some(
    found.map(({ image, usedBy, known }) => `${short(image)} in ${some(usedBy, ' and ')} (${minimumOf(known)})`),
    '; ',
  );

/** Returns how the images are accepted all the same. A request can accept only names of images, and so many. */
function accept(images: readonly PlannedImage[]): string {
  const options = acceptFlags(
    'image',
    images.map(({ image }) => image),
  );
  if (options === '') return '';
  return ` If ${images.length === 1 ? 'the image supports EKS Pod Identity all the same, accept it' : 'these images support EKS Pod Identity all the same, accept them'} (in a request: accept): ${options}`;
}

/** Returns what to do about software that is too old, or that supports it at no version. */
function upgrade(found: readonly Known[]): string {
  const wanted = found.flatMap(({ known: { component, support } }) =>
    support.kind === 'from' ? [`${component} to ${support.minimum} or later`] : [],
  );
  const hopeless = found.flatMap(({ known: { component, support } }) => (support.kind === 'never' ? [component] : []));
  return [
    ...(wanted.length > 0 ? [`Upgrade ${some([...new Set(wanted)], ' and ')} first, keeping IRSA.`] : []),
    ...(hopeless.length > 0 ? [`Keep IRSA for ${some([...new Set(hopeless)], ' and ')}.`] : []),
  ].join(' ');
}

function tooOld(found: readonly Known[], rest: string): Check {
  const sources = [...new Set(found.map(({ known }) => sourceText(known.source)))];
  return fail(
    ID,
    `${found.length === 1 ? 'An image has' : `${found.length} images have`} an AWS SDK that is too old for EKS Pod Identity, so that ${found.length === 1 ? 'its' : 'their'} containers would find no credentials: ${tooOldText(found)}.${rest}`,
    `${upgrade(found)}${accept(found)}`,
    some(sources, '; '),
  );
}

/** An add-on whose version is below the guide's minimum, with images that show no version themselves. */
const addonTooOld = (images: readonly PlannedImage[], { why, source }: OfAddon, rest: string): Check =>
  fail(
    ID,
    `${why}, so that its containers would find no credentials: ${some(images.map(({ image }) => short(image)))}.${rest}`,
    `Update the add-on first, keeping IRSA.${accept(images)}`,
    source,
  );

const supportedText = (found: readonly Known[]): string[] =>
  found.length === 0
    ? []
    : [
        `At or above the minimum: ${some([
          ...new Set(
            found.map(({ image, known: { component, support } }) =>
              support.kind === 'from' ? `${component} ${tagOf(image)} (${support.minimum})` : component,
            ),
          ),
        ])}.`,
      ];

const noCallsText = (found: readonly Known[]): string[] =>
  found.length === 0
    ? []
    : [
        `${found.length === 1 ? 'One image calls' : `${found.length} images call`} no AWS API: ${some([
          ...new Set(found.map(({ known }) => known.component)),
        ])}.`,
      ];

const ASK = `Find out which AWS SDK each image contains, and compare it with the minimum versions in ${TABLE}.`;
const EFFECT = 'An SDK that is too old ignores what EKS injects, and finds no credentials.';

interface Unknown extends PlannedImage {
  why: string;
}

/** Returns the images with the reason for each; those with the same reason together. */
function unknownText(unknown: readonly Unknown[]): string {
  const images = new Map<string, string[]>();
  for (const { image, why } of unknown) images.set(why, [...(images.get(why) ?? []), short(image)]);
  return some(
    [...images].map(([why, of]) =>
      [some(of), of.length === 1 ? why : why.replace(/^is\b/, 'are').replace(/^has\b/, 'have')].join(' '),
    ),
    '; ',
  );
}

function warned(accepted: readonly PlannedImage[], unknown: readonly Unknown[], rest: readonly string[]): Check {
  const sentences = [
    ...(unknown.length > 0
      ? [
          `It is not known whether ${unknown.length === 1 ? 'the AWS SDK of an image supports' : `the AWS SDKs of ${unknown.length} images support`} EKS Pod Identity: ${unknownText(unknown)}. ${EFFECT}`,
        ]
      : []),
    ...(accepted.length > 0
      ? [
          `The request accepts ${counted(accepted.length, 'image')} with an AWS SDK that is too old for EKS Pod Identity: ${some(accepted.map(({ image }) => short(image)))}.`,
        ]
      : []),
    ...rest,
  ];
  return warn(
    ID,
    sentences.join(' '),
    unknown.length > 0
      ? ASK
      : 'Check after the migration that the software gets credentials, since its pods may look verified without them: read its logs.',
    unknown.length > 0 ? SDKS : TABLE,
  );
}

/** The result if no container was read. */
function unread(ofAddon: OfAddon | undefined): Check {
  if (ofAddon?.verdict === 'supported') return pass(ID, `${ofAddon.why}. Its images were not read.`);
  return warn(
    ID,
    `It cannot be checked whether the AWS SDKs in the pods support EKS Pod Identity${ofAddon ? `: ${ofAddon.why}` : ', since no container was read'}. ${EFFECT}`,
    ASK,
    ofAddon?.source ?? SDKS,
  );
}

function judged(images: readonly PlannedImage[], { request }: Facts, ofAddon: OfAddon | undefined): Check {
  const all = images.map((one) => ({ ...one, judgement: judgeImage(one.image) }));
  const isAccepted = ({ image }: PlannedImage): boolean => accepts(request, 'image', image);
  const old = having(all, 'too-old');
  const open = all.flatMap(({ image, usedBy, judgement }) =>
    judgement.verdict === 'unknown' ? [{ image, usedBy, why: judgement.why }] : [],
  );
  const oldByAddon = ofAddon?.verdict === 'too-old' ? open : [];
  const byAddon = ofAddon?.verdict === 'supported' ? open : [];
  const rest = [
    ...supportedText(having(all, 'supported')),
    ...(ofAddon && byAddon.length > 0
      ? [`${ofAddon.why}, which covers ${some(byAddon.map(({ image }) => short(image)))}.`]
      : []),
    ...noCallsText(having(all, 'no-calls')),
  ];
  const unknown = ofAddon ? [] : open;
  const notKnown = unknown.length > 0 ? ` Not known: ${unknownText(unknown)}.` : '';
  const blocking = old.filter((one) => !isAccepted(one));
  if (blocking.length > 0) return tooOld(blocking, notKnown);
  const blockingByAddon = oldByAddon.filter((one) => !isAccepted(one));
  if (ofAddon && blockingByAddon.length > 0) return addonTooOld(blockingByAddon, ofAddon, notKnown);
  const accepted = [...old, ...oldByAddon];
  return accepted.length + unknown.length > 0 ? warned(accepted, unknown, rest) : pass(ID, rest.join(' '));
}

/** An accepted image that no container has is probably a mistake in its name, unless the option is that of many plans. */
function checkAccepted({ request, oneOfMany }: Facts, images: readonly PlannedImage[]): Check[] {
  const absent = acceptedNames(request, 'image').filter((name) => images.every(({ image }) => image !== name));
  if (absent.length === 0 || oneOfMany) return [];
  return [
    warn(
      'accepted-images',
      `The request accepts ${absent.length === 1 ? 'an image' : `${absent.length} images`} that no container has: ${some(absent)}.`,
      `Give --accept image:NAME as the pods name the image, or leave it out.${images.length > 0 ? ` They have: ${some(images.map(({ image }) => short(image)))}` : ''}`,
      TABLE,
    ),
  ];
}

/** Returns the check of the images, and a warning for accepted images that no container has. */
export function checkSdk(facts: Facts, planned: readonly PlannedAssociation[]): Check[] {
  const images = plannedImages(facts, planned);
  const ofAddon = byAddonVersion(facts);
  // Whether it has an accepted image is not known of pods that were not read.
  if (images.length === 0) return [unread(ofAddon)];
  return [judged(images, facts, ofAddon), ...checkAccepted(facts, images)];
}
