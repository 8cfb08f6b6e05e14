import { describe, expect, it } from 'vitest';
import { USER_GUIDE, whether } from './requests.ts';

const OPERATORS = `${USER_GUIDE}reference_policies_elements_condition_operators.html`;
type Row = [operator: string, wanted: unknown, found: string, expected: ReturnType<typeof whether>];
const on = (key: string, operator: string, wanted: unknown, found: string): ReturnType<typeof whether> =>
  whether({ [operator]: { [key]: wanted } }, { [key]: found });

describe(`Date operators: ${OPERATORS}#Conditions_Date`, () => {
  const orders: Record<string, [less: boolean, equal: boolean, greater: boolean]> = {
    DateEquals: [false, true, false],
    DateNotEquals: [true, false, true],
    DateLessThan: [true, false, false],
    DateLessThanEquals: [true, true, false],
    DateGreaterThan: [false, false, true],
    DateGreaterThanEquals: [false, true, true],
  };

  it.each(Object.entries(orders))('%s', (operator, expected) => {
    const compared = (wanted: string, ...found: string[]): boolean[] =>
      found.map((one) => on('aws:CurrentTime', operator, wanted, one) === 'holds');
    expect(
      compared('2020-01-01T00:00:01Z', '2020-01-01T00:00:00Z', '2020-01-01T00:00:01Z', '2020-01-01T00:00:02Z'),
    ).toEqual(expected);
    expect(compared('1577836801', '2020-01-01T00:00:00Z', '2020-01-01T00:00:01Z', '2020-01-01T00:00:02Z')).toEqual(
      expected,
    );
    expect(compared('2020-01-01T00:00:01Z', '1577836800', '1577836801', '1577836802')).toEqual(expected);
    expect(
      compared(
        '2020-01-01T00:00:00.5Z',
        '2020-01-01T00:00:00.499Z',
        '2020-01-01T00:00:00.500Z',
        '2020-01-01T00:00:00.501Z',
      ),
    ).toEqual(expected);
    expect(
      compared('2020-01-01T01:30+01:30', '2019-12-31T23:59Z', '2019-12-31T19:00-05:00', '2020-01-01T00:01Z'),
    ).toEqual(expected);
  });

  // For a year, a month and a day, times before and after are decided, and times within are not.
  it.each<Row>([
    ['DateLessThan', '2020', '2019-12-31T23:59:59Z', 'holds'],
    ['DateLessThan', '2020', '2020-06-01T00:00:00Z', 'unknown'],
    ['DateLessThan', '2020', '2021-01-01T00:00:00Z', 'does not'],
    ['DateGreaterThan', '2020-02', '2020-01-31T23:59:59Z', 'does not'],
    ['DateGreaterThan', '2020-02', '2020-02-29T23:59:59Z', 'unknown'],
    ['DateGreaterThan', '2020-02', '2020-03-01T00:00:00Z', 'holds'],
    ['DateEquals', '2020-02-29', '2020-02-29T12:00:00Z', 'unknown'],
    ['DateEquals', '2020-02-29', '2020-03-01T00:00:00Z', 'does not'],
    ['DateNotEquals', '2020-02-29', '2020-03-01T00:00:00Z', 'holds'],
    ['DateLessThanEquals', '2020-12', '2020-11-30T00:00:00Z', 'holds'],
    ['DateEquals', '2020-12', '2021-01-01T00:00:00Z', 'does not'],
    ['DateEquals', '2020-12-31', '2020-12-31T23:59:59Z', 'unknown'],
    ['DateEquals', '2020-12-31', '2021-01-01T00:00:00Z', 'does not'],
    ['DateEquals', '0099-01-01', '1999-01-01T00:00:00Z', 'does not'],
    ['DateLessThan', '2020', '2020-01-01T00:00:00Z', 'unknown'],
    ['DateGreaterThan', '2020-06-01T00:00:00Z', '2020', 'unknown'],
    ['DateGreaterThan', '2020-01-01T00:00:00Z', '2020', 'unknown'],
    ['DateLessThan', '2020-01-01T00:00:00Z', '2019', 'holds'],
    ['DateGreaterThan', '2019-12-31T23:59:59Z', '2020', 'holds'],
    ['DateEquals', '2020-01-01', '2020', 'unknown'],
    ['DateEquals', '2019', '2020', 'does not'],
  ])('%s %j, request has %j: %s', (operator, wanted, found, expected) =>
    expect(on('aws:CurrentTime', operator, wanted, found)).toBe(expected),
  );

  // "Wildcards are not permitted for date condition operators."
  it.each(
    [
      ['soon', '', '2020-*', '2020-13', '2020-00', '2020-01-00', '2020-01-32', '2021-02-29', '2020-02-30', '2020-1-1'],
      ['20130930T231548Z', '2020-01-01T00Z', '2020-01-01T00:00', '2020-01-01T24:00Z', '2020-01-01T00:60Z'],
      ['2020-01-01T00:00:60Z', '2020-01-01T00:00z', '2020-01-01 00:00Z', '2020-01-01T00:00+24:00'],
      ['2020-01-01T00:00+00:60', '-1', '1.5', '1577836800000', '12020-01-01', '2020-01-01T00:00:00.Z'],
      ['2020-01-01T00:00:00.1234567890Z', '2020-01-01T00:00:00Z '],
    ].flat(),
  )('cannot read %j', (wanted) => {
    expect(on('aws:CurrentTime', 'DateLessThan', wanted, '2020-01-01T00:00:00Z')).toBe('unknown');
    expect(on('aws:CurrentTime', 'DateNotEquals', '2020-01-01T00:00:00Z', wanted)).toBe('unknown');
  });

  it('reads the limits of hours, minutes, seconds and months, and a number as seconds', () => {
    expect(on('aws:CurrentTime', 'DateEquals', '2020-12-31T23:59:59+23:59', '2020-12-31T00:00:59Z')).toBe('holds');
    expect(on('aws:CurrentTime', 'DateEquals', '2020-01-01T00:00:00-00:00', '2020-01-01T00:00Z')).toBe('holds');
    expect(on('aws:EpochTime', 'DateEquals', '59', '1970-01-01T00:00:59Z')).toBe('holds');
    expect(on('aws:EpochTime', 'DateEquals', '99999', '1970-01-02T03:46:39Z')).toBe('holds');
    expect(on('aws:EpochTime', 'DateGreaterThan', '1970', '20000')).toBe('unknown');
  });
});

