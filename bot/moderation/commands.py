"""The list of the moderators' commands.

A new command is a function ``(context, **arguments) -> Report`` and an entry here. The following are made from the
entry: the command in Discord with its options and suggestions, the one of the command line, the one of the control
socket, the name in the settings' ``[moderation.commands]``, and the row in the README's table.
"""

from __future__ import annotations

from bot.moderation import (
    archived,
    checks,
    consumers,
    erase,
    explain,
    export,
    forget_conversation,
    history,
    outage,
    page,
    place_settings,
    privacy,
    rehearse,
    repair,
    rewind,
    search,
    stats,
    status,
    usage,
)
from bot.moderation.command import PRIVACY, Command, Either, Kind, Parameter, Topic
from bot.moderation.history import LARGEST_PAGE
from bot.moderation.place_settings import LONGEST
from bot.moderation.rehearse import MOST_REHEARSED

_WHEN = "a version, a time (local, or with a zone: 2026-08-06T12:00Z), how long ago, or a message"
_WHEN_TYPED = "a version, a time (local unless a zone stands behind), how long ago, or a message"

HERE = Parameter(
    "channel",
    Kind.CHANNEL,
    "The channel or thread; by default this one.",
    "The channel, thread or DM: its id, or a link. A message names its channel itself.",
)
HERE_OR_LOG = Parameter("channel", Kind.CHANNEL_OR_LOG, HERE.text, HERE.help)
ITS_CHANNEL = Parameter("channel", Kind.CHANNEL, help=HERE.help, in_discord=False)
AT = Parameter(
    "at",
    Kind.POINT,
    "A version, a message's link, 10 minutes ago, or 2026-11-20 14:00 (UTC).",
    f"{_WHEN[0].upper()}{_WHEN[1:]}.  [default: now]",
)
SINCE = Parameter(
    "since",
    Kind.POINT,
    "Only events from then on: a version, a message's link, 2h, or 2026-11-20 14:00 (UTC).",
    f"Only from then on: {_WHEN}.",
)
MESSAGE = Parameter("message", Kind.MESSAGE, "The message: its link (Copy Message Link) or its id.", required=True)
PLACE = Parameter("scope", Kind.PLACE, "This channel or thread (the default), or the whole server.", default="channel")

FORGET_CONVERSATION = "forget-conversation"
"""A reset that people may do themselves, by setting."""

