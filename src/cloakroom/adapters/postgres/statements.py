"""Run the few statements of the hot path straight through libpq, in PostgreSQL's binary formats.

psycopg's cursors cost more than the statements where thousands of small batches a second are appended: adapting
arrays, converting queries and driving a pipeline are Python. Here parameters are encoded by the caller, statements
are prepared once, and all that are given together travel in one round trip and form one transaction of their own, or
a part of the one that is open. Leaving `run` means that the server has committed, or that the caller's transaction
goes on; an error undoes all of them.

While the server works, the process need not stand still: see `Statements.use_waiting`.
"""

from __future__ import annotations

import re
import select
import struct
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import psycopg
from psycopg import pq
from psycopg.adapt import Transformer

from cloakroom.adapters.postgres.connection import Connection, store_error
from cloakroom.crypto import sha256
from cloakroom.errors import UnstorableError

_PLACEHOLDER = re.compile(r"%\((\w+)\)s")
_BINARY = pq.Format.BINARY
_HEAD = struct.Struct(">iiIii")
_INT8 = struct.Struct(">iq")
_INT4 = struct.Struct(">ii")
_NULL = b"\xff\xff\xff\xff"
_FALSE, _TRUE = b"\x00\x00\x00\x01\x00", b"\x00\x00\x00\x01\x01"

Parameters = Mapping[str, bytes | None]
Row = tuple[Any, ...]


def int8(value: int | None) -> bytes | None:
    """Return a bigint."""
    return None if value is None else value.to_bytes(8, "big", signed=True)


def int8_array(values: Sequence[int | None]) -> bytes:
    """Return a bigint[]."""
    return _head(20, len(values)) + b"".join([_NULL if value is None else _INT8.pack(8, value) for value in values])


def int4_array(values: Sequence[int | None]) -> bytes:
    """Return an int[]."""
    return _head(23, len(values)) + b"".join([_NULL if value is None else _INT4.pack(4, value) for value in values])


def bool_array(values: Sequence[bool]) -> bytes:
    """Return a boolean[]."""
    return _head(16, len(values)) + b"".join([_TRUE if value else _FALSE for value in values])


def text_array(values: Sequence[str]) -> bytes:
    """Return a text[].

    Raises:
        UnstorableError: A text holds what the database does not take.
    """
    try:
        encoded = [value.encode() for value in values]
    except UnicodeEncodeError:
        raise UnstorableError("a text that is no Unicode") from None
    return _head(25, len(values)) + _joined(encoded)


def bytea_array(values: Sequence[bytes | None]) -> bytes:
    """Return a bytea[]."""
    return _head(17, len(values)) + _joined(values)


def uuid_array(values: Sequence[bytes]) -> bytes:
    """Return a uuid[] of values of 16 bytes."""
    return _head(2950, len(values)) + _joined(values)


def _head(oid: int, length: int) -> bytes:
    return _HEAD.pack(1, 1, oid, length, 1) if length else struct.pack(">iiI", 0, 0, oid)


def _joined(values: Sequence[bytes | None]) -> bytes:
    return b"".join([_NULL if value is None else len(value).to_bytes(4, "big") + value for value in values])


@dataclass(frozen=True, slots=True)
class _Statement:
    """A query in the server's words.

    Attributes:
        name: What it is prepared as.
        text: With numbered parameters.
        order: Names of the parameters.
        formats: One for each of them.
        rows: Decodes its rows.
    """

    name: bytes
    text: bytes
    order: Sequence[str]
    formats: Sequence[int]
    rows: _Rows


class _Rows:
    """A decoder of the rows of one query, whose columns mostly stay what they are."""

    def __init__(self, connection: Connection) -> None:
        self._transformer = Transformer(connection)
        self._columns: list[int] = []

    def decode(self, result: pq.abc.PGresult) -> list[Row]:
        # Finding out how to load each column costs more than loading a few rows.
        columns = [result.ftype(number) for number in range(result.nfields)]
        self._transformer.set_pgresult(result, set_loaders=columns != self._columns)
        self._columns = columns
        return self._transformer.load_rows(0, result.ntuples, tuple)


