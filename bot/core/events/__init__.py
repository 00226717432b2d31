"""What can happen in a conversation: events, named in the past tense.

An event is a frozen model with a stored type name and a schema version of its own. Both are independent of class and
module names, so code can move and old logs still load (see :mod:`bot.eventlog.codec` for old versions). Events carry
ids, numbers and reasons. The words and names that people wrote are kept beside them in a :class:`Body`, which the log
seals and can erase.

Everything public in these modules is exported here, so a new event is written in one of them and nowhere else.
"""

from bot.core.events.admin import *
from bot.core.events.base import *
from bot.core.events.effects import *
from bot.core.events.erasures import *
from bot.core.events.lifted import *
from bot.core.events.messages import *
from bot.core.events.own import *
from bot.core.events.people import *
from bot.core.events.replies import *
from bot.core.events.summaries import *
from bot.core.events.system import *
from bot.core.events.threads import *
from bot.core.events.tools import *
from bot.core.events.unreadable import *
from bot.core.events.vocabulary import *
