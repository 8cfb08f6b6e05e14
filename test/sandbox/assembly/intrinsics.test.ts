import { describe, expect, test } from 'vitest';
import { load, outputOf, role, fn } from './stacks.ts';

describe('intrinsic functions', () => {
  const bucket = { Resources: { B: { Type: 'AWS::S3::Bucket', Properties: { BucketName: 'given' } } } };
  const conditions = {
    Conditions: {
      Yes: { 'Fn::Equals': [{ Ref: 'AWS::Region' }, 'eu-west-1'] },
      No: { 'Fn::Not': [{ Condition: 'Yes' }] },
    },
  };

  test.each([
    [
      'pseudo parameters',
      {
        'Fn::Join': [
          '/',
          ['AWS::Region', 'AWS::AccountId', 'AWS::StackName', 'AWS::URLSuffix'].map((Ref) => ({ Ref })),
        ],
      },
      {},
      'eu-west-1/111122223333/App/amazonaws.com',
    ],
    ['Select and Split', { 'Fn::Select': [1, { 'Fn::Split': [':', 'a:b:c'] }] }, {}, 'b'],
    ['Sub', { 'Fn::Sub': '${B.Arn}/${AWS::Region}/${!Literal}' }, bucket, 'arn:aws:s3:::given/eu-west-1/${Literal}'],
    ['Sub with values', { 'Fn::Sub': ['${X}-${B}', { X: { Ref: 'AWS::Region' } }] }, bucket, 'eu-west-1-given'],
    ['GetAtt as text', { 'Fn::GetAtt': 'B.Arn' }, bucket, 'arn:aws:s3:::given'],
    ['If', { 'Fn::If': ['Yes', 'then', 'else'] }, conditions, 'then'],
    ['If, the other branch', { 'Fn::If': ['No', 'then', 'else'] }, conditions, 'else'],
    [
      'And and Or',
      { 'Fn::If': ['Both', 'then', 'else'] },
      {
        Conditions: {
          ...conditions.Conditions,
          Both: { 'Fn::And': [{ Condition: 'Yes' }, { 'Fn::Or': [{ Condition: 'No' }, { Condition: 'Yes' }] }] },
        },
      },
      'then',
    ],
    [
      'FindInMap',
      { 'Fn::FindInMap': ['M', { Ref: 'AWS::Region' }, 'k'] },
      { Mappings: { M: { 'eu-west-1': { k: 'v' } } } },
      'v',
    ],
    ['a parameter', { Ref: 'P' }, { Parameters: { P: { Type: 'Number', Default: 7 } } }, '7'],
  ])('%s', (_, value, more, expected) => expect(outputOf(value, more)).toBe(expected));

  test('AWS::NoValue removes its property, a false condition its resource', () => {
    const { functions } = load({
      App: {
        ...conditions,
        Resources: {
          Role: role,
          Function: fn({ Timeout: { 'Fn::If': ['No', 60, { Ref: 'AWS::NoValue' }] } }),
          Other: { ...fn(), Condition: 'No' },
        },
      },
    });
    expect(functions).toMatchObject([{ logicalId: 'Function', timeoutSeconds: 3, memoryMb: 128 }]);
  });

  test('imports come from another stack, earlier or later', () => {
    const exporting = {
      Resources: { T: { Type: 'AWS::SNS::Topic' } },
      Outputs: { T: { Value: { Ref: 'T' }, Export: { Name: 'topic' } } },
    };
    const importing = { Resources: {}, Outputs: { Seen: { Value: { 'Fn::ImportValue': 'topic' } } } };
    for (const stacks of [
      { One: exporting, Two: importing },
      { Two: importing, One: exporting },
    ]) {
      expect(load(stacks).outputs['Seen']).toBe('arn:aws:sns:eu-west-1:111122223333:One-T');
    }
  });
});
