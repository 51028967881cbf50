"""What the service is asked, and what of it cannot be asked."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field


class Message(BaseModel):
    """One message of a conversation."""

    role: str = Field(pattern="^(user|assistant)$")
    content: str = Field(min_length=1, max_length=20_000)


class Ask(BaseModel):
    """A request for an answer, in OpenAI's form; what is not named here goes to the model as it came."""

    model_config = ConfigDict(extra="allow")

    messages: list[Message] = Field(min_length=1, max_length=100)
    stream: bool = False


class Feedback(BaseModel):
    """What a user says of an answer."""

    model_config = ConfigDict(extra="forbid", populate_by_name=True)

    answer_id: str = Field(alias="answerId", pattern="^tr-[0-9a-f]{32}$")
    helpful: bool
