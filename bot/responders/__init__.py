"""Responders, which answer questions: their protocol, and those that come with Echoless."""

from bot.responders.ask import Show, ask, at_once
from bot.responders.chain import Chain
from bot.responders.facts import load_facts
from bot.responders.protocol import (
    Absence,
    Anew,
    Answer,
    Attached,
    Condition,
    Context,
    File,
    ModelFailed,
    Question,
    Reply,
    Responder,
    Said,
    Seen,
    Trouble,
    Utterance,
)
from bot.responders.rules import Rule, RulesResponder, compile_rules
from bot.responders.tools import Asking, FunctionTool, Misfit, Result, Tool, ToolFailed, tool

__all__ = [
    "Absence",
    "Anew",
    "Answer",
    "Asking",
    "Attached",
    "Chain",
    "Condition",
    "Context",
    "File",
    "FunctionTool",
    "Misfit",
    "ModelFailed",
    "Question",
    "Reply",
    "Responder",
    "Result",
    "Rule",
    "RulesResponder",
    "Said",
    "Seen",
    "Show",
    "Tool",
    "ToolFailed",
    "Trouble",
    "Utterance",
    "ask",
    "at_once",
    "compile_rules",
    "load_facts",
    "tool",
]
