"""Answer questions: what a responder is, and the responders that come with Echoless."""

from bot.responders.protocol import Answer, Question, Responder, Utterance
from bot.responders.rules import Rule, RulesResponder, compile_rules, load_facts

__all__ = [
    "Answer",
    "Question",
    "Responder",
    "Rule",
    "RulesResponder",
    "Utterance",
    "compile_rules",
    "load_facts",
]
