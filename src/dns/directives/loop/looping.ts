import { failed, type PreparedAnswer } from "../../pipeline/answer.ts";
import { EDE } from "../../wire/codes.ts";

/** The answer to a loop probe, and to everything that would be forwarded while forwarding loops. */
export const loopingAnswer = (by: string): PreparedAnswer =>
  failed(by, EDE.OTHER, "forwarding loop: the upstream sends our questions back to us");