class Statements:
    """Prepared statements of one connection; not for use by two threads at once."""

    def __init__(self, connection: Connection) -> None:
        """Take an open connection."""
        self._connection = connection
        self._statements: dict[str, _Statement] = {}
        self._prepared: set[bytes] = set()
        self._work: Callable[[], bool] | None = None

    def use_waiting(self, work: Callable[[], bool]) -> None:
        """Have something done while the server works on a transaction of its own.

        Args:
            work: Does a small piece and answers whether there was one to do. Called until there is none or the
                server has answered. It must not raise, nor use this connection. Not called within a caller's
                transaction, which may hold locks.
        """
        self._work = work

    def run(self, *calls: tuple[str, Parameters]) -> list[list[Row]]:
        """Execute queries together and return the rows of each.

        Args:
            calls: Each a query with ``%(name)s`` for its parameters, and their values in binary format by name.

        Raises:
            StoreError: One failed, or the connection is gone; nothing was committed here, unless the connection
                went while the server committed.
        """
        try:
            if self._connection.pgconn.transaction_status != pq.TransactionStatus.IDLE:
                return self._run(calls, prepared=False)
            try:
                return self._run(calls, prepared=True)
            except psycopg.errors.InvalidSqlStatementName:
                # psycopg drops all prepared statements of a connection after a rollback. Nothing was done.
                self._prepared.clear()
                return self._run(calls, prepared=True)
        except psycopg.Error as error:
            raise store_error(error) from error

    def _run(self, calls: Sequence[tuple[str, Parameters]], *, prepared: bool) -> list[list[Row]]:
        connection = self._connection.pgconn
        statements = [self._statement(query) for query, _ in calls]
        if prepared:
            for statement in statements:
                self._prepare(statement)
        connection.enter_pipeline_mode()
        try:
            for statement, (_, parameters) in zip(statements, calls, strict=True):
                values = [parameters[key] for key in statement.order]
                if prepared:
                    connection.send_query_prepared(statement.name, values, statement.formats, _BINARY)
                else:
                    connection.send_query_params(
                        statement.text, values, param_formats=statement.formats, result_format=_BINARY
                    )
            connection.pipeline_sync()
            results, error = self._results(self._work if prepared else None)
        finally:
            if connection.status == pq.ConnStatus.OK:
                connection.exit_pipeline_mode()
        if error is not None:
            raise error
        return [statement.rows.decode(result) for statement, result in zip(statements, results, strict=True)]

    def _results(self, work: Callable[[], bool] | None) -> tuple[list[pq.abc.PGresult], psycopg.Error | None]:
        """Return what the server answered up to its commit, and the first error."""
        connection = self._connection.pgconn
        results: list[pq.abc.PGresult] = []
        error: psycopg.Error | None = None
        while True:
            self._wait(work)
            result = connection.get_result()
            if result is None:
                if connection.status != pq.ConnStatus.OK:
                    return results, error or psycopg.OperationalError("the connection to the database was closed")
                continue  # between the results of two queries
            if result.status == pq.ExecStatus.PIPELINE_SYNC:
                return results, error
            if result.status == pq.ExecStatus.TUPLES_OK:
                results.append(result)
            elif result.status != pq.ExecStatus.PIPELINE_ABORTED and error is None:
                error = psycopg.errors.error_from_result(result)
            if connection.status != pq.ConnStatus.OK:
                return results, error or psycopg.OperationalError("the connection to the database was closed")

    def _wait(self, work: Callable[[], bool] | None) -> None:
        """Do `work`, and then wait, until `get_result` has something to give.

        That call would wait, too, and keep the interpreter to itself meanwhile: a thread that holds what the server
        waits for could then never let it go.
        """
        connection = self._connection.pgconn
        while connection.is_busy():
            unsent = connection.flush()
            waiting = select.poll()
            waiting.register(connection.socket, select.POLLIN | (select.POLLOUT if unsent else 0))
            # What is not sent yet comes first: the server waits for it.
            is_idle = bool(unsent) or work is None or not work()
            if waiting.poll(None if is_idle else 0):
                connection.consume_input()

    def _statement(self, query: str) -> _Statement:
        known = self._statements.get(query)
        if known is None:
            text, order = _numbered(query)
            # Named by its text: others who use this connection then mean the same statement by the same name.
            name = f"cloakroom_{sha256(text).hex()[:32]}".encode()
            known = _Statement(name, text, order, [_BINARY] * len(order), _Rows(self._connection))
            self._statements[query] = known
        return known

    def _prepare(self, statement: _Statement) -> None:
        if statement.name in self._prepared:
            return
        connection = self._connection.pgconn
        result = connection.prepare(statement.name, statement.text)
        if connection.status != pq.ConnStatus.OK:
            raise psycopg.OperationalError("the connection to the database was closed")
        if result.status != pq.ExecStatus.COMMAND_OK:
            error = psycopg.errors.error_from_result(result)
            if not isinstance(error, psycopg.errors.DuplicatePreparedStatement):
                raise error
        self._prepared.add(statement.name)


def _numbered(query: str) -> tuple[bytes, list[str]]:
    """Return a query with numbered parameters, and their names in that order."""
    order: list[str] = []

    def number(found: re.Match[str]) -> str:
        if found[1] not in order:
            order.append(found[1])
        return f"${order.index(found[1]) + 1}"

    return _PLACEHOLDER.sub(number, query).encode(), order
