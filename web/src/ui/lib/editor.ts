/**
 * CodeMirror for reading and writing programs. It lives in a shadow root, where its styles are adopted
 * style sheets, which a strict content security policy allows. Loaded only when code is shown.
 */
import { defaultKeymap, history, historyKeymap, indentLess, indentMore } from "@codemirror/commands";
import { python } from "@codemirror/lang-python";
import { HighlightStyle, bracketMatching, indentOnInput, indentUnit, syntaxHighlighting } from "@codemirror/language";
import { highlightSelectionMatches, search, searchKeymap } from "@codemirror/search";
import { EditorState, type Extension } from "@codemirror/state";
import { EditorView, drawSelection, highlightSpecialChars, keymap, lineNumbers } from "@codemirror/view";
import { tags } from "@lezer/highlight";
import { t } from "../texts";
import { clean } from "./text";

const look = EditorView.theme({
  "&": { color: "var(--ink)", backgroundColor: "var(--field)", fontSize: "0.875rem", height: "var(--editor-height)", maxHeight: "var(--editor-most)" },
  "&.cm-focused": { outline: "2px solid var(--accent)", outlineOffset: "-2px" },
  ".cm-scroller": { fontFamily: "var(--mono)", lineHeight: "1.5", overflow: "auto" },
  ".cm-gutters": { backgroundColor: "var(--field)", color: "var(--quiet)", border: "none" },
  ".cm-cursor": { borderLeftColor: "var(--ink)" },
  ".cm-selectionBackground, &.cm-focused .cm-selectionBackground": { backgroundColor: "var(--selection) !important" },
  ".cm-selectionMatch": { backgroundColor: "var(--selection)" },
  ".cm-specialChar": { color: "var(--on-alarm)", backgroundColor: "var(--alarm)", borderRadius: "3px", padding: "0 3px" },
  ".cm-panels": { backgroundColor: "var(--surface)", color: "var(--ink)" },
  ".cm-panel input, .cm-panel button": { fontSize: "0.875rem", minHeight: "2rem" },
});

const colours = syntaxHighlighting(
  HighlightStyle.define([
    { tag: [tags.keyword, tags.operatorKeyword, tags.controlKeyword, tags.definitionKeyword], color: "var(--code-keyword)" },
    { tag: [tags.string, tags.special(tags.string)], color: "var(--code-string)" },
    { tag: [tags.number, tags.bool, tags.null], color: "var(--code-number)" },
    { tag: tags.comment, color: "var(--quiet)", fontStyle: "italic" },
    { tag: [tags.function(tags.definition(tags.variableName)), tags.className], fontWeight: "600" },
  ]),
);

/** Everything that is hidden, as its escape on red: a program could otherwise show other code than runs. */
const hidden = highlightSpecialChars({
  specialChars:
    /[\p{Cc}\p{Cf}\p{Co}\p{Cn}\p{Cs}\p{Zl}\p{Zp}\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u2800\u3164\uffa0\ufe00-\ufe0f\u{e0100}-\u{e01ef}]/gu,
  render(code) {
    const mark = document.createElement("span");
    mark.className = "cm-specialChar";
    mark.textContent = clean(String.fromCodePoint(code));
    mark.title = t("about.hidden", { code: `U+${code.toString(16).toUpperCase().padStart(4, "0")}` });
    return mark;
  },
});

export interface EditorOptions {
  text: string;
  label: string;
  isPython: boolean;
  /** Called with the text after every change; without it the text can't be changed. */
  onchange?: (text: string) => void;
}

export function makeEditor(place: HTMLElement, options: EditorOptions): EditorView {
  const root = place.shadowRoot ?? place.attachShadow({ mode: "open" });
  const { onchange } = options;
  const extensions: Extension[] = [
    lineNumbers(),
    hidden,
    drawSelection(),
    search({ top: true }),
    highlightSelectionMatches(),
    bracketMatching(),
    keymap.of([...searchKeymap, ...defaultKeymap]),
    EditorView.contentAttributes.of({ "aria-label": options.label, tabindex: "0" }),
    look,
    colours,
  ];
  if (options.isPython) extensions.push(python());
  if (onchange) {
    // Who only passes by with Tab is let through, and changes nothing.
    let typed = false;
    extensions.push(
      EditorView.domEventHandlers({ focus: () => void (typed = false) }),
      history(),
      indentOnInput(),
      indentUnit.of("    "),
      EditorView.contentAttributes.of({ "aria-description": t("program.leave") }),
      keymap.of([...historyKeymap, { key: "Tab", run: (view) => typed && indentMore(view), shift: (view) => typed && indentLess(view) }]),
      EditorView.updateListener.of((update) => {
        if (!update.docChanged) return;
        typed = true;
        onchange(update.state.doc.toString());
      }),
    );
  } else {
    // Not editable, so that no keyboard comes up on a phone; focusable all the same, for its own search.
    const readable = EditorView.contentAttributes.of({ "aria-readonly": "true" });
    extensions.push(EditorState.readOnly.of(true), EditorView.editable.of(false), EditorView.lineWrapping, readable);
  }
  return new EditorView({ parent: root, root, state: EditorState.create({ doc: options.text, extensions }) });
}
