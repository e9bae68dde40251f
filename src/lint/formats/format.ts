import type { ObjectRef } from "../../model/object-ref.ts";
import type { Place } from "../../model/place.ts";
import type { LintSummary, LocatedFinding } from "../located-finding.ts";
import type { LineOf, Paint } from "../render-text.ts";
import type { Rule } from "../rule.ts";

/** Something of the input that could not be read at all, so that no finding tells of it. */
export type InputProblem = {
  readonly severity: "error" | "warning";
  readonly message: string;
  readonly hint: string;
  readonly file: string;
  /** Absent when the file as a whole is meant. */
  readonly place?: Place;
};

/** An object that was judged and the file that it is written in, whether anything was found or not. */
export type JudgedObject = { readonly ref: ObjectRef; readonly file: string };

/** A file as reports name it: its path from the root of the sources with `/`, or where it is outside of that root. */
export type ReportedFile =
  | { readonly kind: "inside"; readonly path: string }
  | { readonly kind: "outside"; readonly path: string }
  | { readonly kind: "stream"; readonly path: string };

/** What one run found. */
export type LintReport = {
  /** In the order of the objects, worst first for each. */
  readonly findings: readonly LocatedFinding[];
  readonly summary: LintSummary;
  readonly problems: readonly InputProblem[];
  readonly objects: readonly JudgedObject[];
  /** 0, 1 or 2, as the command ends. */
  readonly exitCode: number;
};

/** New text for a stretch of a file. */
export type TextReplacement = { readonly place: Place; readonly text: string };

/** What a format needs besides; everything of the world comes in as a function or a value. */
export type FormatOptions = {
  /** The rules that ran. */
  readonly rules: readonly Rule[];
  /** The version of Sluice. */
  readonly version: string;
  /** Leaves out notes and summary of formats for people. */
  readonly quiet: boolean;
  /** What a person should know of the run, one sentence each. */
  readonly notes: readonly string[];
  readonly paint: Paint;
  readonly lineOf: LineOf;
  /** The untyped JSON of an object, for keys that outlive moved lines. */
  readonly rawOf: (object: ObjectRef) => unknown;
  /** A hash that cannot be turned back, in hexadecimal digits. */
  readonly digest: (text: string) => string;
  readonly fileOf: (file: string) => ReportedFile;
  /** How a finding is mended as text; undefined where it is not, or not by exchanging text alone. */
  readonly replacementsOf: (located: LocatedFinding) => readonly TextReplacement[] | undefined;
};

/** Turns a run into the whole text of one output. Pure. */
export type Format = (report: LintReport, options: FormatOptions) => string;