COMMANDS: tuple[Command, ...] = (
    Command(
        "state",
        Topic.KNOWN,
        "Show what I know of a conversation: its window, what is unfinished, and its settings.",
        history.state,
        (HERE, AT),
        help="Show what the bot knew of a channel, now or then.",
    ),
    Command(
        "timeline",
        Topic.KNOWN,
        "List what happened in a channel, the newest first.",
        history.timeline,
        (
            HERE,
            Parameter(
                "type",
                Kind.EVENT_TYPES,
                "Only events of this type, such as message.received.",
                "Only events of this type; may be repeated.",
            ),
            SINCE,
            Parameter(
                "person",
                Kind.PERSON,
                "Only events about this person.",
                "Only what this person wrote and what was asked for them: id or <@id>.",
            ),
            Parameter("cursor", Kind.CURSOR, help="The next page, as the page before named it."),
            Parameter("limit", Kind.PAGE_SIZE, help="Events a page.", default=20, most=LARGEST_PAGE),
        ),
    ),
    Command(
        "diff",
        Topic.KNOWN,
        "Compare what I knew at two points in time.",
        history.diff,
        (
            Parameter("from", Kind.POINT, AT.text, required=True, called="first"),
            Parameter("to", Kind.POINT, AT.text, required=True, called="second"),
            HERE,
        ),
        help=f"Compare what the bot knew at two points in time.\n\nFIRST and SECOND are each {_WHEN_TYPED}.",
    ),
    Command(
        "why",
        Topic.WHY,
        "Explain how a message came to its reply, or why it got none.",
        explain.why,
        (MESSAGE, ITS_CHANNEL),
        help="Explain how a message was answered, or why not.\n\n"
        "MESSAGE is an id or a link, and may be the bot's answer, too.",
        menu="Why this reply?",
    ),
    Command(
        "rewind",
        Topic.MEMORY,
        "Take a conversation back to what I knew then; shows first which turns leave.",
        rewind.rewind,
        (Parameter("to", Kind.POINT, AT.text, required=True), HERE),
        help="Take the bot's memory of a channel back.\n\n"
        f"TO is {_WHEN_TYPED}. Nothing is sent again, and undo takes it back.",
        writes=True,
        preview=rewind.preview,
    ),
    Command(
        "undo",
        Topic.MEMORY,
        "Take the newest rewind or reset back; once more, the one before.",
        rewind.undo,
        (HERE,),
        writes=True,
    ),
    Command(
        "reset",
        Topic.MEMORY,
        "Have me forget the turns of a conversation; shows them first.",
        rewind.reset,
        (HERE,),
        help="Empty the bot's memory of a channel.\n\nNothing is deleted or sent again, and undo takes it back.",
        writes=True,
        preview=rewind.preview_reset,
    ),
    Command(
        FORGET_CONVERSATION,
        Topic.MEMORY,
        "Have me forget what was said in this conversation; shows first how much that is.",
        forget_conversation.forget,
        (ITS_CHANNEL,),
        writes=True,
        preview=forget_conversation.preview,
        undo=forget_conversation.undo,
        twin=False,
        group="",
    ),
    Command(
        "pause",
        Topic.UNSENT,
        "Answer nothing new here; messages are recorded as before.",
        repair.pause,
        (HERE,),
        help="Answer nothing new in a channel.",
        writes=True,
    ),
    Command(
        "resume",
        Topic.UNSENT,
        "Answer again after a pause.",
        repair.resume,
        (HERE,),
        help="Answer again in a channel.",
        writes=True,
    ),
    Command(
        "retry",
        Topic.UNSENT,
        "Try a reply again that was given up.",
        outage.retry,
        (
            Parameter("message", Kind.MESSAGE_OR_ALL, f'{MESSAGE.text} Or "all": what an outage left.', required=True),
            Parameter("channel", Kind.CHANNEL_OR_LOG, help=HERE.help, in_discord=False),
        ),
        help="Try a reply again that was given up.\n\n"
        'MESSAGE is the question\'s id or link, or "all" for what an outage left: of one channel, or of the whole log.',
        writes=True,
    ),
    Command(
        "again",
        Topic.ANEW,
        "Have an answer composed anew, into the same messages.",
        repair.again,
        (MESSAGE, ITS_CHANNEL),
        writes=True,
    ),
    Command(
        "drop",
        Topic.UNSENT,
        "Give a reply up that is not sent yet.",
        repair.drop,
        (MESSAGE, ITS_CHANNEL),
        help="Give an unfinished reply up.",
        writes=True,
    ),
    Command(
        "rehearse",
        Topic.ANEW,
        "Show what my present settings would answer, beside what was said; nothing is sent.",
        rehearse.rehearse,
        (
            Parameter("message", Kind.MESSAGE, MESSAGE.text, "This message: its id or link."),
            Parameter(
                "last",
                Kind.NUMBER,
                f"How many of the newest messages (1 to {MOST_REHEARSED}) instead of one message.",
                f"The last so many messages that the bot was to answer, 1 to {MOST_REHEARSED}.  [default: 1]",
                most=MOST_REHEARSED,
            ),
            HERE,
        ),
        help="Show what the present settings would answer.\n\nIt stands beside what was said; nothing is sent.",
        composes=True,
        either=Either(("message", "last"), "Say which messages: give a message, or how many of the last."),
    ),
    Command(
        "pending",
        Topic.UNSENT,
        "List replies that did not go out, with reasons and ages.",
        repair.pending,
        (HERE_OR_LOG,),
        help="List replies that are not sent, with reasons and ages.",
    ),
    Command(
        "rebuild",
        Topic.LOG,
        "Forget a channel's snapshots, fold its events again, compare.",
        checks.rebuild,
        (HERE,),
        help="Fold a channel's events again, and compare.",
        writes=True,
    ),
    Command(
        "verify",
        Topic.LOG,
        "Check a channel's events: nothing changed, nothing missing, snapshots true.",
        checks.verify,
        (HERE_OR_LOG,),
        help="Check chain, gaps, words and snapshots.\n\n"
        "Of the whole log, or of one channel. Exit code 1 when something is wrong.",
        long=True,
    ),
    Command(
        "snapshot",
        Topic.LOG,
        "Keep a snapshot of a channel's state as it is now.",
        checks.snapshot,
        (HERE,),
        writes=True,
    ),
    Command(
        "export",
        Topic.LOG,
        "Get a channel's events as a file of JSON Lines.",
        export.export,
        (SINCE, HERE, Parameter("words", Kind.FLAG, help="Include what people and the bot wrote.", default=True)),
        help="Write a channel's events as JSON Lines, the oldest first.",
        long=True,
        exports=True,
    ),
    Command(
        "status",
        Topic.LOG,
        "Show how I am: the log, the connection, what waits.",
        status.status,
        help="Show how log and bot are.\n\nSize, rate, lag, the last catch-up, the gateway's session, the owner.",
    ),
    Command(
        "show",
        Topic.MODEL,
        "Show who I am here, and who said so.",
        place_settings.show_persona,
        (PLACE,),
        group="persona",
    ),
    Command(
        "set",
        Topic.MODEL,
        "Say who I am from my next answer on.",
        place_settings.set_persona,
        (
            Parameter(
                "text",
                Kind.TEXT,
                f"Who I am and how I speak, in up to {LONGEST:,} characters.",
                required=True,
                most=LONGEST,
            ),
            PLACE,
        ),
        writes=True,
        group="persona",
    ),
    Command(
        "clear",
        Topic.MODEL,
        "Take my persona away; the server's or the settings' holds again.",
        place_settings.clear_persona,
        (PLACE,),
        writes=True,
        group="persona",
    ),
    Command(
        "show",
        Topic.MODEL,
        "Show which model answers here, who chose it, and which there are.",
        place_settings.show_model,
        (PLACE,),
        group="model",
    ),
    Command(
        "set",
        Topic.MODEL,
        "Choose the model that answers from my next answer on.",
        place_settings.set_model,
        (
            Parameter("model", Kind.MODEL, "One of the models that the settings list.", required=True),
            PLACE,
        ),
        writes=True,
        group="model",
    ),
    Command(
        "clear",
        Topic.MODEL,
        "Take the choice of a model away; the server's or the settings' holds again.",
        place_settings.clear_model,
        (PLACE,),
        writes=True,
        group="model",
    ),
    Command(
        "usage",
        Topic.MODEL,
        "Show what my answers took: tokens and cost by day, person and channel.",
        usage.usage,
        (
            Parameter("channel", Kind.VISIBLE_CHANNELS, HERE.text),
            Parameter("since", Kind.TEXT, "Only from then on: 7d, 2h, 2026-11-20 14:00 (UTC), or a message's link."),
        ),
        group="",
    ),
    Command(
        "stats",
        Topic.ACTIVITY,
        "Show messages, people and replies, how soon these came, and what got none, with a picture.",
        stats.stats,
        (
            Parameter("channel", Kind.VISIBLE_CHANNELS, HERE.text),
            Parameter(
                "since",
                Kind.TEXT,
                "From then on (30 days ago by default): 7d, 2h, 2026-11-20 14:00 (UTC), or a message's link.",
            ),
        ),
        group="",
    ),
    Command(
        "search",
        Topic.WORDS,
        "Find messages and answers of the last days by their words, in the channels that you can see.",
        search.search,
        (
            Parameter(
                "words",
                Kind.TEXT,
                f'All of these words ({search.LONGEST} characters); "a phrase"; a beginning with * behind it.',
                required=True,
                most=search.LONGEST,
            ),
            Parameter("channel", Kind.READABLE_CHANNELS, "The channel or thread; by default all that you can see."),
            Parameter("person", Kind.PERSON, "Only what this person wrote."),
            Parameter("since", Kind.TEXT, "Only from then on: 7d, 2h, 2026-11-20 14:00 (UTC), or a message's link."),
            Parameter("cursor", Kind.CURSOR),
            Parameter("limit", Kind.PAGE_SIZE),
        ),
        group="",
    ),
    Command(
        "page",
        Topic.PAGE,
        "Give me a link to the page of conversations, as they were at any time.",
        page.page,
        twin=False,
        group="",
    ),
    Command(
        "forget-me",
        Topic.PRIVACY,
        "Have me erase what I keep of your words, and the answers to you; shows first how much that is.",
        privacy.forget_me,
        (Parameter("where", Kind.SERVER_OR_ALL, "In this server (the default), or everywhere I am."),),
        writes=True,
        preview=privacy.preview_forget_me,
        for_all=True,
        group=PRIVACY,
    ),
    Command(
        "opt-out",
        Topic.PRIVACY,
        "From now on, have me record none of your words and not answer you.",
        privacy.opt_out,
        writes=True,
        for_all=True,
        group=PRIVACY,
    ),
    Command(
        "opt-in",
        Topic.PRIVACY,
        "Have me record and answer you again.",
        privacy.opt_in,
        writes=True,
        for_all=True,
        group=PRIVACY,
    ),
    Command(
        "export-me",
        Topic.PRIVACY,
        "Get everything that I keep of you as a file of JSON Lines.",
        privacy.export_me,
        (Parameter("after", Kind.NUMBER, "Only what comes after this number, which a full file names."),),
        for_all=True,
        group=PRIVACY,
    ),
    Command(
        "forget",
        Topic.PRIVACY,
        "Erase a person's words in this server, or those of one message; shows first how much that is.",
        privacy.forget,
        (
            Parameter("person", Kind.PERSON, "Everything of this person in this server, with the answers to them."),
            Parameter("message", Kind.MESSAGE, "This message and the answers to it: its link or its id."),
            ITS_CHANNEL,
        ),
        writes=True,
        preview=privacy.preview_forget,
        twin=False,
        either=Either(("person", "message"), "Say whose words: give a person, or a message."),
        group=PRIVACY,
    ),
)

