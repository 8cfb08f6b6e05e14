/** What is to be pasted from a remedy is on a line of its own, unwrapped, and works where the remedy was printed. */
import { array, assert, constantFrom, property } from 'fast-check';
import { describe, expect, it } from 'vitest';
import { commandsIn, hintLines, partsOf, remedyLines, typedLine } from '../../cli/text/remedy.ts';
import { PLAIN } from '../../cli/text/style.ts';
import { PROGRAM } from '../../cli/program-name.ts';

const ID = '01KF0E44M047C4FEZDQK8YZG0M';
const NARROW = { ...PLAIN, width: 60 };
const LONG = `pod-identity grant-access --cluster reliability-dev --region eu-west-1 --account 111122223333 --deployed`;

describe('a remedy', () => {
  it('has each command on a line of its own, and wraps the rest', () =>
    expect(
      remedyLines(
        '  do: ',
        `Give the service an access entry that may read pods in this cluster (${LONG}), and check that its API server is up; or stop it: pod-identity cancel ${ID} --deployed . Then plan again.`,
        NARROW,
      ),
    ).toEqual([
      '  do: Give the service an access entry that may read pods in',
      '      this cluster:',
      `        ${LONG.replace('pod-identity', PROGRAM)}`,
      '      and check that its API server is up; or stop it:',
      `        ${PROGRAM} cancel ${ID} --deployed`,
      '      Then plan again.',
    ]));

  it('has a policy statement on a line of its own', () => {
    const statement = JSON.stringify({ Effect: 'Allow', Sid: 'a } "b" \\', Principal: { Service: ['x.y'] } });
    expect(
      remedyLines('  do: ', `Add this statement: ${statement}. The policy then has 9 characters.`, NARROW),
    ).toEqual(['  do: Add this statement:', `        ${statement}`, '      The policy then has 9 characters.']);
    expect(partsOf('an open {"brace')).toEqual([{ kind: 'sentence', text: 'an open {"brace' }]);
  });

  it('that is only a command stays on its line', () =>
    expect(remedyLines('  do: ', 'kubectl get pods', PLAIN)).toEqual(['  do: kubectl get pods']));

  it('mentions the program without a command', () => {
    for (const text of ['pods went from irsa to pod-identity at once', 'the label eks-pod-identity-agent plan'])
      expect([commandsIn(text), remedyLines('', text, PLAIN)]).toEqual([[], [text]]);
  });

  it.each([
    ['--deployed', ['--state w.json'], `pod-identity show ${ID} --deployed`, `show ${ID} --state w.json`],
    ['--deployed', ['--deployed', '--stack My'], 'pod-identity migrate --deployed', 'migrate --deployed --stack My'],
    ['no backend', ['--sandbox s'], 'pod-identity identities --cluster a', 'identities --cluster a --sandbox s'],
    ['no backend', ['--deployed'], `pod-identity rollback ${ID}`, `rollback ${ID} --deployed`],
    ['no service', ['--deployed'], 'pod-identity trust repair --dry-run', 'trust repair --dry-run'],
    ['no AWS', ['--sandbox s.json'], 'pod-identity trust repair --dry-run', 'trust repair --dry-run --sandbox s.json'],
    ['only AWS', ['--sandbox s.json'], 'pod-identity suggest-config --cluster a', 'suggest-config --cluster a'],
    ['nothing', [], 'pod-identity migrate --deployed', 'migrate --deployed'],
  ])('with %s in its command goes to the backend in use: %j', (_name, backend, command, expected) =>
    expect(remedyLines('', `Do: ${command} . Then go on.`, { ...PLAIN, backend })).toEqual([
      'Do:',
      `  ${PROGRAM} ${expected}`,
      'Then go on.',
    ]),
  );

  it('keeps every word, whatever surrounds its commands', () => {
    const words = array(constantFrom('do', 'this', 'then', 'aws', 'pods', '{"a":1}', '(once)', 'kubectl get pods ;'));
    assert(
      property(words, (said) => {
        const text = said.join(' ');
        const letters = (one: string): string => one.replaceAll(/[^\w{}":]/g, '').replaceAll(/:(?!1)/g, '');
        expect(
          letters(
            partsOf(text)
              .map((part) => part.text)
              .join(' '),
          ),
        ).toBe(letters(text));
      }),
    );
  });
});

describe('a hint', () => {
  const hint = `Wait until it has ended: pod-identity show ${ID} --deployed`;

  it('is one line without a terminal, with the command as it is typed here', () =>
    expect(hintLines('hint:  ', hint, { ...PLAIN, backend: ['--state w.json'] }, '       ')).toEqual([
      `hint:  Wait until it has ended: ${PROGRAM} show ${ID} --state w.json`,
    ]));

  it('has its command on a line of its own if the terminal is too narrow', () =>
    expect(hintLines('hint:  ', hint, { ...NARROW, lineWidth: 60 }, '       ')).toEqual([
      'hint:  Wait until it has ended:',
      `         ${PROGRAM} show ${ID} --deployed`,
    ]));
});

it('a restore command is typed here too, also in a note', () => {
  const at = { backend: ['--state w.json'] };
  expect(typedLine(`: pod-identity release ${ID} --deployed`, at)).toBe(`: ${PROGRAM} release ${ID} --state w.json`);
  expect(typedLine(`: 'run this: pod-identity release ${ID} --deployed'`, at)).toBe(
    `: 'run this: ${PROGRAM} release ${ID} --state w.json'`,
  );
  expect(typedLine('aws eks wait addon-active', at)).toBe('aws eks wait addon-active');
});
