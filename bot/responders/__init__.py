"""Answer questions: what a responder is, and the responders that come with Echoless."""

from bot.responders.chain import Chain, claimant, close, members
from bot.responders.protocol import (
    Answer,
    Attached,
    Context,
    File,
    Immediate,
    ModelFailed,
    Question,
    Responder,
    Streaming,
    Summarising,
    Utterance,
)
from bot.responders.rules import Rule, RulesResponder, compile_rules, load_facts

__all__ = [
    "Answer",
    "Attached",
    "Chain",
    "Context",
    "File",
    "Immediate",
    "ModelFailed",
    "Question",
    "Responder",
    "Rule",
    "RulesResponder",
    "Streaming",
    "Summarising",
    "Utterance",
    "claimant",
    "close",
    "compile_rules",
    "load_facts",
    "members",
]