describe(`IP address operators: ${OPERATORS}#Conditions_IPAddress`, () => {
  it.each<Row>([
    // "… must come from the IP range 203.0.113.0 to 203.0.113.255"
    ['IpAddress', '203.0.113.0/24', '203.0.113.0', 'holds'],
    ['IpAddress', '203.0.113.0/24', '203.0.113.255', 'holds'],
    ['IpAddress', '203.0.113.0/24', '203.0.114.0', 'does not'],
    ['IpAddress', '203.0.113.77/24', '203.0.113.1', 'holds'],
    ['NotIpAddress', '203.0.113.0/24', '203.0.113.7', 'does not'],
    ['NotIpAddress', '203.0.113.0/24', '203.0.114.7', 'holds'],
    ['NotIpAddress', ['10.0.0.0/8', '203.0.113.0/24'], '203.0.113.7', 'does not'],
    // "If you specify an IP address without the associated routing prefix, IAM uses the default prefix value of /32."
    ['IpAddress', '203.0.113.7', '203.0.113.7', 'holds'],
    ['IpAddress', '203.0.113.7', '203.0.113.6', 'does not'],
    ['IpAddress', '203.0.113.7/32', '203.0.113.7/32', 'holds'],
    ['IpAddress', '::1/128', '::1', 'holds'],
    ['IpAddress', '10.0.0.0/16', '10.0.0.0/8', 'does not'],
    ['IpAddress', '0.0.0.0/0', '255.255.255.255', 'holds'],
    ['IpAddress', '128.0.0.0/1', '127.255.255.255', 'does not'],
    ['IpAddress', '10.0.0.0/9', '10.127.255.255', 'holds'],
    ['IpAddress', '10.0.0.0/9', '10.128.0.0', 'does not'],
    ['IpAddress', '10.0.0.0/8', '10.1.0.0/16', 'holds'],
    ['IpAddress', '10.1.0.0/16', '10.0.0.0/8', 'does not'],
    // The page's example of IPv4 and IPv6.
    ['IpAddress', ['203.0.113.0/24', '2001:DB8:1234:5678::/64'], '2001:db8:1234:5678:ffff::1', 'holds'],
    ['IpAddress', ['203.0.113.0/24', '2001:DB8:1234:5678::/64'], '2001:db8:1234:5679::1', 'does not'],
    ['IpAddress', ['203.0.113.0/24', '2001:DB8:1234:5678::/64'], '203.0.113.9', 'holds'],
    ['IpAddress', '::/0', '203.0.113.9', 'does not'],
    ['IpAddress', '0.0.0.0/0', '::1', 'does not'],
    ['IpAddress', '::1', '0:0:0:0:0:0:0:1', 'holds'],
    ['IpAddress', '1::', '1:0:0:0:0:0:0:0', 'holds'],
    ['IpAddress', '1:2:3:4:5:6:7:8', '1:2:3:4:5:6:7:8', 'holds'],
    ['IpAddress', '1:2:3:4:5:6:7:8', '1:2:3:4:5:6:8:7', 'does not'],
    ['IpAddress', '1:2:3:4:5:6:7::', '1:2:3:4:5:6:7:0', 'holds'],
    ['IpAddress', '::ffff:1.2.3.4', '::ffff:102:304', 'holds'],
    ['IpAddress', '1:2:3:4:5:6:1.2.3.4', '1:2:3:4:5:6:102:304', 'holds'],
    ['IpAddress', '0000:0000:0000:0000:0000:ffff:255.255.255.255', '::ffff:ffff:ffff', 'holds'],
    ['IpAddress', '::/127', '::1', 'holds'],
    ['IpAddress', '::/127', '::2', 'does not'],
    ['IpAddress', 'ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff/1', '8000::', 'holds'],
  ])('%s %j, request has %j: %s', (operator, wanted, found, expected) =>
    expect(on('aws:SourceIp', operator, wanted, found)).toBe(expected),
  );

  it.each(
    [
      ['foo', '', '1.2.3', '1.2.3.4.5', '1.2.3.256', '01.2.3.4', '1.2.3.4/33', '1.2.3.4/', '1.2.3.4/08', '1.2.3.4/-1'],
      ['1.2.3.4/8/8', '1.2.3.4/8/', '1.2.3.x', '1.2..4', '1.2.3.4 ', '/8', '1.2.3.0x4', '::/129', ':::', '1::2::3'],
      ['1:2:3:4:5:6:7', '1:2:3:4:5:6:7:8:9', '1:2:3:4::5:6:7:8', '12345::', 'g::', '::1.2.3', '1.2.3.4::'],
      ['::1.2.3.4:5', '1:2:3:4:5:6:7:1.2.3.4', 'fe80::1%eth0', ':1:2:3:4:5:6:7', '1:2:3:4:5:6:7:'],
      [`${'0'.repeat(50)}::`, '1:'],
    ].flat(),
  )('cannot read %j', (wanted) => {
    expect(on('aws:SourceIp', 'IpAddress', wanted, '1.2.3.4')).toBe('unknown');
    expect(on('aws:SourceIp', 'NotIpAddress', '1.2.3.4', wanted)).toBe('unknown');
  });
});
