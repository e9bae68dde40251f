/** An element as it was read: attributes decoded, children in order. */
export type XmlElement = {
  readonly name: string;
  readonly attributes: Readonly<Record<string, string>>;
  readonly children: readonly (XmlElement | string)[];
};

const NAME = /[A-Za-z_][\w.-]*/y;
const CHARS = /^[\t\n\r\u0020-\uD7FF\uE000-\uFFFD\u{10000}-\u{10FFFF}]*$/u;
const ENTITIES: Record<string, string> = { amp: "&", lt: "<", gt: ">", quot: '"', apos: "'" };

/**
 * Reads the little of XML that a report needs, and throws on everything that XML 1.0 forbids in it: characters outside
 * of production Char, `<` or a bare `&` in text, `]]>`, attributes twice, tags that do not match, two roots.
 */
export function readXml(text: string): XmlElement {
  if (!CHARS.test(text)) throw new Error("a character that XML does not allow");
  let at = 0;
  const take = (pattern: RegExp): string => {
    const sticky = new RegExp(pattern.source, "uy");
    sticky.lastIndex = at;
    const found = sticky.exec(text)?.[0];
    if (found === undefined)
      throw new Error(`no ${pattern.source} at ${at}: ${JSON.stringify(text.slice(at, at + 40))}`);
    at += found.length;
    return found;
  };
  const element = (): XmlElement => {
    take(/</);
    const name = take(NAME);
    const attributes: Record<string, string> = {};
    while (/\s/.test(text[at] ?? "")) {
      take(/\s+/);
      const key = take(NAME);
      if (Object.hasOwn(attributes, key)) throw new Error(`attribute ${key} twice`);
      attributes[key] = decode(take(/="[^"<]*"/).slice(2, -1));
    }
    if (text.startsWith("/>", at)) {
      take(/\/>/);
      return { name, attributes, children: [] };
    }
    take(/>/);
    const children: (XmlElement | string)[] = [];
    while (!text.startsWith("</", at)) {
      children.push(text[at] === "<" ? element() : decode(take(/[^<]+/)));
    }
    take(new RegExp(`</${name}>`));
    return { name, attributes, children };
  };
  take(/<\?xml version="1\.0" encoding="UTF-8"\?>\n/);
  const root = element();
  take(/\s*/);
  if (at !== text.length) throw new Error("text after the root");
  return root;
}

function decode(text: string): string {
  if (text.includes("]]>")) throw new Error("]]> in text");
  return text.replaceAll(/&([^;]*);?/g, (whole, name: string) => {
    const character = name.startsWith("#") ? String.fromCodePoint(Number(name.slice(1))) : ENTITIES[name];
    if (character === undefined || !whole.endsWith(";")) throw new Error(`no such reference: ${whole}`);
    return character;
  });
}
