/**
 * All that the page says, in one place: to be read as a whole, and to be translated.
 *
 * A language is another record with these keys; what it lacks is said in English. `{name}` stands for a value; a
 * text with a count has the forms of `Intl.PluralRules`, `one` and `other` in English. The texts of a guest's way
 * use no jargon (texts.test.ts): what somebody must know who was just invited is said in everyday words.
 */

type Forms = { one: string; other: string };

export const EN = {
  // --- everywhere
  "app.name": "Huddle",
  "app.youAre": "You are {name}",
  "app.leave": "Leave",
  "app.back": "Back",
  "app.help": "How does this work?",
  "app.language": "Language",
  "app.leaveRunning": "The program is running. If you leave, it ends for everybody. Leave?",
  "app.leaveLobby": "Leave the session? The others will be told.",
  "app.and": "{names} and {last}",
  "whose.local": "Here",
  "whose.program": "In the program",
  "whose.peer": "At {name}",
  "whose.somebody": "At somebody else",
  "whose.rendezvous": "At the server",
  "whose.network": "In the network",
  "app.dismiss": "Dismiss this message",
  "app.copied": "Copied",
  "app.cantCopy": "Can't copy here",
  "app.save": "Save",
  "app.share": "Share…",
  "tab.input": "● Your input, Huddle",
  "tab.door": "● Somebody is at the door, Huddle",
  "tab.answer": "● Your answer, Huddle",
  "tab.result": "✓ Your result, Huddle",
  "tab.over": "Over, Huddle",
  "tab.running": "Running, Huddle",

  // --- the first screen
  "start.title": "Compute together, keep your inputs to yourself",
  "start.lead":
    "A few people run a program together, each in their own browser. What each of them types stays secret; only the result is shown. No account, nothing to install.",
  "start.host": "Host a session",
  "start.hostHow": "Choose a program, invite the others by a link, and start when all are here.",
  "start.join": "Join a session",
  "start.joinHow": "You have a link, a code like 4821-apple-river, or a QR code.",
  "start.trial": "Try it alone",
  "start.trialHow": "You host a session with two made-up people. They live in this tab and say yes to everything.",
  "start.past": "Past runs and what is kept here",

  // --- help
  "help.title": "How this works",
  "help.close": "Close",
  "help.1": "Somebody chooses a program and sends a link. Whoever opens it gives a name and knocks; the one who invites lets people in.",
  "help.2":
    "Then all see the same four words. You say them to each other, on the phone or in the room. If they are the same everywhere, nobody is listening in between.",
  "help.3": "You read what the program does with what you type, and say yes or no. Nothing runs before everybody has said yes.",
  "help.4":
    "The program runs in all browsers at once. What you type is cut into pieces that mean nothing by themselves, and only such pieces leave your device. Only the result is put together again.",
  "help.5": "Afterwards nothing stays but what you choose to keep.",
  "help.limits":
    "What it can't do: the result itself can say something about the inputs, and with two people each can work out the other's. And whoever serves this page could serve another one.",

  // --- your name
  "name.label": "Your name, as the others see it",
  "name.first": "Give your name first.",
  "name.ends": "A name has no spaces at its ends.",
  "name.long": "That is too long: 64 characters at most.",
  "name.hidden": "This name has a character that nobody can see.",
  "name.form": "This name can't be used in this spelling.",

  // --- links and codes
  "entry.empty": "Paste the link, or type the code.",
  "entry.neither": "That is neither a link nor a code. A code is a number and two words, like 4821-apple-river.",
  "entry.code": "That is not a whole code. A code is a number and two words, like 4821-apple-river.",
  "entry.noLink": "That is not a link. Copy the whole of it.",
  "entry.noInvitation": "That is not an invitation. Its link has /j# in it; copy the whole of it.",
  "entry.noSecret": "The link ends before its #, and the part behind it is the key. Copy the whole link, or ask for the code.",
  "entry.cutOff": "This link is cut off or has a wrong letter in it. Copy it again, or ask for a new one.",
  "entry.newer": "This link was made by a newer Huddle. Reload the page; if that does not help, ask for another link.",

  // --- coming in
  "join.title": "Join a session",
  "join.invited": "You are invited to a huddle",
  "join.lead": "Join to see who invites you and what you are to compute together. Nothing runs before you have read it and said yes.",
  "join.how": "How you join",
  "join.field": "Link or code",
  "join.fieldAgain": "The link, or a code",
  "join.placeholder": "https://… or 4821-apple-river",
  "join.elsewhere": "This session meets at {at}.",
  "join.openThere": "Open it there",
  "join.elsewhereWhy": "That server gives you its own page.",
  "join.scan": "Scan a QR code",
  "join.more": "More settings",
  "join.pinned": "Only this program (its fingerprint)",
  "join.record": "Only where all sign a record of the session",
  "join.button": "Join",
  "join.again": "Try again",
  "join.other": "I want something else",

  // --- what did not work
  "setback.title": "That did not work",
  "setback.kept": "What you entered is still here.",

  // --- getting ready
  "ready.bytes": "Loading: {done} of {total}, {percent} %",
  "ready.loading": "Loading",
  "ready.starting": "Starting Python",
  "ready.waiting": "Preparing the program's room",
  "ready.begin": "Getting ready",

  // --- hosting
  "host.title": "Host a session",
  "host.which": "Which program?",
  "host.args": "Arguments for all",
  "host.argsHelp": "Everybody sees and runs them, like --size 8.",
  "host.people": "With how many?",
  "host.count": "People, you among them",
  "host.noSecrets2": "With two people, each can work out the other's input. Take three or more to hide them.",
  "host.noSecrets": "With this setting each can work out the others' inputs. Take three people or more to hide them.",
  "host.stay": "Further runs with the same people",
  "host.more": "More settings for all",
  "host.threshold": "Threshold: so many curious people together learn nothing",
  "host.thresholdUsual": "{usual}, the most",
  "host.noPrss": "No pseudorandom secret sharing (for more than about 15 people)",
  "host.record": "All sign a record of the session, which you can keep",
  "host.alone": "Settings for you alone",
  "host.open": "Open the session",
  "host.again": "Try again",
  "host.chooseFirst": "Choose a program first.",
  "program.from": "Where the program comes from",
  "program.gallery": "Gallery",
  "program.files": "Your own files",
  "program.write": "Write one",
  "program.change": "Read or change it",
  "program.filesLabel": "Files of the program",
  "program.filesHelp": "A Python file that uses MPyC, and what it imports or reads. All get these files.",
  "program.entry": "The file to run",
  "program.noPython": "None of these is a Python file.",
  "program.list": "{files}: {size}.",
  "program.large": "Above 1 MiB they are sent once all are connected, and everybody is asked twice.",
  "program.own": "Your program",
  "program.unknown": "There is no program called {name} here. Choose one of these.",
  "program.syntax": "Python can't read it: {problem}.",
  "program.missing": "It imports {name}, which people in browsers can't have here: {reason}. It may fail without it.",
  "program.looking": "Looking at the program",

  // --- inviting
  "invite.title": "Invite the others",
  "invite.qr": "QR code of the invitation",
  "invite.link": "Link",
  "invite.copy": "Copy link",
  "invite.shareText": "Join my Huddle session",
  "invite.code": "Code",
  "invite.codeHelp": "Good for ten minutes and three tries. Guests type it on this site's start page.",
  "invite.door": "Who has the link can knock at the door. You decide who comes in.",
  "alerts.ask": "Tell me when I am needed",
  "alerts.on": "You are told when you are needed, with a sound, also while you look at something else.",
  "alerts.refused": "This browser shows no notifications for this page. A sound tells you all the same.",
  "alerts.knock": "{name} is at the door",
  "alerts.input": "The program waits for your input",
  "alerts.decision": "The session waits for your answer",
  "alerts.admitted": "You were let in",

  // --- the lobby
  "lobby.yours": "Your session",
  "lobby.joining": "Joining",
  "lobby.invites": "{name} invites you",
  "lobby.opening": "Opening a room",
  "lobby.leaving": "Leaving the session",
  "lobby.declined": "You said no, and keep your place. {name} can change something and ask again.",
  "lobby.held": "Not all have said yes. Change something, or ask again",
  "lobby.yourAnswer": "Waiting for your answer",
  "lobby.door": "Somebody is at the door",
  "lobby.next": "What next?",
  "lobby.connecting": "Connecting to the others",
  "lobby.waitOthers": "Waiting for the others",
  "lobby.waitHost": "Waiting for {name}",
  "lobby.accepting": { one: "Waiting until {names} says yes", other: "Waiting until {names} say yes" } as Forms,
  "lobby.signing": "All have said yes. Getting the session ready",
  "lobby.knocking": "Looking for whoever invites you",
  "lobby.knocked": "You have knocked. {name} sees you and lets you in",
  "lobby.inAll": "You are in, and so are all others",
  "lobby.in": "You are in. Waiting until everybody is here",
  "lobby.letIn": "You are let in. {here} of {all} are here",
  "lobby.seated": "You have a seat. {here} of {all} are here",
  "lobby.allHere": "All {all} are here. {name} goes on",
  "lobby.missing": { one: "{names} is missing", other: "{names} are missing" } as Forms,
  "lobby.full": "The session is full; you are waiting for a seat",
  "lobby.here": "{here} of {all} are here",
  "group.title": "Your group: {group}",
  "group.waiting": "You are in. {name} deals everybody to groups",
  "group.here": "{here} of {all} of your group are here",
  "lobby.more": { one: "{here} of {all} are here. Waiting for {count} more person", other: "{here} of {all} are here. Waiting for {count} more people" } as Forms,
  "lobby.words": "Agreeing on the words",
  "lobby.hostAway": "{name} is away just now. If this lasts, ask them to open their page again.",
  "lobby.noAnswerGuest": "Nobody has let you in for a while. Tell {name} that you are waiting: they have to press a button.",
  "lobby.noHost": "Nobody answers here yet. Is the page of whoever invited you still open?",
  "lobby.noAnswerHost": "Nobody has come for a while. Did the link arrive? Whoever opens it has to give a name and press Join.",

  // --- what the host can change before the start
  "change.title": "Change something",
  "change.lead": "Nobody has to join again: all keep their places and are asked anew.",
  "change.count": "How many take part, you among them",
  "change.countYes": "Change the number",
  "change.program": "Another program, or this one with other arguments",
  "change.programYes": "Ask about this program",
  "change.keep": "Use this program",
  "change.again": "Ask everybody again",
  "change.code": "Another code",

  // --- the next run
  "again.title": "The next run",
  "again.failed": "Try again?",
  "again.run": "Run again",
  "again.other": "Another program",
  "again.otherTitle": "Another program with the same people",
  "again.propose": "Propose it",
  "again.end": "End the session",

  // --- the words
  "words.title": "Say these words to each other",
  "words.why": "The same four words on all screens mean that nobody is listening in between. Use the phone or the room you are in, not the chat through which the link came.",
  "words.verified": "You have compared before with all of them, so you need not do it again.",
  "words.new": "These words are new: the set-up began again (attempt {epoch} of at most 8). Compare them afresh.",
  "words.whom": "Whom did you hear say these words?",
  "words.contact": "verified contact",
  "words.differ": "Somebody has other words",
  "words.youDiffer": "You said that the words are different.",
  "words.theyDiffer": "{name} saw other words.",
  "words.intercepted": "Somebody may be intercepting. Type nothing secret here; start again with a new link, sent another way.",

  // --- the program, before saying yes
  "about.title": "What you are asked to run",
  "about.itself": "In the program's own words; nobody has checked them:",
  "about.silent": "The program says nothing about itself. Read it, or ask {name} what it does.",
  "about.learned": "What comes out",
  "about.args": "It was given:",
  "about.locked": "It can't reach your key, other pages or the Internet: only the others here, and what you type or give it.",
  "about.open": "It is not locked in.",
  "about.details": "Read the program, its files and its fingerprint",
  "about.name": "Program",
  "about.argsForAll": "Arguments for all",
  "about.none": "none",
  "about.flags": "MPyC flags",
  "about.digest": "Fingerprint",
  "about.harmless": "No signature and no word says that a program is harmless. Read what it does with what you type.",
  "about.file": "File",
  "about.oneFile": "One file, {size}",
  "about.odd": {
    one: "This program has {count} hidden character, shown on red. It can make code look like other code.",
    other: "This program has {count} hidden characters, shown on red. They can make code look like other code.",
  } as Forms,
  "about.source": "Source of {path}",
  "about.later": "The files come once everybody has shown their values.",
  "about.run": "run {run}",

  // --- the decision
  "decide.title": "Your decision",
  "decide.two": "With two people, each can work out what the other typed. Three or more hide it.",
  "decide.threshold": "In this session each can work out what the others typed.",
  "decide.unheard": "You have not ticked {names}: nothing says that it is them.",
  "decide.ask": "Do you take part, with these people and this program?",
  "decide.askNext": "{name} proposes this program for the next run.",
  "decide.own": "Your own files and arguments for it",
  "decide.ownGiven": "Your own files and arguments for it ({count} given)",
  "decide.no": "Decline",
  "decide.yes": "Accept and run",
  "decide.yesPlain": "Accept",
  "decide.sureTitle": "You have heard nobody say the words",
  "decide.sure": "Without comparing, somebody in between could read what you type. Compare them first if you can.",
  "decide.sureYes": "Run without comparing",
  "decide.sureNo": "Back to the words",
  "decide.differTitle": "Are the words really different?",
  "decide.differ": "Then somebody may be intercepting. The session ends for everybody, and all are told why. Start again with a new link, sent another way.",
  "decide.differYes": "Yes, they are different",

  // --- what a program asks for
  "form.own": "What the program wants from you",
  "form.forAll": "What the program is to work with, for all",
  "form.stays": "stays on this device",
  "form.shared": "everybody sees it",
  "form.optional": "may be left empty",
  "form.choose": "Choose one",
  "form.chosen": "Chosen: {name}",
  "form.declaredShared": { one: "One thing that you can set, for all", other: "{count} things that you can set, for all" } as Forms,
  "form.declaredOwn": { one: "One thing that you can set, for you alone", other: "{count} things that you can set, for you alone" } as Forms,
  "form.missing": "Something is missing or can't be, see above.",

  // --- people
  "people.title": "People",
  "people.free": "a free place",
  "people.nobody": "nobody to be seen yet",
  "people.host": "(host)",
  "people.self": "you",
  "people.new": "new to you",
  "people.known": "a contact, not verified",
  "people.verified": "verified contact",
  "people.alarm": "not the person you know",
  "people.alarmWhy": "You know somebody of this name, or of one that looks like it, with another key. Ask them, by voice, before you go on.",
  "people.seated": "has a seat",
  "people.waiting": "wants to come in",
  "people.admitted": "is in",
  "people.refused": "was refused",
  "people.accepted": "has said yes",
  "people.connected": "connected",
  "people.silent": "has not been heard for some time",
  "people.gone": "gone",
  "people.left": "has left",
  "people.atDoor": "at the door",
  "people.here": "here",
  "people.lost": "connection lost, looking for another",
  "people.rtt": "round trip {ms} ms",
  "people.key": "Key",
  "people.letIn": "Let {name} in",
  "people.refuse": "Refuse",
  "people.remove": "Remove {name}",
  "people.noSeat": "waits for a place",
  "people.noSeatHow": "All places are taken. Remove somebody, or let more people take part.",
  "people.mayKnock": "was refused, and may knock again",

  // --- the run
  "run.program": "The program",
  "run.which": "Run",
  "run.running": "Running",
  "run.stopping": "Stopping",
  "run.yourInput": "Waiting for your input",
  "run.stop": "Stop",
  "run.finished": "You have the result",
  "run.took": "Run {run} took {time}.",
  "run.youStopped": "You stopped the run",
  "run.stopped": "{name} stopped the run",
  "run.failedHere": "It failed here.",
  "run.failedProgram": "The program failed here.",
  "run.failedPeer": "It failed at {name}.",
  "run.failedSomebody": "It failed at somebody else.",
  "run.failedRendezvous": "The server failed.",
  "run.failedNetwork": "The network failed.",
  "run.failed": "It did not end well.",
  "run.silent": "{names}: silent",
  "run.typing": "{names}: typing",
  "run.result": "Result",
  "run.nothing": "The program wrote nothing.",
  "run.files": "Files that the program wrote",
  "run.filesGone": "They are gone when you close this page.",
  "run.picture": "{name}, a picture that the program made",
  "run.table": "{name}, a table that the program made",
  "run.copy": "Copy the result",
  "run.log": "Everything it wrote, with its log",
  "run.over": "The session is over",
  "run.left": "What stays here: {left}.",
  "run.toStart": "To the start",
  "input.label": "Input for the program",
  "input.wanted": "The program waits for your input",
  "input.secret": "The program asks for something secret",
  "input.enter": "Enter",
  "input.none": "No more input",
  "input.letters": "Other keyboard",
  "input.early": "What you type now waits until the program asks.",

  // --- beside the run, settings, what is kept
  "app.copy": "Copy",
  "side.title": "About the session",
  "side.People": "People",
  "side.Chat": "Chat",
  "side.Files": "Files",
  "side.Stats": "Stats",
  "side.noFiles": "What the program writes into files appears here.",
  "side.record": "Record of the session, signed by all",
  "chat.log": "What was said",
  "chat.empty": "Nothing was said yet. All who take part read this, nobody else does.",
  "chat.say": "Say something to all",
  "chat.send": "Send",
  "own.args": "Your own arguments",
  "own.argsHelp": "They follow the shared ones and are never sent, like --salary 3100.",
  "own.files": "Private input files",
  "own.filesHelp": "The program finds them by their names. They leave this device only through what it computes.",
  "own.remove": "Remove",
  "out.program": "Output of the program",
  "out.title": "Output",
  "out.plain": "Plain text",
  "out.terminal": "Terminal",
  "out.search": "Search",
  "out.searchLabel": "Search the output",
  "out.previous": "Previous match",
  "out.next": "Next match",
  "out.missed": "Not found",
  "out.asText": "Output as plain text",
  "scan.how": "Hold the invitation's QR code before the camera.",
  "scan.picture": "Picture of the camera",
  "scan.close": "Close the camera",
  "local.networks": "Networks",
  "local.automatic": "Automatic: direct where possible, else relayed",
  "local.direct": "Direct only (webrtc): the others learn your address",
  "local.relayed": "Relayed only (relay): through the server, sealed",
  "local.relayedFirst": "Relayed before direct",
  "local.grace": "Somebody silent is gone after (seconds)",
  "local.stall": "End a run without progress after (seconds)",
  "local.queue": "End a run when somebody leaves so much unread (MiB)",
  "local.pseudonym": "Take part as somebody new: a fresh identity, forgotten at the end",
  "local.keep": "Keep the output of runs in this browser",
  "local.sound": "Tell me by a sound when I am needed",
  "local.never": "never",
  "local.noLimit": "no limit",
  "interrupted.title": "What happened to your session",
  "interrupted.what": "This page was loaded again in the middle of a session,",
  "interrupted.nobody": "nobody yet",
  "interrupted.with": "with {names}.",
  "interrupted.running": "with {names}, while {program} was running.",
  "interrupted.about": "with {names}, about {program}.",
  "interrupted.sealed": "A session lives in its page, so your part has ended: the others see you as gone, and a run ends for all. Its link opens nothing any more.",
  "interrupted.host": "Open a new session, and send its link.",
  "interrupted.guest": "Ask the host for a new link.",
  "interrupted.room": "Its room has ended with the page. Open a new session, and send its link.",
  "interrupted.lobby": "Nothing had been signed yet: the host can let you in again.",
  "interrupted.same": "You are still the same person to those who know you: your key is kept in this browser.",
  "interrupted.ok": "I have understood",
  "cant.title": "Huddle can't run here",
  "cant.invitation": "Your invitation, for another browser or device",
  "past.title": "Past runs",
  "past.none": "None yet. Runs are kept in this browser only, and only as long as you like.",
  "past.kept": "What is kept here",
  "past.runs": "Past runs with their output",
  "past.key": "Your key, which nobody can read out, and the contacts that you verified",
  "past.settings": "Your name and settings",
  "past.save": "Save the output",
  "past.forgetRun": "Forget this run",
  "past.forgetRuns": "Forget past runs",
  "past.forgetKey": "Forget key and contacts",
  "past.forgetSettings": "Forget settings",

  // --- the trial
  "trial.name1": "Ada (made up)",
  "trial.name2": "Bo (made up)",
  "trial.note": "A trial: Ada and Bo are made up and live in this tab. They need some seconds to arrive. They say yes to everything, and their words are on your own screen.",
} as const satisfies Record<string, string | Forms>;

