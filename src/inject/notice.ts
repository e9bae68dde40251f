import { type FieldPath, formatPath } from "../model/field-path.ts";
import { HAZARDS, type Hazard, SKIP_REASONS, type SkipReason } from "./reasons.ts";

/** Something the pod's creator should know: where, what, and what to do. The texts depend on the pod alone. */
export type Notice = {
  readonly code: SkipReason | Hazard;
  readonly path: FieldPath;
  readonly title: string;
  readonly hint: string;
};

const withDetail = (title: string, detail: string | undefined): string =>
  detail === undefined || detail === "" ? title : `${title}: ${detail}`;

/** The notice of a pod that is left as it is; `detail` ends the title. */
export const skipNotice = (code: SkipReason, path: FieldPath, detail?: string): Notice => ({
  code,
  path,
  title: withDetail(SKIP_REASONS[code].title, detail),
  hint: SKIP_REASONS[code].hint,
});

/** The notice of a pod that is routed and yet has a flaw; `detail` ends the title. */
export const hazardNotice = (code: Hazard, path: FieldPath, detail?: string): Notice => ({
  code,
  path,
  title: withDetail(HAZARDS[code].title, detail),
  hint: HAZARDS[code].hint,
});

/** `<code>: <path>: <title>`, the form of every warning at admission. The path is left out when it is the root. */
export const renderNotice = ({ code, path, title }: Notice): string =>
  path.length === 0 ? `${code}: ${title}` : `${code}: ${formatPath(path)}: ${title}`;
