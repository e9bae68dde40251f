type Write = (fields: Readonly<Record<string, unknown>>, message: string) => void;

/** What sources need of a log; the program's own log fits. Messages are constant, what varies stands in fields. */
export type SourceLog = { readonly debug: Write; readonly info: Write; readonly warn: Write; readonly error: Write };
