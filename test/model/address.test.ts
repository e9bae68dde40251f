import { describe, expect, test } from "vitest";
import { isListed, usableAddress } from "../../src/model/address.ts";

describe("usableAddress", () => {
  test.each([
    ["10.96.10.10", "10.96.10.10"],
    ["::ffff:10.96.10.10", "10.96.10.10"],
    ["::FFFF:0A60:0A0A", "10.96.10.10"],
    ["FD00:10:96:0:0:0:0:10", "fd00:10:96::10"],
    ["2001:db8::1", "2001:db8::1"],
    ["0.0.0.0", undefined],
    ["127.0.0.1", undefined],
    ["::ffff:127.0.0.1", undefined],
    ["169.254.1.1", undefined],
    ["224.0.0.1", undefined],
    ["255.255.255.255", undefined],
    ["::", undefined],
    ["::1", undefined],
    ["fe80::1", undefined],
    ["fe80::1%eth0", undefined],
    ["ff02::1", undefined],
    ["010.1.1.1", undefined],
    ["not-an-ip", undefined],
    ["", undefined],
  ])("reads %j as %j", (text, expected) => {
    expect(usableAddress(text)).toBe(expected);
  });
});

describe("isListed", () => {
  test.each([
    ["10.0.0.1", ["10.0.0.1"], true],
    ["10.0.0.1", ["10.0.0.0/24"], true],
    ["10.0.1.1", ["10.0.0.0/24"], false],
    ["fd00::1", ["fd00::/8"], true],
    ["10.0.0.1", ["10.0.0.0/99", "x/8", ""], false],
  ])("%s in %j: %s", (address, list, expected) => {
    expect(isListed(address, list)).toBe(expected);
  });
});
