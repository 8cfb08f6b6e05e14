/** Runs the workers of the SDKs, each a process of its own, and asks them about one container after the other. */
import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { BuildError } from '../build/go.ts';
import { type Asked, type Endpoints, openEndpoints } from './endpoints.ts';
import { PORT_VARIABLE, type Question, type Reply, SECURE_PORT_VARIABLE } from './sdks/protocol.ts';

/** How a worker is started. */
export interface Command {
  name: string;
  program: string;
  args: readonly string[];
  /** Variables that the SDK reads only once in a process: each of their values gets a process of its own. */
  once: readonly string[];
}

export interface Answer {
  reply: Reply;
  asked: Asked[];
}

export interface Worker {
  ask: (question: Question) => Promise<Answer>;
  close: () => Promise<void>;
}

const LONGEST_ANSWER_MS = 60_000;

interface Process {
  child: ChildProcessWithoutNullStreams;
  lines: AsyncIterator<string>;
  endpoints: Endpoints;
  errors: string[];
}

const stopped = ({ errors }: Process, name: string, how: string): BuildError =>
  new BuildError(
    [
      `The worker of ${name} ${how}.`,
      ...errors.slice(-8),
      'Run the command again; if it happens again, delete conformance/.build so that everything is installed again.',
    ].join('\n'),
  );

async function nextLine(started: Process, name: string): Promise<string> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(
      () => reject(stopped(started, name, `gave no answer within ${LONGEST_ANSWER_MS / 1000} s`)),
      LONGEST_ANSWER_MS,
    );
  });
  try {
    const next = await Promise.race([started.lines.next(), late]);
    if (next.done === true) throw stopped(started, name, 'ended');
    return next.value;
  } finally {
    clearTimeout(timer);
  }
}

async function askOf(started: Process, name: string, question: Question): Promise<Answer> {
  started.endpoints.taken();
  started.child.stdin.write(`${JSON.stringify(question)}\n`);
  const reply = JSON.parse(await nextLine(started, name)) as Reply;
  return { reply, asked: started.endpoints.taken() };
}

/** An address where nothing listens: if a connection is not directed to the played endpoints, it goes no further. */
const NOWHERE = 'http://127.0.0.1:1';
const PROBES: readonly Record<string, string>[] = [
  { AWS_EC2_METADATA_SERVICE_ENDPOINT: NOWHERE },
  { AWS_CONTAINER_CREDENTIALS_FULL_URI: `${NOWHERE}/probe` },
  {
    // With TLS, as the real one, for which SDKs connect in another way.
    AWS_ENDPOINT_URL_STS: NOWHERE.replace('http:', 'https:'),
    AWS_REGION: 'eu-west-1',
    AWS_ROLE_ARN: 'arn:aws:iam::111122223333:role/probe',
    AWS_WEB_IDENTITY_TOKEN_FILE: import.meta.filename,
  },
];

/**
 * Throws a BuildError unless every client of the SDK connects to the played endpoints. Otherwise a later question would
 * call addresses of AWS, or of the machine's own instance metadata. `once`: variables that the SDK reads only once, and
 * that the questions to this process have.
 */
async function checkRedirected(started: Process, name: string, once: Readonly<Record<string, string>>): Promise<void> {
  for (const probe of PROBES) {
    const env = { HOME: '/nonexistent', ...once, ...probe };
    const { asked } = await askOf(started, name, { env, directory: '/' });
    if (!asked.some(({ host }) => host === '127.0.0.1:1'))
      throw stopped(
        started,
        name,
        `connects to an address itself instead of the played endpoints (${Object.keys(probe)[0] ?? ''})`,
      );
  }
}

async function start({ name, program, args }: Command, once: Readonly<Record<string, string>>): Promise<Process> {
  const endpoints = await openEndpoints();
  const child = spawn(program, args, {
    env: {
      PATH: process.env['PATH'],
      PYTHONDONTWRITEBYTECODE: '1',
      [PORT_VARIABLE]: String(endpoints.port),
      [SECURE_PORT_VARIABLE]: String(endpoints.securePort),
    },
  });
  const errors: string[] = [];
  createInterface({ input: child.stderr }).on('line', (line) => void (errors.length < 200 && errors.push(line)));
  child.on('error', ({ message }) => errors.push(message));
  child.stdin.on('error', () => undefined);
  const started = { child, endpoints, errors, lines: createInterface({ input: child.stdout })[Symbol.asyncIterator]() };
  try {
    await checkRedirected(started, name, once);
    return started;
  } catch (error) {
    await stop(started);
    throw error;
  }
}

async function stop({ child, endpoints }: Process): Promise<void> {
  child.stdin.end();
  child.kill();
  await endpoints.close();
}

/** The most processes of one SDK at the same time. */
const MOST_PROCESSES = 6;

/** Returns a worker. Its processes start when they are first needed. */
export function openWorker(command: Command): Worker {
  const processes = new Map<string, Process>();
  const processFor = async ({ env }: Question): Promise<Process> => {
    const once = Object.fromEntries(Object.entries(env).filter(([name]) => command.once.includes(name)));
    const key = JSON.stringify(command.once.map((name) => once[name] ?? null));
    const known = processes.get(key);
    if (known) return known;
    const [oldest] = processes;
    if (oldest && processes.size >= MOST_PROCESSES) {
      processes.delete(oldest[0]);
      await stop(oldest[1]);
    }
    const started = await start(command, once);
    processes.set(key, started);
    return started;
  };
  return {
    ask: async (question) => askOf(await processFor(question), command.name, question),
    close: async () => void (await Promise.all([...processes.values()].map(stop))),
  };
}