export type Key = keyof typeof EN;
export type Values = Record<string, string | number>;

export type Translation = Partial<Record<Key, string | Forms>>;

/** A language: what the page says, and its catalogue of what the session's Python says (huddle/texts). */
export interface Language {
  default: Translation;
  sentences: string;
}

/** The languages beside English; only the one that is spoken is loaded. */
const LANGUAGES: Record<string, () => Promise<Language>> = {
  de: () => import("./languages/de"),
  nl: () => import("./languages/nl"),
};
export const NAMES = { en: "English", de: "Deutsch", nl: "Nederlands" };
const CHOSEN = "huddle.language";

let spoken = "en";
let translation: Translation = {};
let catalogue = "";
let plural = new Intl.PluralRules(spoken);

/** The language that the page speaks. */
export function language(): string {
  return spoken;
}

/** What it says for the sentences of the session's Python, as a .po file; empty for English. */
export function sentences(): string {
  return catalogue;
}

/** Which language to speak: the one that the person has chosen here, else the first of the browser's that there is. */
export function preferred(chosen: string | null, browser: readonly string[]): string {
  const wanted = [...(chosen === null ? [] : [chosen]), ...browser].map((one) => one.split("-")[0]!.toLowerCase());
  return wanted.find((one) => one === "en" || one in LANGUAGES) ?? "en";
}

