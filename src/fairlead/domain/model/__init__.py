"""The canonical model: one noun a file. The same models are the API's schemas."""

from pydantic import BaseModel, ConfigDict


class Entity(BaseModel):
    """A frozen record in the firm's language. Unknown fields are refused."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)
