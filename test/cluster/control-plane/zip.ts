import { inflateRawSync } from "node:zlib";

const END_OF_DIRECTORY = 0x06054b50;
const DIRECTORY_ENTRY = 0x02014b50;
const END_LENGTH = 22;
const ENTRY_LENGTH = 46;
const LOCAL_HEADER_LENGTH = 30;
const STORED = 0;
const DEFLATED = 8;

/**
 * The files of a zip whose names pass `wanted`. Enough for what Go's module cache holds: no ZIP64 (a module zip is
 * below 500 MiB by Go's own rule), no encryption. SOURCE: APPNOTE.TXT 6.3.10, sections 4.3.7, 4.3.12, 4.3.16.
 * Read here because neither `unzip` nor a `tar` that knows zip is on every machine that has Go and Node.
 */
export function readZip(zip: Buffer, wanted: (name: string) => boolean): ReadonlyMap<string, Buffer> {
  const end = endOfDirectory(zip);
  const files = new Map<string, Buffer>();
  let at = zip.readUInt32LE(end + 16);
  for (let left = zip.readUInt16LE(end + 10); left > 0; left -= 1) {
    if (zip.readUInt32LE(at) !== DIRECTORY_ENTRY) throw new Error(`no directory entry at offset ${at} of the zip`);
    const nameLength = zip.readUInt16LE(at + 28);
    const name = zip.toString("utf8", at + ENTRY_LENGTH, at + ENTRY_LENGTH + nameLength);
    if (wanted(name)) files.set(name, content(zip, at, name));
    at += ENTRY_LENGTH + nameLength + zip.readUInt16LE(at + 30) + zip.readUInt16LE(at + 32);
  }
  return files;
}

/** The end record is last but for a comment of at most 65535 bytes, so it is looked for from the back. */
function endOfDirectory(zip: Buffer): number {
  const first = Math.max(0, zip.length - END_LENGTH - 0xffff);
  for (let at = zip.length - END_LENGTH; at >= first; at -= 1) if (zip.readUInt32LE(at) === END_OF_DIRECTORY) return at;
  throw new Error("the file is not a zip: it has no end-of-directory record");
}

/** Name and extra field are read from the local header, whose extra field may differ from the directory's. */
function content(zip: Buffer, entry: number, name: string): Buffer {
  const method = zip.readUInt16LE(entry + 10);
  const length = zip.readUInt32LE(entry + 20);
  const header = zip.readUInt32LE(entry + 42);
  const start = header + LOCAL_HEADER_LENGTH + zip.readUInt16LE(header + 26) + zip.readUInt16LE(header + 28);
  const packed = zip.subarray(start, start + length);
  if (method === STORED) return packed;
  if (method === DEFLATED) return inflateRawSync(packed);
  throw new Error(`${name} in the zip uses compression method ${method}, which is not read here`);
}