/** Speak this language, from the next text on; English where it can't be loaded. */
export async function speak(name = preferred(remembered(), globalThis.navigator?.languages ?? [])): Promise<void> {
  const loaded = await LANGUAGES[name]?.().catch(() => undefined);
  spoken = loaded ? name : "en";
  translation = loaded?.default ?? {};
  catalogue = loaded?.sentences ?? "";
  plural = new Intl.PluralRules(spoken);
  if (globalThis.document) document.documentElement.lang = spoken;
}

/** Speak this language from now on, at later visits too. The page begins anew: what it has said stays said. */
export function choose(name: string): void {
  try {
    localStorage.setItem(CHOSEN, name);
  } catch {
    // A browser that keeps nothing speaks its own language.
  }
  location.reload();
}

function remembered(): string | null {
  try {
    return localStorage.getItem(CHOSEN);
  } catch {
    return null;
  }
}

function template(key: Key, count: number): string {
  const text: string | Forms = translation[key] ?? EN[key];
  return typeof text === "string" ? text : plural.select(count) === "one" ? text.one : text.other;
}

/** A text with its values; where it has forms, `count` chooses among them. */
export function t(key: Key, values: Values = {}): string {
  return parts(key, values)
    .map((part) => part.text)
    .join("");
}

export interface Part {
  text: string;
  /** It was put in, and may be a stranger's. */
  value: boolean;
}

/** The same in parts, so that a stranger's name can be kept from turning the line around. */
export function parts(key: Key, values: Values = {}): Part[] {
  return template(key, Number(values["count"] ?? 1))
    .split(/(\{\w+\})/)
    .filter((piece) => piece !== "")
    .map((piece) => {
      const value = /^\{(\w+)\}$/.exec(piece)?.[1];
      return value !== undefined && value in values ? { text: String(values[value]), value: true } : { text: piece, value: false };
    });
}

/** One or several names as a sentence has them. */
export function listing(names: readonly string[]): string {
  return names.length < 2 ? names.join("") : t("app.and", { names: names.slice(0, -1).join(", "), last: names.at(-1)! });
}
