"""The flags of every installation: parts of Stoa that one may do without."""

from stoa.platform.flags.declared import declare

PAYMENTS = declare("payments", default=True, description="Buying: intents, checkout and subscriptions.")
SOULMATCH = declare("soulmatch", default=True, description="Matching people by their charts.")
MENTOR_LLM = declare("mentor_llm", description="The mentor answers through a language model.")