ERASE = Command(
    "erase",
    Topic.LOG,
    "Erase words from the log, for ever.",
    erase.erase,
    writes=True,
)
"""The command of ``echoless erase``, which a running bot carries out; in Discord people have others."""

PREVIEW_OF_ERASE = Command("preview_erase", Topic.LOG, "Show which words would be erased.", erase.preview)

ERASE_ARCHIVED = Command(
    "erase_archived", Topic.LOG, "Erase the words that an archive holds.", archived.erase_archived, writes=True
)
"""The last step of ``echoless archive --erase``."""

FIND = Command("find", Topic.WORDS, "Find words in the index, if it has all of them.", search.find)
"""The index's part of ``echoless search``."""

FOLLOWING = Command("consumers", Topic.LOG, "List what follows the log.", consumers.consumers)
"""The running bot's part of ``echoless consumers``."""

GROUPS = {
    "replay": "See, explain, rewind and repair conversations.",
    "persona": "Show, set and clear who I am here.",
    "model": "Show, choose and clear which model answers here.",
    PRIVACY: "See what I keep of you, have it erased, have none of it recorded.",
}
"""The description that Discord shows for each group of commands."""

_PARTS = (ERASE, PREVIEW_OF_ERASE, ERASE_ARCHIVED, FIND, FOLLOWING)


def twins() -> dict[str, Command]:
    """Return, by name, the commands that also exist outside of Discord."""
    return {command.name: command for command in COMMANDS if command.has_twin}


def calls() -> dict[str, Command]:
    """Return the commands of the control socket: the twins, the previews of those that have one, and others' parts."""
    every = (each for command in twins().values() for each in (command.previewing, command) if each)
    return {command.name: command for command in (*every, *_PARTS)}


def for_all() -> frozenset[str]:
    """Return the names of the commands that everybody may use."""
    return frozenset(command.full_name for command in COMMANDS if command.for_all)


def settings() -> frozenset[str]:
    """Return the names that are valid in the settings' ``[moderation.commands]``."""
    return frozenset(command.setting for command in COMMANDS)
