/**
 * The content security policy of the built page, as a meta element; a server may send more, not less.
 *
 * `style-src 'unsafe-inline'` is for xterm.js alone: its renderer writes the sizes and colours of the
 * terminal, and of its scroll bars, into style elements, and true colours into style attributes.
 * `img-src blob:` shows the pictures that a program drew; as pictures they run and fetch nothing.
 * `connect-src` is the rendezvous that serves the page. The session worker and the runner's frame have
 * policies of their own, which allow WebAssembly; the page needs none.
 */
import type { Plugin } from "vite";

export const POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self' 'unsafe-inline'",
  "img-src 'self' blob:",
  "connect-src 'self'",
  "worker-src 'self'",
  "frame-src 'self'",
  "manifest-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
].join("; ");

/** In the build only: while developing, Vite itself needs inline styles and a socket. */
export function contentSecurityPolicy(): Plugin {
  return {
    name: "content-security-policy",
    apply: "build",
    transformIndexHtml: () => [
      { tag: "meta", attrs: { "http-equiv": "Content-Security-Policy", content: POLICY }, injectTo: "head-prepend" },
    ],
  };
}
