import fc from "fast-check";

/** Text that looks like a Corefile more often than chance would make it. */
export const corefileLike = fc
  .array(
    fc.oneof(
      fc.constantFrom(
        "{",
        "}",
        "\n",
        " ",
        '"',
        "#",
        "\\",
        "import",
        "(s)",
        ".",
        "a.test:53",
        ",",
        "{$A}",
        "{%B%}",
        "\r",
      ),
      fc.constantFrom("forward", "cache", "hosts", "template", "rewrite", "acl", "sluice", "log", "10.0.0.0/8", "5s"),
      fc.string({ maxLength: 6 }),
    ),
    { maxLength: 60 },
  )
  .map((parts) => parts.join(""));
