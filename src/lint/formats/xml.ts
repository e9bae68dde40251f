/**
 * What XML 1.0 allows no document to hold, not even as a reference: control characters but tab and line ends, halves
 * of surrogate pairs, U+FFFE and U+FFFF (production 2, Char).
 */
const FORBIDDEN = /[^\t\n\r\u0020-\uD7FF\uE000-\uFFFD\u{10000}-\u{10FFFF}]/gu;

const REFERENCES: Record<string, string> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "'": "&apos;",
  "\t": "&#9;",
  "\n": "&#10;",
  "\r": "&#13;",
};

/** Text as the content of an element; what XML cannot hold becomes U+FFFD. */
export const xmlText = (text: string): string =>
  text.replaceAll(FORBIDDEN, "\uFFFD").replaceAll(/[&<>\r]/g, (character) => REFERENCES[character] ?? character);

/** Text as the value of an attribute in double quotes; line breaks survive as references. */
export const xmlAttribute = (text: string): string =>
  text.replaceAll(FORBIDDEN, "\uFFFD").replaceAll(/[&<>"'\t\n\r]/g, (character) => REFERENCES[character] ?? character);

/** An element with its attributes in the order given; `inside` is XML already. */
export function element(name: string, attributes: Readonly<Record<string, string | number>>, inside = ""): string {
  const written = Object.entries(attributes).map(([key, value]) => ` ${key}="${xmlAttribute(String(value))}"`);
  const open = `<${name}${written.join("")}`;
  return inside === "" ? `${open}/>` : `${open}>${inside}</${name}>`;
}
