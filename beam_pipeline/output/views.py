"""`views.sql`: DuckDB views over just the files that manifests name.

The SQL looks for these files itself when it is run, so it is the same after every night.
"""

from __future__ import annotations

import pyarrow as pa

from beam_pipeline.output.files import FILES
from beam_pipeline.output.index import COPIES, EPISODES
from beam_pipeline.output.manifest import MANIFESTS, TABLES
from beam_pipeline.records import REJECTED, labels_schema
from beam_pipeline.storage import ConflictError, Storage, storage_of

_PATH = "views.sql"
_ATTEMPTS = 20
_TYPES = {
    pa.string(): "VARCHAR",
    pa.int32(): "INTEGER",
    pa.int64(): "BIGINT",
    pa.float16(): "FLOAT",
    pa.float32(): "FLOAT",
}
"""What DuckDB reads Parquet's columns as."""

_CLASS = "A_CLASS"
"""Stands in a schema for the classes, which the manifests name."""

_MEMORY = pa.schema(
    [pa.field("speaker_id", pa.string()), pa.field("embeddings", pa.list_(pa.list_(pa.float16())))]
)

_FOLDERS = "hive_partitioning = true, hive_types_autocast = false, union_by_name = true"
"""What the names of folders say, night and run, are columns as well."""

_NAMED = """\
-- Views over what the manifests name; read this file from the folder it lies in:
-- duckdb -init views.sql
CREATE OR REPLACE TEMP TABLE emonet_manifests AS
SELECT * FROM read_json('{start}{manifests}/night=*.json', maximum_object_size = 1073741824,
  columns = {{night: 'VARCHAR', counts: 'JSON', {tables}}});

-- the files of each table; the list of them may be a file of its own
CREATE OR REPLACE TEMP TABLE emonet_lists AS
UNPIVOT emonet_manifests ON {names} INTO NAME emonet_table VALUE named;
SET VARIABLE emonet_lists = (
  SELECT 'SELECT * FROM read_parquet([' || string_agg('''{start}' || (named->>'path') || '''', ', ')
    || '], filename = true, file_row_number = true, hive_partitioning = false)'
  FROM emonet_lists WHERE json_type(named) = 'OBJECT');
-- (the shards that a table was split into may each name a file of before)
CREATE OR REPLACE TEMP TABLE emonet_files AS
SELECT night, emonet_table, path, min(position) AS position
FROM (SELECT night, emonet_table, '{start}' || (file->>'path') AS path, position
FROM (
  SELECT night, emonet_table, unnest(named::JSON[]) AS file,
    generate_subscripts(named::JSON[], 1) AS position
  FROM emonet_lists WHERE json_type(named) = 'ARRAY')
UNION ALL
SELECT night, emonet_table, '{start}' || path, file_row_number
FROM query(coalesce(getvariable('emonet_lists'),
  'SELECT NULL::VARCHAR AS filename, NULL::VARCHAR AS path, '
  'NULL::BIGINT AS file_row_number WHERE false'))
JOIN emonet_lists ON filename = '{start}' || (named->>'path')
WHERE json_type(named) = 'OBJECT')
GROUP BY night, emonet_table, path;
"""

_VIEW = """
SET VARIABLE emonet_{table} = (
  SELECT '{select} FROM read_parquet([' || string_agg('''' || replace(path, '''', '''''') || '''',
    ', ' ORDER BY night, position) || '], {options}){newest}'
  FROM emonet_files WHERE emonet_table = '{table}'{chosen});
CREATE OR REPLACE TEMP VIEW {table} AS
FROM query(coalesce(getvariable('emonet_{table}'), {nothing}));
"""

_NO_FOLDERS = "hive_partitioning = false"

_LAST_NIGHT = " AND night = (SELECT max(night) FROM emonet_manifests)"

_NEWEST = " QUALIFY row_number() OVER (PARTITION BY speaker_id ORDER BY night DESC) = 1"
"""Of the layers of memory that of the latest night has the newest row of a speaker."""

_CLASSES = """
SET VARIABLE emonet_classes = (
  SELECT string_agg(', NULL::FLOAT AS "prob_' || lower(class) || '"', '' ORDER BY class)
  FROM (SELECT DISTINCT unnest(json_keys(counts->'labels')) AS class FROM emonet_manifests));
"""


def write_views(output: str) -> None:
    """Writes the views, if they are not there.

    Raises:
      EmonetError: the storage failed, or other runs replaced the views all the time.
    """
    storage = storage_of(output)
    content = views(storage.root).encode()
    for attempt in range(1, _ATTEMPTS + 1):
        now = storage.version(_PATH)
        if now and now[0] == content:
            return
        try:
            storage.replace(_PATH, content, now and now[1])
        except ConflictError:
            if attempt == _ATTEMPTS:
                raise


def views_are_current(storage: Storage) -> bool:
    """Whether the views are there as they should be."""
    now = storage.version(_PATH)
    return now is not None and now[0] == views(storage.root).encode()


def views(root: str) -> str:
    """The SQL; paths are relative to OUT in a folder, and whole in a bucket.

    A table without a file has a view with its columns and no rows.

    Args:
      root: of the storage.
    """
    start = f"{root}/" if root.startswith("gs://") else ""
    tables = ", ".join(f"{table}: 'JSON'" for table in TABLES)
    names = ", ".join(TABLES)
    labels = _no_rows(labels_schema([_CLASS]), "night", "run")
    # its classes are known when the views are read
    probability = f', NULL::FLOAT AS "prob_{_CLASS.lower()}"'
    labels = labels.replace(probability, "' || coalesce(getvariable('emonet_classes'), '') || '")
    folders, every = ("night", "run"), {"select": "SELECT *", "newest": ""}
    nightly = {**every, "options": _FOLDERS, "chosen": ""}
    last = {**every, "options": _FOLDERS, "chosen": _LAST_NIGHT}
    # two files may have a row that a table had before it was split
    layered = {**last, "select": "SELECT DISTINCT *", "options": _NO_FOLDERS}
    memory = {**last, "newest": _NEWEST}
    return "".join(
        [
            _NAMED.format(start=start, manifests=MANIFESTS, tables=tables, names=names),
            _CLASSES,
            _VIEW.format(table="labels", nothing=labels, **nightly),
            _VIEW.format(table="rejected", nothing=_no_rows(REJECTED, *folders), **nightly),
            _VIEW.format(table="files", nothing=_no_rows(FILES, *folders), **nightly),
            _VIEW.format(table="episodes", nothing=_no_rows(EPISODES), **layered),
            _VIEW.format(table="copies", nothing=_no_rows(COPIES), **layered),
            _VIEW.format(table="memory", nothing=_no_rows(_MEMORY, *folders), **memory),
        ]
    )


def _no_rows(schema: pa.Schema, *more: str) -> str:
    """A query, as a string of SQL, with these columns and no rows."""
    columns = [(field.name, _sql_type(field.type)) for field in schema]
    columns += [(name, "VARCHAR") for name in more]
    listed = ", ".join(f'NULL::{kind} AS "{name}"' for name, kind in columns)
    return f"'SELECT {listed} WHERE false'"


def _sql_type(type: pa.DataType) -> str:
    if pa.types.is_dictionary(type):
        return _sql_type(type.value_type)
    if pa.types.is_map(type):
        return f"MAP({_sql_type(type.key_type)}, {_sql_type(type.item_type)})"
    if pa.types.is_list(type):
        return _sql_type(type.value_type) + "[]"
    return _TYPES[type]
