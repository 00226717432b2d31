"""Answer questions: what a responder is, and the responders that come with Echoless."""

from bot.responders.chain import Chain, claimant, close, members
from bot.responders.protocol import (
    Absence,
    Answer,
    Attached,
    Condition,
    Context,
    Dependent,
    File,
    Immediate,
    ModelFailed,
    Question,
    Responder,
    Seen,
    Streaming,
    Summarising,
    Trouble,
    Utterance,
)
from bot.responders.rules import Rule, RulesResponder, compile_rules, load_facts

__all__ = [
    "Absence",
    "Answer",
    "Attached",
    "Chain",
    "Condition",
    "Context",
    "Dependent",
    "File",
    "Immediate",
    "ModelFailed",
    "Question",
    "Responder",
    "Rule",
    "RulesResponder",
    "Seen",
    "Streaming",
    "Summarising",
    "Trouble",
    "Utterance",
    "claimant",
    "close",
    "compile_rules",
    "load_facts",
    "members",
]
