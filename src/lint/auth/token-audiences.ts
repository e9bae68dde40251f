/** Audiences that the Kubernetes API server accepts for itself in a common set-up. */
const API_SERVER = /^(https:\/\/)?kubernetes\.default(\.svc(\.[\w.-]+)?)?\/?$|^api$/;

/** Whether a token for this audience opens the Kubernetes API. */
export const isApiServerAudience = (audience: string): boolean => API_SERVER.test(audience);
