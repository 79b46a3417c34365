"""Bodies and queries that clients send; unknown fields are refused."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field
from pydantic_core import PydanticCustomError

from api.pseudonym import Pseudonyms
from api.schemas.fields import Moment, Name, Remark, Text
from models.language import Language
from triage.appeal import Action, Appeal, Channel, Coordinates, Verdict
from triage.citydata import City
from triage.errors import InvalidAppealError, ReviewerMismatchError
from triage.queue import QueueFilters
from triage.reviewing import ReviewRequest
from triage.store.decisions import DecisionFilters

CLOCK_SKEW = timedelta(days=1)
"""How far in the future an intake system's clock may be."""

MAX_VERSION = 2**31 - 1

ReviewState = Literal["none", "accepted", "overridden"]
QueueState = Literal["waiting", "done", "all"]

WAITING: dict[QueueState, bool | None] = {"waiting": True, "done": False, "all": None}


def _check_past(value: datetime) -> datetime:
    if value > datetime.now(UTC) + CLOCK_SKEW:
        raise PydanticCustomError("received_at_in_future", "the time lies in the future")
    return value


class _Request(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Point(_Request):
    """A point on the map, WGS 84, in degrees."""

    lat: float = Field(ge=-90, le=90, strict=True, allow_inf_nan=False, description="Latitude")
    lon: float = Field(ge=-180, le=180, strict=True, allow_inf_nan=False, description="Longitude")

    def to_coordinates(self) -> Coordinates:
        """Turn it into what the service takes."""
        # SQLite loses the sign of a negative zero, and with it the decision's digest.
        return Coordinates(latitude=self.lat + 0.0, longitude=self.lon + 0.0)


class ClassifyRequest(_Request):
    """An appeal to decide on."""

    text: Text = Field(description="What the resident wrote or said, kept as it came")
    appeal_id: Name | None = Field(
        None, description="The intake system's own id; sent again, it gets the first answer"
    )
    channel: Channel | None = Field(None, description="How the appeal came in")
    language: Language | None = Field(
        None, description="The intake system's word on the language; left out, it is told from text"
    )
    address: Remark | None = Field(None, description="Address, where the form has one")
    district: Name | None = Field(
        None, description="District: its code, or its Russian or Kazakh name"
    )
    coordinates: Point | None = Field(
        None,
        description="Where the resident pointed on a map; tells the district where `district` is"
        " left out and the city's files hold the districts' boundaries",
    )
    sender: Name | None = Field(
        None,
        repr=False,
        description="The intake system's own reference for who wrote, as a phone number; tells"
        " repeats apart. Only a keyed hash of it is kept, which can't be turned back",
    )
    received_at: Annotated[Moment, AfterValidator(_check_past)] | None = Field(
        None, description="When the resident wrote, with a time zone; due time counts from here"
    )

    def to_appeal(self, city: City, pseudonyms: Pseudonyms) -> Appeal:
        """Turn the request into an appeal; of the sender it has the pseudonym alone.

        Raises
        ------
        InvalidAppealError
            The city has no such district.
        """
        return Appeal(
            text=self.text,
            received_at=self.received_at,
            appeal_id=self.appeal_id,
            channel=self.channel,
            language=self.language,
            address=self.address,
            district=resolve_district(self.district, city),
            coordinates=self.coordinates.to_coordinates() if self.coordinates else None,
            sender=self.sender and pseudonyms.of(self.sender),
        )


class DecisionsQuery(_Request):
    """What to narrow decisions to, and which page of them."""

    action: Action | None = None
    language: Language | None = None
    channel: Channel | None = None
    category: Name | None = Field(None, description="Code of the decided category")
    topic: Name | None = Field(None, description="Code of the decided topic")
    enterprise: Name | None = Field(None, description="Code of the decided enterprise")
    district: Name | None = Field(None, description="Code or name of the appeal's district")
    urgent: bool | None = None
    review_state: ReviewState | None = None
    model_version: Name | None = None
    since: Moment | None = Field(
        None, description="Decided at this time or later; write the + of a time zone as %2B"
    )
    until: Moment | None = Field(None, description="Decided before this time")
    limit: int = Field(50, ge=1, le=200)
    cursor: Name | None = Field(None, description="`next_cursor` of the page before")

    def to_filters(self, city: City) -> DecisionFilters:
        """Turn the query into filters.

        Raises
        ------
        InvalidAppealError
            The city has no such district.
        """
        fields = self.model_dump(exclude={"limit", "cursor", "district"})
        return DecisionFilters(**fields, district=resolve_district(self.district, city))


class QueueQuery(_Request):
    """What to narrow the queue to, and which page of it."""

    state: QueueState = Field(
        "waiting",
        description="`waiting` for a person, the most pressing first; `done` is all the rest and"
        " `all` both, the newest first",
    )
    category: Name | None = Field(None, description="Code of the decided category")
    topic: Name | None = Field(None, description="Code of the decided topic")
    enterprise: Name | None = Field(None, description="Code of the decided enterprise")
    district: Name | None = Field(
        None, description="Code or name of the form's district, else of the one the text names"
    )
    language: Language | None = None
    channel: Channel | None = None
    action: Action | None = None
    model_version: Name | None = None
    urgent: bool | None = None
    since: Moment | None = Field(
        None, description="Decided at this time or later; write the + of a time zone as %2B"
    )
    until: Moment | None = Field(None, description="Decided before this time")
    search: Remark | None = Field(
        None,
        description="Words that the text has in any form, in either language and with or without"
        " Kazakh letters; of four letters or more the last word may be a beginning",
    )
    limit: int = Field(50, ge=1, le=200)
    cursor: Name | None = Field(None, description="`next_cursor` of the page before")

    def to_filters(self, city: City) -> QueueFilters:
        """Turn the query into filters.

        Raises
        ------
        InvalidAppealError
            The city has no such district.
        """
        fields = self.model_dump(exclude={"limit", "cursor", "district", "state"})
        district = resolve_district(self.district, city)
        return QueueFilters(**fields, district=district, waiting=WAITING[self.state])


class EnterprisesQuery(_Request):
    """What to look for among enterprises."""

    query: Name | None = Field(
        None, description="Words of a name, an alias, a number or an id; without it all, by id"
    )
    limit: int = Field(10, ge=1, le=100)


class ReviewBody(_Request):
    """A person's word on a decision; codes left out stay as they were decided."""

    verdict: Verdict
    reviewer: Name | None = Field(
        None, description="May be left out: who sends the request reviews; another name is refused"
    )
    category: Name | None = None
    topic: Name | None = Field(None, description="A topic alone brings its category along")
    enterprise: Name | None = None
    reason: Remark | None = Field(None, description="Needed for an override")
    expected_version: int | None = Field(
        None,
        strict=True,
        ge=1,
        le=MAX_VERSION,
        description="The version that the reviewer saw; if it changed since, the answer is 409",
    )

    def to_request(self, reviewer: str) -> ReviewRequest:
        """Turn the body into what the service takes.

        Raises
        ------
        ReviewerMismatchError
            It names another reviewer.
        """
        if self.reviewer not in (None, reviewer):
            raise ReviewerMismatchError(
                f"{reviewer} sends this review, so no other can be its reviewer", field="reviewer"
            )
        return ReviewRequest(**self.model_dump() | {"reviewer": reviewer})


def resolve_district(named: str | None, city: City) -> str | None:
    """Return the code of the district that a field names, None for None.

    Raises
    ------
    InvalidAppealError
        The city has no such district.
    """
    if named is None:
        return None
    code = city.districts.resolve(named)
    if code is None:
        known = ", ".join(sorted(city.districts.by_code))
        raise InvalidAppealError(
            f"no district is called {named!r}; known codes: {known}",
            field="district",
            code="unknown_district",
        )
    return code
