"""Rooms: who is in a call together. A room is known by its link alone, holds a few, and ends when it is empty."""

import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from realtime.clock import Clock
from server.call_media import CallMedia
from server.config import Limits
from server.errors import Refusal, busy
from server.names import new_name

NAME_CHARACTERS = 24
Say = Callable[..., bool]  # channel.ClientChannel.say


@dataclass(eq=False, kw_only=True)
class Member:
    """id: for the others, who may watch by it and do nothing else; here: connected, and so shown to the others; say: sends to
    their data channel."""

    name: str
    media: CallMedia
    id: str = field(default_factory=lambda: new_name(6))
    muted: bool = False
    here: bool = False
    say: Say = lambda *_, **__: False

    def listed(self) -> dict[str, Any]:
        return {"id": self.id, "name": self.name, "muted": self.muted}


@dataclass(eq=False, kw_only=True)
class Room:
    """A few members; empty_since_s: since when nobody has been there or on the way; photographs: whoever comes by its link may
    bring one, where a token is asked of others."""

    limit: int
    empty_since_s: float
    photographs: bool = False
    id: str = field(default_factory=lambda: new_name(12))
    members: list[Member] = field(default_factory=list)

    def member(self, key: str) -> Member:
        """Raises Refusal 404 where nobody of that id is there."""
        for member in self.members:
            if member.here and secrets.compare_digest(member.id.encode(), key.encode(errors="surrogateescape")):
                return member
        raise Refusal(404, "no_such_member", "Whoever this was is not in the room, or no longer.")

    def tell_all(self) -> None:
        """Everyone hears who is there."""
        for member in self.members:
            self.tell(member)

    def tell(self, member: Member) -> None:
        there = [other.listed() for other in self.members if other.here]
        member.say("room", room=self.id, you=member.id, members=there)


class Rooms:
    """All rooms of a server, in memory."""

    def __init__(self, limits: Limits, clock: Clock) -> None:
        self._limits, self._clock = limits, clock
        self._rooms: dict[str, Room] = {}

    def open(self, *, photographs: bool = False) -> Room:
        """A new room, empty; it ends where nobody comes.

        Raises Refusal 503 where there are as many as may be.
        """
        self._forget_ended()
        if len(self._rooms) >= self._limits.rooms:
            raise busy(f"All {self._limits.rooms} rooms of this server are taken: try again later.")
        room = Room(limit=self._limits.room_members, empty_since_s=self._clock.now(), photographs=photographs)
        self._rooms[room.id] = room
        return room

    def get(self, key: str) -> Room:
        """Raises Refusal 404 where there is none of that id, or no longer."""
        self._forget_ended()
        if key not in self._rooms:
            raise Refusal(404, "room_unknown", "This room has ended, or never was: open a new one.")
        return self._rooms[key]

    def __contains__(self, key: str) -> bool:
        self._forget_ended()
        return key in self._rooms

    def __len__(self) -> int:
        self._forget_ended()
        return len(self._rooms)

    def check_place(self, room: Room) -> None:
        """Raises Refusal 409 where a room is full."""
        if len(room.members) >= room.limit:
            raise Refusal(409, "room_full", f"This room holds {room.limit}, and all of them are there.")

    def join(self, room: Room, name: str, media: CallMedia) -> Member:
        """Takes a place; the others see the newcomer when their call is connected (`enter`).

        Raises Refusal 409.
        """
        self.check_place(room)
        member = Member(name=shown_name(name), media=media)
        room.members.append(member)
        return member

    def enter(self, room: Room, member: Member) -> None:
        member.here = True
        room.tell_all()

    def leave(self, room: Room, member: Member) -> None:
        room.members.remove(member)
        if not room.members:
            room.empty_since_s = self._clock.now()
        room.tell_all()

    def describe(self, room: Room, member: Member, *, name: str, muted: bool) -> None:
        """What a member says of themselves."""
        before = member.listed()
        member.name, member.muted = shown_name(name), muted
        if member.here and member.listed() != before:
            room.tell_all()

    def _forget_ended(self) -> None:
        now_s = self._clock.now()
        ended = [
            key
            for key, room in self._rooms.items()
            if not room.members and now_s > room.empty_since_s + self._limits.empty_room_s
        ]
        for key in ended:
            del self._rooms[key]


def shown_name(text: str) -> str:
    """A name as others see it: printable, one line, of bounded length, never empty."""
    printable = "".join(character if character.isprintable() else " " for character in text)
    return " ".join(printable.split())[:NAME_CHARACTERS].strip() or "Guest"
