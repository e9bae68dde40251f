import { canonicalAddress } from "../model/address.ts";
import { parseTimestamp } from "./evaluate-time.ts";
import { parseUrl } from "./evaluate-url.ts";

/** Whether a text has a format. */
export type FormatCheck = (text: string) => boolean;

const HEX = "[0-9a-fA-F]";
const uuid = (version: string): RegExp =>
  new RegExp(`^${HEX}{8}-?${HEX}{4}-?${version}${HEX}{3}-?${HEX}{4}-?${HEX}{12}$`);
const UUID = uuid(HEX);
const UUID3 = uuid("3");
const UUID4 = uuid("4");
const UUID5 = uuid("5");
const MAC = /^(?:[0-9a-fA-F]{2}(?:[:-][0-9a-fA-F]{2}){5}|[0-9a-fA-F]{4}(?:\.[0-9a-fA-F]{4}){2})$/;
const BASE64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=|[A-Za-z0-9+/]{4})$/;
const DATE = /^\d{4}-\d{2}-\d{2}$/;
const HOST_LABEL = /^[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?$/;
const EMAIL = /^[^\s@<>]{1,64}@[^\s@<>]{1,255}$/;
/** As go-openapi reads durations: Go's, and words such as `3 days`. */
const DURATION = /^(?:[+-]?(?:\d+(?:\.\d*)?|\.\d+)\s*(?:[a-zA-Zµμ]{1,12})\s*)+$/;

const isHostname = (text: string): boolean =>
  text.length <= 255 && text.split(".").every((label) => HOST_LABEL.test(label));

const isIpv4 = (text: string): boolean => canonicalAddress(text) === text && !text.includes(":");

function isCidr(text: string): boolean {
  const [address = "", bits = "", ...more] = text.split("/");
  const canonical = canonicalAddress(address);
  if (more.length > 0 || canonical === undefined || !/^\d{1,3}$/.test(bits)) return false;
  return Number(bits) <= (address.includes(":") ? 128 : 32);
}

const isDate = (text: string): boolean => DATE.test(text) && parseTimestamp(`${text}T00:00:00Z`) !== undefined;

/**
 * The formats that an API server checks, in one spelling (dashes left out); every other format is passed over.
 * SOURCE: apiextensions-apiserver, pkg/apiserver/validation/formats.go.
 */
export const STRING_FORMATS: Readonly<Record<string, FormatCheck>> = {
  byte: (text) => BASE64.test(text),
  cidr: isCidr,
  date: isDate,
  datetime: (text) => parseTimestamp(text) !== undefined,
  duration: (text) => text.length <= 200 && DURATION.test(text),
  email: (text) => EMAIL.test(text),
  hostname: isHostname,
  ipv4: isIpv4,
  ipv6: (text) => text.includes(":") && canonicalAddress(text) !== undefined,
  mac: (text) => MAC.test(text),
  uri: (text) => parseUrl(text) !== undefined,
  uuid: (text) => UUID.test(text),
  uuid3: (text) => UUID3.test(text),
  uuid4: (text) => UUID4.test(text),
  uuid5: (text) => UUID5.test(text),
};

/** The check of a format as schemas write it; undefined for formats that nothing checks. */
export const formatCheck = (format: string): FormatCheck | undefined => {
  const name = format.replaceAll("-", "");
  return Object.hasOwn(STRING_FORMATS, name) ? STRING_FORMATS[name] : undefined;
};
